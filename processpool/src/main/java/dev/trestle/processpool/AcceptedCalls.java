package dev.trestle.processpool;

import dev.trestle.api.KeepAlive;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A count of the calls of a pool that were accepted and have not ended, their callbacks included. The program does not
 * end by itself until the count is zero, unless the pool is a daemon. Thread-safe.
 */
final class AcceptedCalls {

    /*
     * No end of a call is missed: the last call counts down before it reads `waiter`, and the thread that waits sets
     * `waiter` before it reads the count. Both are volatile, so at least one of the two threads sees the write of the
     * other.
     */

    private final AtomicInteger count = new AtomicInteger();
    private final @Nullable KeepAlive keepAlive;
    private volatile @Nullable Thread waiter;

    /**
     * @param daemon whether the program may end while the count is not zero
     */
    AcceptedCalls(boolean daemon) {
        this.keepAlive = daemon ? null : new KeepAlive(() -> count.get() != 0);
    }

    /**
     * Counts a call, also if this throws.
     *
     * @throws OutOfMemoryError if the thread that keeps the program running could not be started
     */
    void enter() {
        count.incrementAndGet();
        if (keepAlive != null) {
            keepAlive.onAccepted();
        }
    }

    /** Counts something that is done for a call which counts already. Needs no memory. */
    void enterAgain() {
        count.incrementAndGet();
    }

    /** Takes back what one of the other two methods has counted. Needs no memory. */
    void leave() {
        if (count.decrementAndGet() == 0) {
            LockSupport.unpark(waiter);
        }
        if (keepAlive != null) {
            keepAlive.onEnded();
        }
    }

    int size() {
        return count.get();
    }

    /**
     * Waits until the count is zero, for a time at most; returns whether it is. For one thread, and not interruptible.
     */
    boolean awaitNone(Duration limit) {
        long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        waiter = Thread.currentThread();
        for (long left = 1; count.get() != 0 && left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
            var _ = Thread.interrupted();
        }
        waiter = null;
        return count.get() == 0;
    }

    /** Lets the program end from now on; the pool has terminated. Idempotent. */
    void close() {
        if (keepAlive != null) {
            keepAlive.close();
        }
    }

    @Override
    public String toString() {
        return "AcceptedCalls[" + count + "]";
    }
}
