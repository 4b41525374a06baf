package dev.trestle.processpool;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.PoolThreads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs the tasks of one pool later, on platform threads. After {@link #close} it runs nothing more. Tests have one with
 * a time of its own. Thread-safe.
 */
class Timer implements AutoCloseable {

    /*
     * Time limits, retries and the end of a pool hang on this, so it goes on when memory has run out, when user code
     * holds all carriers of virtual threads, and when a task blocks or throws.
     *
     * Its threads are leader and followers: one waits for the first task that is due, and wakes a follower to wait in
     * its place before it runs the task. The first thread is started with the pool. If another cannot be started, tasks
     * run late, one after the other, but they run.
     *
     * A task that throws runs again, after a pause, until it does not throw: no other thread could do what it was for,
     * and what it lacked, memory or a thread, may be there then. So a task can be repeated, or catches what it throws.
     *
     * The tasks are a linked list in the order of their time: most are added near its end, and there are few. So to
     * schedule a task that exists needs no memory; see `prepare`.
     */

    private static final Log logger = Log.of(Timer.class);

    /** A follower without work ends after this time. */
    private static final long KEEP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition leading = lock.newCondition();
    private final Condition following = lock.newCondition();

    @GuardedBy("lock")
    private @Nullable Task first;

    @GuardedBy("lock")
    private @Nullable Task last;

    /** The thread that waits for the first task. */
    @GuardedBy("lock")
    private @Nullable Thread leader;

    /** The number of threads that wait to become the leader. */
    @GuardedBy("lock")
    private int followers;

    @GuardedBy("lock")
    private boolean closed;

    /** Makes a timer without a thread: its owner starts the first one when it can also close the timer. */
    Timer(String name) {
        this.name = name;
    }

    /** Starts a thread of this; a test may do without. */
    void startThread() {
        PoolThreads.start(name, this::run);
    }

    /** Returns the time that passes for this timer, as {@link System#nanoTime} does. */
    long nanoTime() {
        return System.nanoTime();
    }

    /** Runs an action after a time; returns what cancels it. If the action throws, it is repeated. */
    Task after(Duration delay, Runnable action) {
        var task = prepare(action);
        task.in(delay);
        return task;
    }

    /**
     * Returns a task that runs each time it is scheduled, which needs no memory, and that runs again, after a pause, if
     * it throws: until it does not. It never runs on two threads at a time.
     */
    Task prepare(Runnable action) {
        return new Task(action);
    }

    /** An action that runs at a time. */
    final class Task {
        private final Runnable action;

        // Guarded by the timer's lock
        private long at;
        private boolean scheduled;
        private boolean running;
        private boolean again;
        private boolean cancelled;
        private @Nullable Task previous;
        private @Nullable Task next;

        private long pause = SHORTEST_PAUSE_NANOS; // confined to the thread that runs it

        private Task(Runnable action) {
            this.action = action;
        }

        /** Schedules this to run as soon as possible. If it is running, it runs once more. */
        void now() {
            inNanos(0);
        }

        /** Schedules this, instead of when it was to run before. */
        void in(Duration delay) {
            inNanos(TimeUnit.NANOSECONDS.convert(delay));
        }

        /** Schedules this, unless it is to run earlier already. */
        void within(Duration delay) {
            withinNanos(TimeUnit.NANOSECONDS.convert(delay));
        }

        /** Schedules as {@link #within} does, by nanoseconds. */
        void withinNanos(long nanos) {
            lock.lock();
            try {
                if (!scheduled || at - nanoTime() > nanos) {
                    inNanos(nanos);
                }
            } finally {
                lock.unlock();
            }
        }

        /** Schedules as {@link #in} does, by nanoseconds. */
        void inNanos(long nanos) {
            lock.lock();
            try {
                unlink(this);
                cancelled = false;
                at = nanoTime() + Math.min(nanos, Long.MAX_VALUE >> 1);
                if (running) {
                    again = true;
                } else {
                    link(this);
                }
            } finally {
                lock.unlock();
            }
        }

        /** Drops this if it has not begun; if it has, it is not repeated. */
        void cancel() {
            lock.lock();
            try {
                cancelled = true;
                again = false;
                unlink(this);
            } finally {
                lock.unlock();
            }
        }

        /** Returns when this is to run. */
        long at() {
            return at;
        }

        /** Runs this; on the thread that has taken it. */
        void run() {
            boolean failed = false;
            try {
                action.run();
                pause = SHORTEST_PAUSE_NANOS;
            } catch (Throwable e) {
                failed = true;
                if (pause == SHORTEST_PAUSE_NANOS) {
                    // No thread waits for a task: this is the last place where its failure can be seen.
                    logger.error("A task of {} failed, and is retried until it succeeds", name, e);
                }
            } finally {
                var _ = Thread.interrupted(); // it may have run callbacks of the program
                ended(this, failed);
            }
        }
    }

    private void ended(Task task, boolean failed) {
        lock.lock();
        try {
            task.running = false;
            if (task.again) {
                task.again = false;
                link(task);
            } else if (failed && !task.cancelled) {
                task.at = nanoTime() + task.pause;
                task.pause = Math.min(2 * task.pause, LONGEST_PAUSE_NANOS);
                link(task);
            }
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void link(Task task) {
        if (closed) {
            return;
        }
        Task before = last;
        while (before != null && before.at - task.at > 0) {
            before = before.previous;
        }
        Task after = before == null ? first : before.next;
        task.previous = before;
        task.next = after;
        if (before == null) {
            first = task;
        } else {
            before.next = task;
        }
        if (after == null) {
            last = task;
        } else {
            after.previous = task;
        }
        task.scheduled = true;
        if (first == task) {
            leading.signal();
        }
    }

    @GuardedBy("lock")
    private void unlink(Task task) {
        if (!task.scheduled) {
            return;
        }
        task.scheduled = false;
        Task before = task.previous;
        Task after = task.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previous = before;
        }
        task.previous = null;
        task.next = null;
    }

    /** Returns the scheduled tasks, in the order of their times. */
    List<Runnable> scheduled() {
        List<Runnable> actions = new ArrayList<>();
        lock.lock();
        try {
            for (Task each = first; each != null; each = each.next) {
                actions.add(each.action);
            }
        } finally {
            lock.unlock();
        }
        return actions;
    }

    // On its threads

    private void run() {
        boolean needed = true;
        while (needed) {
            try {
                needed = runNext();
            } catch (Throwable e) {
                // No memory to wait with, or to log with. Even a call from here could fail, when its class is looked
                // up.
                needed = true;
            }
        }
    }

    /** Waits for a task, and runs it; returns whether there may be another for this thread. */
    private boolean runNext() {
        Task task = take();
        if (task == null) {
            return false;
        }
        try {
            watchMeanwhile();
        } finally {
            task.run();
        }
        return true;
    }

    /** Waits for a task that is due; returns null if this thread is not needed any more. */
    private @Nullable Task take() {
        Thread self = Thread.currentThread();
        lock.lock();
        try {
            while (!closed) {
                try {
                    if (leader != null && leader != self) {
                        if (!follow()) {
                            return null;
                        }
                    } else {
                        leader = self;
                        long now = nanoTime();
                        Task task = takeDueAt(now);
                        if (task != null) {
                            leader = null;
                            return task;
                        }
                        var _ = leading.awaitNanos(first == null ? Long.MAX_VALUE : first.at - now);
                    }
                } catch (InterruptedException e) {
                    logger.debug("{} was interrupted, and continues", name);
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there is no leader; returns false if there has been one all the time. */
    @GuardedBy("lock")
    private boolean follow() throws InterruptedException {
        long left = KEEP_NANOS;
        followers++;
        try {
            while (leader != null && left > 0 && !closed) {
                left = following.awaitNanos(left);
            }
        } finally {
            followers--;
        }
        return leader == null;
    }

    /** Takes the first task if it is due at a time; returns null if not. For a test, which runs it. */
    @Nullable
    Task takeDueAt(long time) {
        lock.lock();
        try {
            Task task = first;
            if (task == null || task.at - time > 0) {
                return null;
            }
            unlink(task);
            task.running = true;
            return task;
        } finally {
            lock.unlock();
        }
    }

    /** Sees to it that another thread waits for the next task while this one runs its own. */
    private void watchMeanwhile() {
        lock.lock();
        try {
            if (leader != null) {
                return;
            }
            if (followers > 0) {
                following.signal();
                return;
            }
        } finally {
            lock.unlock();
        }
        try {
            startThread();
        } catch (Throwable e) {
            logger.debug("{} has only one thread, so tasks may run late", name, e);
        }
    }

    /** Drops all tasks that have not begun. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            first = null;
            last = null;
            leading.signalAll();
            following.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return "Timer[" + name + "]";
    }
}
