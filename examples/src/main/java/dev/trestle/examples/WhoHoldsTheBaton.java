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
 * The detector: a coroutine that computes without awaiting stops its loop, and is named while it does, with its stack. One that
 * gives way now and then is not.
 */
final class WhoHoldsTheBaton {

    /** Where warnings go as long as nothing else is told to {@link System.Logger}. */
    private static final Logger LOGGER = Logger.getLogger(EventLoop.class.getName());

    private WhoHoldsTheBaton() {}

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

    /** Goes on until the detector has seen it: so long as nobody looks, nothing helps. */
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

    /** What is said about the greedy one, while it lasts. */
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
