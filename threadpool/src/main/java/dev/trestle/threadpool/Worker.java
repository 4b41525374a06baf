package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread of a pool, with its present work. An idle worker spins, then sleeps, until it gets more. */
final class Worker implements Runnable {

    private static final int SPINS_PER_LOOK_AT_THE_CLOCK = 16;

    private final WorkerThreads workers;
    private final Thread thread;

    /** Null for a virtual thread, which never spins: it is woken without the kernel, and would keep its carrier. */
    private final @Nullable SpinBudget spinning;

    /** True when the thread has begun to run, or its start has failed: only the first of the two counts. */
    @GuardedBy("this")
    private boolean claimed;

    /** Confined to this worker's thread. */
    private boolean initialized;

    /** The work that this worker runs, or is about to run; changed under the lock of {@link WorkerThreads}. */
    volatile @Nullable Work work;

    /** True while the thread sleeps, or is about to, and must be woken for new work. */
    private volatile boolean sleeping;

    // Guarded by the lock of WorkerThreads
    boolean free;

    @Nullable
    Worker previous;

    @Nullable
    Worker next;

    @Nullable
    Worker previousIdle;

    @Nullable
    Worker nextIdle;

    /** Makes a thread, which is code of the program if the program has brought the factory. */
    Worker(WorkerThreads workers) {
        this.workers = workers;
        this.thread = workers.newThread(this);
        this.spinning =
                thread.isVirtual() ? null : new SpinBudget(Runtime.getRuntime().availableProcessors());
    }

    /**
     * Starts the thread. If this throws, the thread runs no work, not even when it begins later: the start of a virtual
     * thread may fail after the thread was queued. If the thread has begun already, this does not throw.
     */
    void start() {
        try {
            thread.start();
        } catch (Throwable e) {
            if (claim()) {
                throw e;
            }
        }
    }

    private synchronized boolean claim() {
        boolean first = !claimed;
        claimed = true;
        return first;
    }

    /** Waits for the end of the thread. If it has not run this by then, its work fails. */
    void awaitEnd(CheckedFactory factory) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            return; // nothing interrupts the thread that waits here
        }
        if (claim()) {
            workers.lose(this, factory.ended(thread));
        }
    }

    boolean isHere() {
        return Thread.currentThread() == thread;
    }

    @Override
    public void run() {
        if (!claim()) {
            return;
        }
        do {
            runWork();
        } while (workers.awaitWork(this));
    }

    /** Runs the present work. A method of its own, so that no frame of a waiting thread holds the work before. */
    private void runWork() {
        requireNonNull(work).runOn(this);
    }

    /** Returns true at the first call. */
    boolean needsInitializing() {
        boolean first = !initialized;
        initialized = true;
        return first;
    }

    void becomeFree() {
        workers.free(this);
    }

    void becomeBusy() {
        workers.occupy(this);
    }

    // Waiting for work, on this worker's thread

    /** Waits until there is work, the pool is shut down, or the time is {@code nanoTime}. See ADR 440. */
    void await(long nanoTime) {
        long now = spinning == null ? System.nanoTime() : spin(spinning);
        while (!isCalled() && nanoTime - now > 0) {
            sleep(nanoTime - now);
            now = System.nanoTime();
        }
    }

    /** Spins until this is called, or has spun for its budget; returns the time. */
    private long spin(SpinBudget budget) {
        long now = System.nanoTime();
        long nanos = budget.nextPause();
        if (nanos == 0) {
            return now;
        }
        long until = now + nanos;
        while (!isCalled() && until - now > 0) {
            for (int i = 0; i < SPINS_PER_LOOK_AT_THE_CLOCK && !isCalled(); i++) {
                Thread.onSpinWait();
            }
            now = System.nanoTime();
        }
        if (isCalled()) {
            budget.paid();
        } else {
            budget.wasInVain();
        }
        return now;
    }

    private void sleep(long nanos) {
        sleeping = true;
        try {
            if (!isCalled()) {
                LockSupport.parkNanos(workers, nanos);
            }
        } catch (Throwable e) {
            Thread.onSpinWait(); // a virtual thread needs memory to sleep; without memory, it looks for work again
        } finally {
            sleeping = false;
            var _ = Thread.interrupted(); // meant for a call that has ended
        }
    }

    private boolean isCalled() {
        return work != null || workers.isShutdown();
    }

    /** Wakes the thread if it sleeps; called after {@code work} was set or the pool was shut down. */
    void wake() {
        if (sleeping) { // else the thread will see the work, since it sets `sleeping` before its last look
            LockSupport.unpark(thread);
        }
    }
}
