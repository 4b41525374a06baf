package dev.trestle.loop;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A run of a loop on a driver of its own. */
final class Driving {

    private static final long RETRY_NANOS = 1_000_000;

    private final Thread thread;
    private volatile @Nullable Throwable failure;

    /**
     * Begins the run.
     *
     * @param run what the driver does, with the baton
     */
    Driving(String name, Baton baton, Runnable run) {
        this.thread = baton.newDriver(name, () -> {
            try {
                run.run();
            } catch (Throwable e) { // the loop itself is broken: whoever runs it must know
                failure = e;
            } finally {
                baton.end();
            }
        });
        baton.begin(thread);
        try {
            thread.start();
        } catch (Throwable e) { // no memory for a thread, most likely: the loop can be run again, and closed
            baton.end();
            throw e;
        }
    }

    /** Waits for the end of the run, whatever else fails: to join a thread takes memory. */
    void join() throws InterruptedException {
        boolean ended = false;
        while (!ended) {
            try {
                thread.join();
                ended = true;
            } catch (Error e) {
                LockSupport.parkNanos(this, RETRY_NANOS);
            }
        }
    }

    /** Waits for the end of the run, for a limited time; returns whether it has ended. An interrupt waits until after it. */
    boolean joinFor(Duration patience) {
        long until = System.nanoTime() + EventLoop.nanos(patience);
        boolean interrupted = false;
        while (true) {
            try {
                boolean ended = thread.join(Duration.ofNanos(Math.max(1, until - System.nanoTime())));
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
                return ended;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (Error e) {
                LockSupport.parkNanos(this, RETRY_NANOS);
            }
        }
    }

    /** Throws if the loop itself failed in this run, which has ended. */
    void finish() {
        if (failure != null) {
            throw new IllegalStateException("The event loop failed", failure);
        }
    }
}
