package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The threads of a pool, and the queue of waiting work. All methods may be called from any thread. */
final class WorkerThreads {

    /*
     * Work goes to the thread that became idle last; if no thread is idle, to a thread that is about to become idle; if
     * there is none, to a new thread; and if the pool is full, into the queue.
     *
     * A thread is free from the moment before it completes the future of its call: the caller that waits for this
     * future may submit its next call before the thread is back here, and a second thread would be started for nothing.
     * So work is queued for the free threads that are on their way. But a thread that finds callbacks to run, which may
     * take long or wait for a call of the same pool, is not free after all, and what was queued for it goes to a new
     * thread (`occupy`).
     *
     * Invariants under the lock: an idle thread means an empty queue; work in the queue means a thread that will come
     * for it.
     *
     * Threads that end as soon as they have no work, such as virtual ones, are idle for the moment between the two
     * steps of `awaitWork`, and are given work like others then. See ADR 441.
     *
     * The program may bring the factory of the threads, and no code of the program runs under the lock. So a thread is
     * made before the lock is taken again and it is decided whether the thread is started; one that is no longer needed
     * is dropped unstarted.
     *
     * The queue and the lists of workers are linked through their elements, so a call that is cancelled leaves the
     * queue at once, and nothing here allocates under the lock except the start of a thread, which comes before all
     * changes. The lock is a monitor, since to leave a monitor cannot fail. See ADR 23.
     */

    private enum Phase {
        OPEN,
        SHUT_DOWN,
        STOPPED
    }

    private final int size;
    private final long idleNanos;
    private final ThreadFactory factory;
    private final Runnable onTerminated;
    private final CountDownLatch terminated = new CountDownLatch(1);
    private final Object lock = new Object();

    /** Changed under the lock. */
    private volatile Phase phase = Phase.OPEN;

    @GuardedBy("lock")
    private int threads;

    @GuardedBy("lock")
    private int waiting;

    @GuardedBy("lock")
    private @Nullable Work oldest;

    @GuardedBy("lock")
    private @Nullable Work newest;

    @GuardedBy("lock")
    private @Nullable Worker workers;

    /** The idle workers, as a stack. */
    @GuardedBy("lock")
    private @Nullable Worker idle;

    /** The number of workers that are idle or about to be. */
    @GuardedBy("lock")
    private int free;

    /**
     * Creates an empty set of threads.
     *
     * @param size the largest number of threads
     * @param idleNanos the time for which a thread without work waits before it ends; 0: it ends at once
     * @param factory makes threads that are not started
     * @param onTerminated called once, when the pool is shut down and the last thread ends
     */
    WorkerThreads(int size, long idleNanos, ThreadFactory factory, Runnable onTerminated) {
        this.size = size;
        this.idleNanos = idleNanos;
        this.factory = factory;
        this.onTerminated = onTerminated;
    }

    // Giving work

    /**
     * Takes work, unless the pool is shut down; returns whether it was taken. If a thread is needed and cannot be
     * started, throws that error, and the work was not taken.
     */
    boolean take(Work work) {
        Worker made = null;
        while (true) {
            Worker woken;
            boolean started = false;
            synchronized (lock) {
                if (phase != Phase.OPEN) {
                    return false;
                }
                woken = idle;
                if (woken != null) {
                    unlinkIdle(woken);
                    assign(woken, work);
                } else if (waiting < free || threads == size) {
                    enqueue(work);
                    return true;
                } else if (made != null) {
                    start(made, work);
                    started = true;
                }
            }
            if (made != null && started) {
                watch(made);
                return true;
            }
            if (woken != null) {
                woken.wake();
                return true;
            }
            made = new Worker(this);
        }
    }

    /** Takes work out of the queue; returns whether it was there. */
    boolean forget(Work work) {
        synchronized (lock) {
            if (work.queued) {
                dequeue(work);
                return true;
            }
            return false;
        }
    }

    @GuardedBy("lock")
    private void start(Worker worker, Work work) {
        worker.work = work;
        worker.start();
        Worker head = workers;
        worker.next = head;
        if (head != null) {
            head.previous = worker;
        }
        workers = worker;
        threads++;
    }

