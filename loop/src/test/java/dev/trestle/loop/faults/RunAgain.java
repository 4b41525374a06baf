package dev.trestle.loop.faults;

import dev.trestle.loop.EventLoop;
import java.time.Duration;
import java.util.concurrent.Callable;

/**
 * A program that runs a loop, while one step of the loop's own code fails, and runs the loop again. Its result is
 * empty, or says what the loop has not done. Loaded by a {@link FaultLoader}.
 */
public final class RunAgain implements Callable<String> {

    /** Called through the class loader. */
    public RunAgain() {}

    @Override
    public String call() {
        EventLoop loop = newLoop();
        try {
            int _ = loop.runUntilComplete(() -> 1);
        } catch (Throwable e) {
            Thread.onSpinWait(); // injected
        }
        Faults.disarm();
        try (loop) {
            int answer = loop.runUntilComplete(() -> 42);
            return answer == 42 ? "" : "the loop has returned " + answer;
        } catch (IllegalStateException e) {
            return "the loop cannot be run again: " + e.getMessage();
        }
    }

    private static EventLoop newLoop() {
        while (true) {
            try {
                var loop = new EventLoop();
                loop.setSlowCallbackDuration(Duration.ofMillis(20)); // a driver that does not begin is replaced as soon
                return loop;
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
    }
}
