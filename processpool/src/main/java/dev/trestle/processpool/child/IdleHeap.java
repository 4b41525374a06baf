package dev.trestle.processpool.child;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Gives the memory of garbage back to the machine while a worker has no calls. The serial collector, which small
 * workers have, does not do that by itself: it keeps what it ever took until it collects again, and it collects for
 * calls only. G1 is told to do it by an option.
 *
 * <p>One collection when the worker has been idle for a while. It takes as long as there is live data, and a call that
 * comes then waits for it; so there is no other one until the heap has grown by half: a worker that holds a large model
 * collects once.
 */
class IdleHeap implements Runnable {

    /** The value of {@link CallRunner#idleAfter} while a call runs. */
    static final long BUSY = -1;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** There is little to give back of a smaller heap. */
    private static final long SMALL = 64L << 20;

    private final @Nullable CallRunner runner;

    // Confined to its thread
    private long seen;
    private long collectedAfter;
    private long bytesAfterCollection;

    /** Creates one for this JVM; tests have no runner, and say the rest themselves. */
    IdleHeap(@Nullable CallRunner runner) {
        this.runner = runner;
    }

    /** Returns the number of the last call, or {@link #BUSY}. */
    long idleAfter() {
        return runner == null ? BUSY : runner.idleAfter();
    }

    long heapBytes() {
        return Runtime.getRuntime().totalMemory();
    }

    void collect() {
        for (GarbageCollectorMXBean each : ManagementFactory.getGarbageCollectorMXBeans()) {
            if (each.getName().equals("MarkSweepCompact")) { // the serial one
                System.gc();
                return;
            }
        }
    }

    @Override
    public void run() {
        while (true) { // until the JVM ends
            LockSupport.parkNanos(this, PATIENCE_NANOS);
            var _ = Thread.interrupted(); // by a call that interrupts all threads
            look();
        }
    }

    /** Collects if no call has begun since the last look, and it is worth it. */
    void look() {
        long now = idleAfter();
        boolean idle = now != BUSY && now == seen;
        seen = now;
        if (idle && now != collectedAfter && heapBytes() > Math.max(SMALL, bytesAfterCollection / 2 * 3)) {
            collectedAfter = now;
            collect();
            bytesAfterCollection = heapBytes();
        }
    }
}