    Thread newThread(Worker worker) {
        return factory.newThread(worker);
    }

    @GuardedBy("lock")
    private void assign(Worker worker, Work work) {
        worker.work = work;
        worker.free = false;
        free--;
    }

    // The workers, each on its own thread

    /**
     * Marks a worker as free: it has no work, and will soon call {@link #awaitWork} unless it finds callbacks to run.
     */
    void free(Worker worker) {
        synchronized (lock) {
            worker.work = null;
            worker.free = true;
            free++;
        }
    }

    /** Marks a free worker as busy: it will not call {@link #awaitWork} soon. */
    void occupy(Worker worker) {
        boolean needsThread;
        synchronized (lock) {
            if (!worker.free) {
                return;
            }
            worker.free = false;
            free--;
            needsThread = needsThreadForQueue();
        }
        if (needsThread) {
            startForQueue();
        }
    }

    @GuardedBy("lock")
    private boolean needsThreadForQueue() {
        return oldest != null && waiting > free && threads < size;
    }

    private void startForQueue() {
        try {
            var made = new Worker(this);
            Work next;
            synchronized (lock) {
                next = needsThreadForQueue() ? oldest : null;
                if (next != null) {
                    start(made, next);
                    dequeue(next);
                }
            }
            if (next != null) {
                watch(made);
            }
        } catch (Throwable e) {
            // No thread can be started now. The work stays in the queue, and the next worker that comes takes it.
            if (e instanceof RuntimeException) {
                report(e);
            }
        }
    }

    /**
     * Waits, on a thread of its own, for the end of a worker's thread that a factory of the program has made: it may
     * never run the worker, and no other thread would learn of that. Does not throw.
     */
    private void watch(Worker worker) {
        if (factory instanceof CheckedFactory own) {
            try {
                var _ = Thread.startVirtualThread(() -> worker.awaitEnd(own));
            } catch (Throwable e) {
                return; // there is no memory to watch it with, and the call has been accepted
            }
        }
    }

    /** Ends the work of a worker whose thread has ended and will never run it. */
    void lose(Worker worker, Throwable why) {
        Work lost = requireNonNull(worker.work);
        boolean needsThread;
        boolean last;
        synchronized (lock) {
            worker.work = null;
            remove(worker);
            needsThread = needsThreadForQueue();
            last = isOver();
        }
        if (last) {
            terminate(); // before the callbacks of the future, which may close the pool
        }
        lost.lose(why);
        if (needsThread) {
            startForQueue();
        }
    }

    /** Logs the failure of a factory where no caller is told of it. Does not throw. */
    private void report(Throwable failure) {
        try {
            System.getLogger(ThreadPool.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "The thread factory " + factory + " failed, so a call waits until another thread is free",
                            failure);
        } catch (Throwable e) {
            // The log itself is broken, and nothing else is waiting for this.
        }
    }

    /** Assigns the next work to a worker, and waits for it; returns false if the worker's thread is to end. */
    boolean awaitWork(Worker worker) {
        synchronized (lock) {
            if (!worker.free) {
                free(worker);
            }
            Work next = oldest;
            if (next != null) {
                dequeue(next);
                assign(worker, next);
                return true;
            }
            linkIdle(worker);
        }
        if (idleNanos > 0) {
            worker.await(System.nanoTime() + idleNanos);
        }
        return hasWork(worker);
    }

    /** Returns whether an idle worker was given work; if not, removes it. */
    private boolean hasWork(Worker worker) {
        boolean last;
        synchronized (lock) {
            if (worker.work != null) {
                return true;
            }
            unlinkIdle(worker);
            free--;
            remove(worker);
            last = isOver();
        }
        if (last) {
            terminate();
        }
        return false;
    }

    @GuardedBy("lock")
    private void remove(Worker worker) {
        Worker before = worker.previous;
        Worker after = worker.next;
        if (before == null) {
            workers = after;
        } else {
            before.next = after;
        }
        if (after != null) {
            after.previous = before;
        }
        threads--;
    }

