package dev.trestle.loop;

import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofSeconds;

import org.junit.jupiter.api.AutoClose;

/** A test with a loop in virtual time, which is closed at its end, and with tasks to wait for. */
abstract class WithLoop extends InVirtualTime {

    @AutoClose
    final EventLoop loop = new EventLoop(clock);

    /** Creates a task that has a result after a time. */
    final Task<String> after(int seconds, String result) {
        return createTask(() -> {
            sleep(ofSeconds(seconds));
            trail.add(result);
            return result;
        });
    }

    /** Creates a task that fails after a time. */
    static Task<String> failing(int seconds) {
        return createTask(() -> {
            sleep(ofSeconds(seconds));
            throw new IllegalStateException("after " + seconds);
        });
    }
}
