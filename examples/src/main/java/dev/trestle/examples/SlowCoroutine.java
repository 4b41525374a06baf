package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * The slow-callback detector: a coroutine that computes without awaiting stops its loop, and a warning names it while
 * it does, with its stack. A coroutine that yields now and then causes no warning.
 */
final class SlowCoroutine {

    /** The logger of the warnings, since {@link System.Logger} uses java.util.logging by default. */
    private static final Logger LOGGER = Logger.getLogger(EventLoop.class.getName());

    private SlowCoroutine() {}

    static void main(String[] args) {
        var warnings = new Warnings();
        LOGGER.addHandler(warnings);
        try {
            EventLoop.run(() -> {
                EventLoop.getRunningLoop().setSlowCallbackDuration(Duration.ofMillis(50));
                Task<?> greedy = createTask(() -> countUntilNamed(warnings), "greedy");
                await(greedy);
                IO.println(warnings.messages.element());
                Task<Integer> polite = createTask(() -> countPolitely(), "polite");
                IO.println("polite has counted to " + await(polite));
            });
        } finally {
            LOGGER.removeHandler(warnings);
        }
    }

    /** Computes until the detector has logged a warning. */
    private static void countUntilNamed(Warnings warnings) {
        while (warnings.messages.isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private static int countPolitely() {
        int count = 0;
        while (count < 1_000) {
            count++;
            yieldNow();
        }
        return count;
    }

    /** The warnings about the greedy coroutine, as they arrive. */
    private static final class Warnings extends Handler {
        private final LinkedBlockingQueue<String> messages = new LinkedBlockingQueue<>();

        @Override
        public void publish(LogRecord record) {
            String message = record.getMessage();
            if (message.startsWith("Task[greedy]") && message.contains("still does")) {
                messages.add(message);
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
