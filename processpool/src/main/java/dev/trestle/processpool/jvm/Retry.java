package dev.trestle.processpool.jvm;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.event.Level;

/**
 * Steps that must be done although the heap may be full: they are tried again, after pauses that get longer, for as
 * long as they throw. Blocks the calling thread, and drops interrupts that it gets.
 */
public final class Retry {

    private static final Log logger = Log.of(Retry.class);

    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private Retry() {}

    /**
     * Runs a step until it does not throw. A step that throws must have changed nothing, or do the rest the next time.
     */
    public static void untilDone(Runnable step) {
        long pause = 0;
        while (true) {
            try {
                step.run();
                return;
            } catch (Throwable e) {
                logger.failure(Level.DEBUG, "{} is tried again after a failure{}", step, "", e);
            }
            pause = pauseAndDouble(pause);
        }
    }

    /**
     * Fails once. Code that runs for the first time needs memory, since the JVM looks up its classes: so this is run
     * before it is needed.
     */
    public static void rehearse() {
        var failed = new AtomicBoolean();
        untilDone(() -> {
            if (!failed.getAndSet(true)) {
                throw new IllegalStateException("A rehearsal");
            }
        });
    }

    /**
     * Runs a step until it does not throw an Error, or time is over. Throws its last error, or any other exception.
     */
    public static <T> T within(Duration limit, Callable<T> step) throws Exception {
        long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        long pause = 0;
        while (true) {
            try {
                return step.call();
            } catch (Error e) {
                if (System.nanoTime() - end >= 0) {
                    throw e;
                }
            }
            pause = pauseAndDouble(pause);
        }
    }

    /** Pauses, shortly if the last pause is 0; returns how long to pause the next time. Keeps the interrupt status. */
    public static long pauseAndDouble(long pause) {
        long nanos = Math.max(pause, SHORTEST_PAUSE_NANOS);
        boolean interrupted = Thread.interrupted(); // or there would be no pause
        LockSupport.parkNanos(nanos);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return Math.min(2 * nanos, LONGEST_PAUSE_NANOS);
    }
}
