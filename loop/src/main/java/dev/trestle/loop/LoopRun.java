package dev.trestle.loop;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A run of a loop on a driver of its own. Confined to the thread that waits for its end. */
final class LoopRun {

    /*
     * The JDK may lose a thread that it was told to start; see Resubmission. So if the driver has not begun after a
     * while, its start is revoked, which it may only be before the driver begins, and another thread becomes the
     * driver.
     */

    private static final long RETRY_NANOS = 1_000_000;

    private final String name;
    private final Baton baton;
    private final Runnable run;
    private volatile @Nullable Throwable failure;

    private Thread thread;
    private AtomicBoolean begun = new AtomicBoolean();

    /** The longest time that a driver may take to begin. Doubled for each driver. */
    private Duration limit;

    private long startedAt = System.nanoTime();

    /**
     * Begins the run.
     *
     * @param run the work of the driver, with the baton
     */
    LoopRun(String name, Baton baton, Runnable run) {
        this.name = name;
        this.baton = baton;
        this.run = run;
        this.limit = Duration.ofNanos(Resubmission.firstLimit(baton.slowNanos()));
        this.thread = newDriver(begun);
        baton.begin(thread);
        try {
            thread.start();
        } catch (Throwable e) { // no memory for a thread, most likely: the loop can be run again, and closed
            boolean ended = false;
            while (!ended) {
                try {
                    baton.end();
                    ended = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // a loop whose run does not end could not be run again
                }
            }
            throw e;
        }
    }

    /** Returns a new driver, which does nothing if it was replaced before it began. */
    private Thread newDriver(AtomicBoolean hasBegun) {
        return baton.newDriver(name, () -> drive(hasBegun));
    }

    /**
     * The body of a driver. Between the step that decides that it has begun and the block that ends the run, there is
     * no call: an error there would leave a run that no thread ends, and that is not replaced.
     */
    private void drive(AtomicBoolean hasBegun) {
        boolean mine = false;
        try {
            mine = hasBegun.compareAndSet(false, true);
            if (mine) {
                run.run();
            }
        } catch (Throwable e) {
            if (!mine) {
                throw e; // it has not begun, and is replaced
            }
            failure = e; // the loop itself is broken: `finish` throws this where the loop is run
        } finally {
            boolean ended = !mine;
            while (!ended) {
                try {
                    baton.end();
                    ended = true;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // a loop whose run does not end could not be run again
                }
            }
        }
    }

    /** Waits for the end of the run, whatever else fails: to join a thread takes memory. */
    void join() throws InterruptedException {
        boolean ended = false;
        while (!ended) {
            try {
                if (begun.get()) {
                    thread.join();
                    ended = true;
                } else {
                    ended = joinOrReplace(limit);
                }
            } catch (Error e) {
                LockSupport.parkNanos(this, RETRY_NANOS);
            }
        }
    }

    /**
     * Waits for the end of the run, for a limited time; returns whether it has ended. An interrupt is kept for
     * afterwards.
     */
    boolean joinFor(Duration patience) {
        long until = System.nanoTime() + TimeLimit.nanos(patience);
        boolean interrupted = false;
        while (true) {
            try {
                boolean ended = joinOrReplace(Duration.ofNanos(Math.max(1, until - System.nanoTime())));
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

    /**
     * Waits for the driver for a limited time, and replaces it if it has not begun for long. Returns whether the run
     * has ended.
     */
    private boolean joinOrReplace(Duration patience) throws InterruptedException {
        if (thread.getState() == Thread.State.NEW) { // it has replaced another one
            startedAt = System.nanoTime();
            thread.start(); // if this fails, the thread is over, and is replaced
        }
        boolean over = thread.join(patience);
        if (begun.get()) {
            return over;
        }
        return (over || System.nanoTime() - startedAt >= limit.toNanos()) && !replace();
    }

    /**
     * Puts another driver, which is still to be started, in place of one that has not begun. Returns whether the run
     * goes on; not if the loop was abandoned.
     */
    private boolean replace() {
        var hasBegun = new AtomicBoolean();
        Thread next = newDriver(hasBegun);
        Duration longerLimit = limit.multipliedBy(2);
        if (!begun.compareAndSet(false, true)) {
            return true; // it has begun just now
        }
        boolean replaced = false;
        boolean goesOn = false;
        while (!replaced) {
            try {
                goesOn = baton.replaceDriver(next);
                replaced = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // the other driver will not begin any more
            }
        }
        if (!goesOn) {
            return false;
        }
        begun = hasBegun;
        thread = next;
        limit = longerLimit;
        return true;
    }

    /** Throws if the loop itself failed in this run, which has ended. */
    void finish() {
        if (failure != null) {
            throw new IllegalStateException("The event loop failed", failure);
        }
    }
}