    // Ending

    void shutdown() {
        boolean over;
        synchronized (lock) {
            if (phase != Phase.OPEN) {
                return;
            }
            phase = Phase.SHUT_DOWN;
            wakeIdle();
            over = isOver();
        }
        if (over) {
            terminate();
        }
    }

    /** The work that was running when a pool was stopped, and the oldest of the work that will never run. */
    static final class Stopped {
        final Work[] running;
        final @Nullable Work oldest;

        Stopped(Work[] running, @Nullable Work oldest) {
            this.running = running;
            this.oldest = oldest;
        }
    }

    /**
     * Shuts the threads down, and takes out the work that waits, which stays linked. If it throws, nothing has changed.
     */
    Stopped stop() {
        Stopped stopped;
        boolean over;
        synchronized (lock) {
            stopped = new Stopped(running(), oldest);
            over = phase == Phase.OPEN && threads == 0;
            phase = Phase.STOPPED;
            for (Work each = oldest; each != null; each = each.later) {
                each.queued = false;
            }
            oldest = null;
            newest = null;
            waiting = 0;
            wakeIdle();
        }
        if (over) {
            terminate();
        }
        return stopped;
    }

    @GuardedBy("lock")
    private Work[] running() {
        int count = 0;
        for (Worker each = workers; each != null; each = each.next) {
            if (each.work != null) {
                count++;
            }
        }
        var running = new Work[count];
        for (Worker each = workers; each != null; each = each.next) {
            Work work = each.work;
            if (work != null) {
                count--;
                running[count] = work;
            }
        }
        return running;
    }

    @GuardedBy("lock")
    private void wakeIdle() {
        for (Worker each = idle; each != null; each = each.nextIdle) {
            each.wake();
        }
    }

    @GuardedBy("lock")
    private boolean isOver() {
        return phase != Phase.OPEN && threads == 0;
    }

    private void terminate() {
        try {
            onTerminated.run();
        } finally {
            terminated.countDown();
        }
    }

    boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return terminated.await(timeout, unit);
    }

    // Looking

    boolean isShutdown() {
        return phase != Phase.OPEN;
    }

    boolean isStopped() {
        return phase == Phase.STOPPED;
    }

    boolean isTerminated() {
        return terminated.getCount() == 0;
    }

    int threads() {
        synchronized (lock) {
            return threads;
        }
    }

    int waiting() {
        synchronized (lock) {
            return waiting;
        }
    }

    /** Returns whether the calling thread is one of these. */
    boolean isHere() {
        synchronized (lock) {
            Worker each = workers;
            while (each != null && !each.isHere()) {
                each = each.next;
            }
            return each != null;
        }
    }

    // Links

    @GuardedBy("lock")
    private void enqueue(Work work) {
        Work last = newest;
        work.earlier = last;
        work.queued = true;
        if (last == null) {
            oldest = work;
        } else {
            last.later = work;
        }
        newest = work;
        waiting++;
    }

    @GuardedBy("lock")
    private void dequeue(Work work) {
        Work before = work.earlier;
        Work after = work.later;
        if (before == null) {
            oldest = after;
        } else {
            before.later = after;
        }
        if (after == null) {
            newest = before;
        } else {
            after.earlier = before;
        }
        work.unlink();
        work.queued = false;
        waiting--;
    }

    @GuardedBy("lock")
    private void linkIdle(Worker worker) {
        Worker top = idle;
        worker.previousIdle = null;
        worker.nextIdle = top;
        if (top != null) {
            top.previousIdle = worker;
        }
        idle = worker;
    }

    @GuardedBy("lock")
    private void unlinkIdle(Worker worker) {
        Worker before = worker.previousIdle;
        Worker after = worker.nextIdle;
        if (before == null) {
            idle = after;
        } else {
            before.nextIdle = after;
        }
        if (after != null) {
            after.previousIdle = before;
        }
        worker.previousIdle = null;
        worker.nextIdle = null;
    }
}
