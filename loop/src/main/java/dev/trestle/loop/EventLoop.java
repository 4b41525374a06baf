package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A single-threaded event loop, whose coroutines are virtual threads: Python's asyncio.
 *
 * <p>Exactly one of a loop's threads runs at a time, and it gives the turn away only where it awaits. So code between two
 * awaits is atomic, and needs no locks.
 *
 * <p>Everything but {@link #callSoonThreadsafe}, {@link #isRunning}, {@link #isClosed}, {@link #isRunningHere} and
 * {@link #stop} belongs to the loop: while it runs, only its own code may call it; before and after, any one thread.
 *
 * {@snippet :
 * int answer = EventLoop.run(() -> {
 *     Task<Integer> a = createTask(() -> fetch(1));
 *     Task<Integer> b = createTask(() -> fetch(2));
 *     return await(a) + await(b);
 * });
 * }
 */
public final class EventLoop implements AutoCloseable {

    /*
     * The baton. `holder` is the one thread that may run the loop's code: the driver, or the thread of a coroutine.
     *
     * A turn runs what was ready when it began: `left` counts it down. A coroutine that suspends hands the baton straight
     * to the next ready coroutine of the turn; when a callback is next, or the turn is over, it goes to the driver, which
     * runs callbacks, looks at inbox and timers, and sleeps. Everything below the line "confined" is touched by the holder
     * only; the hand-over through the volatile `holder` publishes it.
     *
     * Other threads add to `inbox` and unpark the driver if it sleeps. It says so in `asleep` before it looks at the inbox
     * a last time, and they look at `asleep` after they have added: one of the two sees the other.
     */

    private static final System.Logger logger = System.getLogger(EventLoop.class.getName());
    private static final ScopedValue<EventLoop> RUNNING = ScopedValue.newInstance();
    private static final AtomicInteger loops = new AtomicInteger();
    private static final AtomicLong taskNumbers = new AtomicLong();

    private final String name = "trestle-loop-" + loops.incrementAndGet();
    private final LoopClock clock;
    private final long origin;

    // any thread
    private final Queue<Handle> inbox = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Thread holder;
    private volatile @Nullable Thread driver;
    private volatile boolean asleep;
    private volatile boolean stopping;
    private volatile boolean closed;
    private final AtomicInteger outside = new AtomicInteger();

    // confined
    /** Tasks that go on, and Runnables. */
    private final ArrayDeque<Object> ready = new ArrayDeque<>();

    private final PriorityQueue<Handle> timers = new PriorityQueue<>();
    private final Set<Task<?>> tasks = new LinkedHashSet<>();
    private final List<AutoCloseable> closeWithLoop = new ArrayList<>();
    private @Nullable Task<?> current;
    private int left;
    private long sequence;

    /** Creates a loop that goes by the machine's clock. */
    public EventLoop() {
        this(LoopClock.system());
    }

    /**
     * Creates a loop with its own time.
     *
     * @param clock the clock
     */
    public EventLoop(LoopClock clock) {
        this.clock = requireNonNull(clock, "clock");
        this.origin = clock.nanos();
    }

    /**
     * Runs a coroutine in a new loop, waits for it, and closes the loop: Python's {@code asyncio.run}. Tasks that are left
     * are cancelled. Blocks the calling thread.
     *
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     * @throws CompletionException if it threw a checked exception
     * @throws IllegalStateException if this thread is running a loop already
     */
    public static <T extends @Nullable Object> T run(Coroutine<T> main) {
        refuseInsideALoop("EventLoop.run");
        try (var loop = new EventLoop()) {
            return loop.runUntilComplete(main);
        }
    }

    /**
     * Runs a coroutine without a result in a new loop; see {@link #run(Coroutine)}.
     *
     * @param main the coroutine
     */
    public static void run(Action main) {
        run(Action.asCoroutine(main));
    }

    /**
     * Returns the loop that is running on this thread.
     *
     * @return the loop
     * @throws IllegalStateException if there is none
     */
    public static EventLoop getRunningLoop() {
        EventLoop loop = runningHere();
        if (loop != null) {
            return loop;
        }
        throw new IllegalStateException("No event loop is running on " + Thread.currentThread()
                + ". Call this from a coroutine, inside EventLoop.run(() -> ...), or from a callback of a loop;"
                + " from another thread, go through loop.callSoonThreadsafe or Bridge.runCoroutineThreadsafe.");
    }

    static @Nullable EventLoop runningHere() {
        return RUNNING.isBound() && RUNNING.get().isRunningHere() ? RUNNING.get() : null;
    }

    private static void refuseInsideALoop(String what) {
        EventLoop running = runningHere();
        if (running != null) {
            throw new IllegalStateException(what + " cannot be called while " + running
                    + " is running on this thread: it would stop that loop. In a coroutine, call the method itself, or"
                    + " await(createTask(...)).");
        }
    }

    // Running

    /**
     * Runs the loop until a coroutine has ended. Blocks the calling thread.
     *
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     */
    public <T extends @Nullable Object> T runUntilComplete(Coroutine<T> main) {
        refuseToRun("runUntilComplete");
        return runUntilComplete(createTask(main));
    }

    /**
     * Runs the loop until a future is done. Blocks the calling thread.
     *
     * @param future a future of this loop
     * @param <T> the type of the result
     * @return its result
     * @throws IllegalStateException if the loop was stopped before
     */
    public <T extends @Nullable Object> T runUntilComplete(LoopFuture<T> future) {
        refuseToRun("runUntilComplete");
        checkMine(future);
        java.util.function.Consumer<LoopFuture<T>> stop = _ -> stop();
        future.addDoneCallback(stop);
        runForever();
        future.removeDoneCallback(stop);
        if (!future.isDone()) {
            throw new IllegalStateException(this + " was stopped before " + future + " was done");
        }
        return future.result();
    }

    /** Runs the loop until {@link #stop} is called. Blocks the calling thread. */
    public void runForever() {
        refuseToRun("runForever");
        var failure = new ArrayList<Throwable>(1);
        Thread thread = Thread.ofVirtual().name(name).unstarted(() -> {
            try {
                ScopedValue.where(RUNNING, this).run(this::drive);
            } catch (Throwable e) {
                failure.add(e);
            } finally {
                holder = null;
                driver = null;
            }
        });
        holder = thread;
        driver = thread;
        thread.start();
        joinUninterruptibly(thread);
        if (!failure.isEmpty()) {
            throw new IllegalStateException(this + " failed", failure.getFirst());
        }
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void refuseToRun(String what) {
        refuseInsideALoop(what);
        refuseIfClosed();
        if (driver != null) {
            throw new IllegalStateException(this + " is already running, on " + driver);
        }
    }

    /** Stops the loop at the end of this turn, or of the first one if it is not running. May be called from any thread. */
    public void stop() {
        stopping = true;
        wakeUp();
    }

    private void drive() {
        do {
            runOnce();
        } while (!stopping);
        stopping = false;
    }

    /** One turn: what was ready, what arrived and what is due. Called on the driver. */
    private void runOnce() {
        collect();
        if (ready.isEmpty() && !stopping) {
            sleep();
            collect();
        }
        left = ready.size();
        while (left > 0) {
            left--;
            Object item = ready.removeFirst();
            if (item instanceof Task<?> task) {
                current = task;
                giveTo(task);
                parkUntilHolding();
            } else {
                call((Runnable) item);
            }
        }
    }

    private void collect() {
        for (Handle arrived = inbox.poll(); arrived != null; arrived = inbox.poll()) {
            if (arrived.nanos() > now()) {
                timers.add(arrived);
            } else {
                readyUnlessCancelled(arrived);
            }
        }
        dropCancelledTimers();
        if (!timers.isEmpty()) {
            long now = now();
            while (!timers.isEmpty() && timers.peek().nanos() <= now) {
                readyUnlessCancelled(timers.poll());
            }
        }
    }

    private void dropCancelledTimers() {
        while (!timers.isEmpty() && timers.peek().isCancelled()) {
            timers.poll();
        }
    }

    private void readyUnlessCancelled(Handle handle) {
        if (!handle.isCancelled()) {
            ready.addLast(new HandleRun(handle));
        }
    }

    private void sleep() {
        asleep = true;
        try {
            while (inbox.isEmpty() && !stopping) {
                dropCancelledTimers();
                if (timers.isEmpty()) {
                    LockSupport.park(this);
                } else {
                    long due = timers.peek().nanos();
                    if (due <= now() || (outside.get() == 0 && clock.jumpTo(due + origin))) {
                        return;
                    }
                    LockSupport.parkNanos(this, due - now());
                }
                if (Thread.interrupted()) {
                    logger.log(ERROR, name + " was interrupted while it slept; a loop is stopped with stop()");
                }
            }
        } finally {
            asleep = false;
        }
    }

    private void wakeUp() {
        if (asleep) {
            LockSupport.unpark(driver);
        }
    }

    private void call(Runnable callback) {
        current = null;
        try {
            callback.run();
        } catch (Throwable e) {
            logger.log(ERROR, "Callback " + callback + " failed in " + this, e);
        }
    }

    // The baton

    /** Gives the baton away and returns when it is back; called by a coroutine that is waiting to be made ready. */
    void passBaton(Task<?> from) {
        Task<?> next = nextTask();
        if (next == from) {
            current = from;
            return;
        }
        handOver(next);
        parkUntilHolding();
    }

    /** Gives the baton away for good: the coroutine has ended. */
    void end(Task<?> task) {
        tasks.remove(task);
        handOver(nextTask());
    }

    /** Takes the next item of this turn if it is a coroutine. */
    private @Nullable Task<?> nextTask() {
        if (left > 0 && ready.peekFirst() instanceof Task<?> next) {
            left--;
            ready.removeFirst();
            return next;
        }
        return null;
    }

    private void handOver(@Nullable Task<?> next) {
        current = next;
        if (next != null) {
            giveTo(next);
        } else {
            Thread to = requireNonNull(driver);
            holder = to;
            LockSupport.unpark(to);
        }
    }

    private void giveTo(Task<?> task) {
        holder = task.thread();
        task.go();
    }

    private void parkUntilHolding() {
        Thread me = Thread.currentThread();
        boolean interrupted = false;
        while (holder != me) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (interrupted && current != null) {
            // Who interrupts a coroutine wants it to end: the loop's way of saying so.
            current.cancel("interrupted");
        }
    }

    void ready(Task<?> task) {
        ready.addLast(task);
    }

    void ready(Runnable callback) {
        ready.addLast(callback);
    }

    Thread newThread(Task<?> task) {
        return Thread.ofVirtual()
                .unstarted(() -> ScopedValue.where(RUNNING, this).run(task::run));
    }

    // Scheduling

    /**
     * Calls back in the next turn, after what is ready already.
     *
     * @param callback what to call
     * @return cancels it
     */
    public Handle callSoon(Runnable callback) {
        checkHere("call");
        refuseIfClosed();
        var handle = new Handle(requireNonNull(callback, "callback"), 0, sequence++);
        ready.addLast(new HandleRun(handle));
        return handle;
    }

    /**
     * Calls back after a delay; in the next turn if it is zero or negative. Callbacks that are due at the same time are
     * called in the order of their registration.
     *
     * @param delay how long to wait
     * @param callback what to call
     * @return cancels it
     */
    public Handle callLater(Duration delay, Runnable callback) {
        return schedule(now() + nanos(requireNonNull(delay, "delay")), callback);
    }

    /**
     * Calls back at a time; in the next turn if it has passed.
     *
     * @param when the loop's time, see {@link #time}
     * @param callback what to call
     * @return cancels it
     */
    public Handle callAt(Duration when, Runnable callback) {
        return schedule(nanos(requireNonNull(when, "when")), callback);
    }

    private Handle schedule(long when, Runnable callback) {
        checkHere("call");
        refuseIfClosed();
        var handle = new Handle(requireNonNull(callback, "callback"), when, sequence++);
        timers.add(handle);
        return handle;
    }

    private static long nanos(Duration duration) {
        long longest = Long.MAX_VALUE / 4;
        if (duration.abs().compareTo(Duration.ofNanos(longest)) > 0) {
            return duration.isNegative() ? -longest : longest;
        }
        return duration.toNanos();
    }

    /**
     * Calls back in the next turn, and wakes the loop if it sleeps. May be called from any thread. What was accepted is
     * called, at the latest by {@link #close}, when the loop does nothing else any more.
     *
     * @param callback what to call
     * @return cancels it
     * @throws IllegalStateException if the loop is closed
     */
    public Handle callSoonThreadsafe(Runnable callback) {
        refuseIfClosed();
        var handle = new Handle(requireNonNull(callback, "callback"), Long.MIN_VALUE, 0);
        inbox.add(handle);
        if (closed && inbox.remove(handle)) {
            refuseIfClosed(); // closed after we looked, and emptied the inbox before we added
        }
        wakeUp();
        return handle;
    }

    /**
     * Returns the loop's time: how long its clock has run.
     *
     * @return the time since the loop was created
     */
    public Duration time() {
        return Duration.ofNanos(now());
    }

    private long now() {
        return clock.nanos() - origin;
    }

    // Futures and tasks

    /**
     * Returns a new pending future of this loop.
     *
     * @param <T> the type of the result
     * @return the future
     */
    public <T extends @Nullable Object> LoopFuture<T> createFuture() {
        return new LoopFuture<>(this);
    }

    /**
     * Starts a coroutine, in a later turn.
     *
     * @param coroutine what to run
     * @param <T> the type of the result
     * @return its task; the loop holds it until it is done
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine) {
        return createTask(coroutine, null);
    }

    /**
     * Starts a coroutine, in a later turn, under a name.
     *
     * @param coroutine what to run
     * @param name for logs and dumps
     * @param <T> the type of the result
     * @return its task; the loop holds it until it is done
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, @Nullable String name) {
        checkHere("create a task in");
        refuseIfClosed();
        var task = new Task<>(this, requireNonNull(coroutine, "coroutine"), name, taskNumbers.incrementAndGet());
        tasks.add(task);
        ready.addLast(task);
        return task;
    }

    /**
     * Returns the tasks that are not done.
     *
     * @return a copy
     */
    public Collection<Task<?>> allTasks() {
        return List.copyOf(tasks);
    }

    /**
     * Returns the task whose coroutine is running.
     *
     * @return the task, or null in a callback
     */
    public @Nullable Task<?> currentTask() {
        return current;
    }

    // Ending

    /**
     * Has something closed with this loop, after its tasks have ended; the last first.
     *
     * @param resource what to close
     */
    public void closeWithLoop(AutoCloseable resource) {
        checkHere("add to");
        closeWithLoop.add(requireNonNull(resource, "resource"));
    }

    /**
     * Cancels the tasks that are left, waits until they have ended, and closes the loop. Callbacks of the loop's own code
     * that were not called are dropped. Again is without effect.
     *
     * @throws IllegalStateException if the loop is running
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (driver != null) {
            throw new IllegalStateException("Cannot close " + this + " while it is running; call stop() first");
        }
        endTasks();
        for (AutoCloseable resource : closeWithLoop.reversed()) {
            try {
                resource.close();
            } catch (Exception e) {
                logger.log(ERROR, "Closing " + resource + " with " + this + " failed", e);
            }
        }
        closed = true;
        ready.clear();
        timers.clear();
        for (Handle arrived = inbox.poll(); arrived != null; arrived = inbox.poll()) {
            call(new HandleRun(arrived)); // accepted before: it may be what ends a future elsewhere
        }
        ready.clear();
    }

    private void endTasks() {
        if (tasks.isEmpty()) {
            return;
        }
        List<Task<?>> left = List.copyOf(tasks);
        left.forEach(Task::cancel);
        LoopFuture<@Nullable Void> allEnded = createFuture();
        var pending = new AtomicInteger(left.size());
        for (Task<?> task : left) {
            task.addDoneCallback(done -> {
                if (!done.isCancelled() && done.exception().isPresent()) {
                    logger.log(
                            ERROR,
                            "Task failed while " + this + " was closing: " + done,
                            done.exception().get());
                }
                if (pending.decrementAndGet() == 0) {
                    allEnded.setResult(null);
                }
            });
        }
        runUntilComplete(allEnded);
    }

    // Looking

    /**
     * Returns whether the loop is running. May be called from any thread.
     *
     * @return whether it is running
     */
    public boolean isRunning() {
        return driver != null;
    }

    /**
     * Returns whether the loop was closed. May be called from any thread.
     *
     * @return whether it is closed
     */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Returns whether the calling thread is the one that runs the loop's code at this moment.
     *
     * @return whether this thread holds the loop's baton
     */
    public boolean isRunningHere() {
        return holder == Thread.currentThread();
    }

    void checkHere(String what) {
        Thread thread = holder;
        if (thread != null && thread != Thread.currentThread()) {
            throw new IllegalStateException("Cannot " + what + " something of " + this + " on " + Thread.currentThread()
                    + ": a loop and its futures are not thread-safe. From another thread, go through"
                    + " loop.callSoonThreadsafe(...).");
        }
    }

    void checkMine(LoopFuture<?> future) {
        if (future.loop() != this) {
            throw new IllegalArgumentException(future + " belongs to " + future.loop() + ", not to " + this
                    + ". A future can only be awaited in its own loop.");
        }
    }

    private void refuseIfClosed() {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
    }

    /** Counts work elsewhere that will come back: meanwhile a virtual clock must not jump. */
    void leaves() {
        outside.incrementAndGet();
    }

    void comesBack() {
        outside.decrementAndGet();
    }

    @Override
    public String toString() {
        String state = closed ? "closed" : driver != null ? "running" : "not running";
        return "EventLoop[" + name + ", " + state + ", tasks=" + tasks.size() + "]";
    }

    private record HandleRun(Handle handle) implements Runnable {
        @Override
        public void run() {
            Runnable callback = handle.callback();
            if (callback != null) {
                callback.run();
            }
        }

        @Override
        public String toString() {
            return handle.toString();
        }
    }
}
