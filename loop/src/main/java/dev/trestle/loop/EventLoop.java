package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.Inventory;
import dev.trestle.api.StackRoom;
import dev.trestle.api.TimeLimit;
import java.lang.ref.ReferenceQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A single-threaded event loop, whose coroutines are virtual threads: Python's asyncio.
 *
 * <p>Exactly one of a loop's threads runs at a time, and it gives the turn away only where it awaits. So code between
 * two awaits is atomic, and needs no locks.
 *
 * <p>Everything but {@link #callSoonThreadsafe}, {@link #isRunning}, {@link #isClosed}, {@link #isRunningHere},
 * {@link #callExceptionHandler} and {@link #stop} belongs to the loop: while it runs, only its own code may call it;
 * before and after, any one thread. Between two turns of {@link #runOnce}, only the thread that called it may.
 *
 * <p>A loop must be closed, unless {@link #run} or a {@link Runner} does that. If a program drops a loop that it has
 * not closed, and coroutines of the loop are suspended, the loop is never garbage, because the JVM holds every virtual
 * thread that has not ended: neither are the coroutines and what they use, and their {@code finally} blocks never run.
 * A warning is logged when 100 loops are neither running nor closed and have tasks that are not done; the next one at
 * 1,000 loops, and so on.
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
     * The public side of a loop: futures, tasks, callbacks, beginning and end. It is over 500 lines because most of
     * them are Javadoc. Baton decides which thread runs and what runs next, CallbackRunner runs callbacks, LoopTime
     * asks the clock, LoopShutdown and LoopCloser end the loop, Reports tells of failures, and DebugMode has what is
     * kept for debugging.
     */

    private static final AtomicInteger loops = new AtomicInteger();
    private static final AtomicLong taskNumbers = new AtomicLong();

    private final String name = "trestle-loop-" + loops.incrementAndGet();
    private final LoopTime time;
    private final CallbackRunner callbacks;
    private final Baton baton;
    private final LoopShutdown shutdown;
    private final Reports reports;

    // any thread
    private volatile boolean closed;
    private final AtomicBoolean closing = new AtomicBoolean();

    // confined to the holder of the baton
    private final List<AutoCloseable> closeWithLoop = new ArrayList<>();
    private @Nullable Task<?> tasks;
    private int taskCount;
    private @Nullable TaskFactory taskFactory;

    /** Listeners whose gathering, shield or iterator the program has dropped. */
    private final ReferenceQueue<LoopFuture.Listener> garbage = new ReferenceQueue<>();

    /** The creation site of the coroutine that a task factory was given, and may wrap in one of its own. */
    private @Nullable CreationSite originForFactory;

    private long sequence;

    /** The run that is to end when its future is done. */
    private @Nullable Object untilComplete;

    /** True if this loop counts in {@link UnclosedLoops}. Confined to the thread that runs or closes the loop. */
    private boolean unclosed;

    /** Creates a loop with the machine's clock, unless {@link LoopOptions#runAsDefaults} says something else. */
    public EventLoop() {
        this(LoopOptions.defaults());
    }

    /**
     * Creates a loop with its own time.
     *
     * @param clock the clock
     */
    public EventLoop(LoopClock clock) {
        this(new LoopOptions().withClock(clock));
    }

    /**
     * Creates a loop.
     *
     * @param options the clock and other settings
     */
    public EventLoop(LoopOptions options) {
        Groundwork.ensure();
        this.time = new LoopTime(options.clock(), this::toString);
        this.callbacks = new CallbackRunner(this);
        Random shuffle = options.shuffleSeed().isPresent()
                ? new Random(options.shuffleSeed().getAsLong())
                : null;
        this.baton = new Baton(time, callbacks, shuffle);
        this.shutdown = new LoopShutdown(baton);
        this.reports = new Reports(this, baton);
        Inventory.opened(this);
    }

    /**
     * Runs a coroutine in a new loop, waits for it, and closes the loop: Python's {@code asyncio.run}. Tasks that are
     * left are cancelled. Blocks the calling thread; interrupting it cancels the coroutine, and so does Ctrl-C: see
     * {@link Runner}.
     *
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     * @throws CompletionException if it threw a checked exception; if this thread was interrupted, and the coroutine
     *     ended by that
     * @throws KeyboardInterrupt if Ctrl-C was pressed, and the coroutine ended by that
     * @throws IllegalStateException if this thread is running a loop already
     */
    public static <T extends @Nullable Object> T run(Coroutine<T> main) {
        requireNonNull(main, "main");
        refuseInsideALoop("EventLoop.run");
        try (var runner = new Runner()) {
            return runner.run(main);
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
        EventLoop loop = here();
        if (loop != null) {
            return loop;
        }
        EventLoop left = leftBehindHere();
        if (left != null) {
            throw new IllegalStateException(left.leftBehindText());
        }
        throw new IllegalStateException("No event loop is running on " + Thread.currentThread()
                + ". Call this from a coroutine, inside EventLoop.run(() -> ...), or from a callback of a loop;"
                + " from another thread, go through loop.callSoonThreadsafe or Bridge.runCoroutineThreadsafe.");
    }

    /** Returns the loop whose code the calling thread runs, if any. */
    static @Nullable EventLoop here() {
        Baton baton = Baton.here();
        return baton == null ? null : baton.callbacks().loop();
    }

    /** Returns the loop that goes on without the calling thread, a coroutine or callback of that loop, if any. */
    static @Nullable EventLoop leftBehindHere() {
        Baton baton = Baton.leftBehindHere();
        return baton == null ? null : baton.callbacks().loop();
    }

    static void refuseInsideALoop(String what) {
        EventLoop running = here();
        if (running != null) {
            throw new IllegalStateException(what + " cannot be called while " + running
                    + " is running on this thread: it would stop that loop. In a coroutine, call the method itself, or"
                    + " await(createTask(...)).");
        }
    }

    // Running

    /**
     * Runs the loop until a coroutine has ended. Blocks the calling thread; interrupting it cancels the coroutine.
     *
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     * @throws CompletionException if it threw a checked exception; if this thread was interrupted, and the coroutine
     *     ended by that
     * @throws IllegalStateException if the loop was stopped before, is running, or is closed
     */
    public <T extends @Nullable Object> T runUntilComplete(Coroutine<T> main) {
        refuseToRun("runUntilComplete");
        return runUntilComplete(createTask(main));
    }

    /**
     * Runs the loop until a coroutine without a result has ended; see {@link #runUntilComplete(Coroutine)}.
     *
     * @param main the coroutine
     */
    public void runUntilComplete(Action main) {
        runUntilComplete(Action.asCoroutine(main));
    }

    /**
     * Runs the loop until a future is done. Blocks the calling thread; interrupting it cancels the future.
     *
     * @param future a future of this loop
     * @param <T> the type of the result
     * @return its result
     * @throws CompletionException if it failed with a checked exception; if this thread was interrupted, and the future
     *     ended by that
     * @throws IllegalStateException if the loop was stopped before, is running, or is closed
     */
    public <T extends @Nullable Object> T runUntilComplete(LoopFuture<T> future) {
        refuseToRun("runUntilComplete");
        checkMine(future);
        var thisRun = new Object();
        untilComplete = thisRun;
        LoopFuture.Listener stop = new LoopFuture.Listener() {
            @Override
            public void done(LoopFuture<?> ended) {
                if (untilComplete
                        == thisRun) { // or this run was stopped when the future was done, and this is a later one
                    stop();
                }
            }

            @Override
            public void failed(Throwable failure) {
                done(future);
            }
        };
        Handle listener = future.listen(stop);
        boolean interrupted = drive(() -> future.cancel("the thread that runs the loop was interrupted"));
        LoopFuture.unlisten(listener);
        untilComplete = null;
        if (interrupted && future.isCancelled()) {
            throw interrupted(future.toString());
        }
        if (!future.isDone()) {
            throw new IllegalStateException(this + " was stopped before " + future + " was done");
        }
        return future.result();
    }

    /**
     * Runs the loop until {@link #stop} is called. Blocks the calling thread; interrupting it stops the loop.
     *
     * @throws CompletionException if this thread was interrupted
     * @throws IllegalStateException if the loop is running, or is closed
     */
    public void runForever() {
        refuseToRun("runForever");
        if (drive(this::stop)) {
            throw interrupted("stop()");
        }
    }

    /**
     * Runs one turn on the calling thread, for programs that have a loop of their own: what is ready, has arrived or is
     * due. Does not wait, and a virtual clock does not jump.
     *
     * <p>Callbacks run on the calling thread, coroutines on theirs. A platform thread waits for each of them, which
     * takes longer than {@link #runForever} does. Until the next turn the loop belongs to the calling thread: other
     * threads use {@link #callSoonThreadsafe}, as they do while it runs.
     *
     * @throws IllegalStateException if the loop is running, or is closed
     */
    public void runOnce() {
        refuseToRun("runOnce");
        driveHere();
    }

    private void driveHere() {
        baton.begin(Thread.currentThread());
        try {
            baton.driveOneTurn();
        } finally {
            boolean ended = false;
            while (!ended) {
                try {
                    baton.end();
                    ended = true;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // a loop whose turn does not end could not be run again
                }
            }
            if (callbacks.takeInterrupt()) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static CompletionException interrupted(String what) {
        return new CompletionException(
                "Interrupted while running a loop until " + what, new InterruptedException("the loop was ended by it"));
    }

    /**
     * Runs the loop on a new driver until it is stopped. Returns whether this thread was interrupted while it waited.
     */
    private boolean drive(Runnable onInterrupt) {
        var run = new LoopRun(name, baton, baton::driveUntilStopped);
        boolean interrupted = false;
        while (true) {
            try {
                run.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
                sendInline(onInterrupt);
            } catch (Error e) {
                LockSupport.parkNanos(this, 1_000_000); // no memory: the loop runs all the same, and is waited for
            }
        }
        run.finish();
        if (taskCount > 0) {
            unclosed = true;
            UnclosedLoops.OF_THIS_JVM.add(this);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return interrupted;
    }

    /** Called when this is about to run again, or was closed. */
    private void countsNoMore() {
        if (unclosed) {
            unclosed = false;
            UnclosedLoops.OF_THIS_JVM.remove();
        }
    }

    private void refuseToRun(String what) {
        refuseInsideALoop(what);
        refuseIfClosed();
        if (baton.isRunning()) {
            throw new IllegalStateException(
                    this + " is already running, on another thread. From here, go through callSoonThreadsafe.");
        }
        baton.own();
        countsNoMore();
    }

    /**
     * Stops the loop at the end of this turn, or of the first one if it is not running. Scheduled callbacks stay for
     * the next run. May be called from any thread.
     */
    public void stop() {
        baton.stop();
    }

    /** Returns the context of the code that is running; null stands for an empty one. */
    @Nullable
    Context context() {
        Task<?> task = baton.current();
        return task == null ? callbacks.context() : task.contextOrNull();
    }

    /** Makes a context that of the code that is running. */
    void enter(@Nullable Context context) {
        Task<?> task = baton.current();
        if (task == null) {
            callbacks.enter(context);
        } else {
            task.enter(context);
        }
    }

    /**
     * Returns a copy of the context of the code that is running here, in the loop or outside; null stands for an empty
     * one.
     */
    @Nullable
    Context captureContext() {
        return baton.isHeldHere() ? Context.copyOf(context()) : Context.copyOf(Context.current());
    }

    // Scheduling

    /**
     * Calls back in the next turn, after what is ready already.
     *
     * @param callback the callback
     * @return cancels it
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public Handle callSoon(Runnable callback) {
        return soon(callback, captureContext());
    }

    /**
     * Calls back in the next turn, in a given context; see {@link #callSoon(Runnable)}.
     *
     * @param callback the callback
     * @param context in which it is called, as it is
     * @return cancels it
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public Handle callSoon(Runnable callback, Context context) {
        return soon(callback, requireNonNull(context, "context"));
    }

    private Handle soon(Runnable callback, @Nullable Context context) {
        checkHere("call");
        refuseIfClosed();
        var handle = Handle.ofCallback(requireNonNull(callback, "callback"), context);
        baton.ready(handle);
        return handle;
    }

    /**
     * Calls back after a delay; in the next turn if it is zero. Callbacks that are due at the same time are called in
     * the order of their registration.
     *
     * @param delay the time to wait
     * @param callback the callback
     * @return cancels it
     * @throws IllegalArgumentException if the delay is negative
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public TimerHandle callLater(Duration delay, Runnable callback) {
        return later(delay, callback, captureContext());
    }

    /**
     * Calls back after a delay, in a given context; see {@link #callLater(Duration, Runnable)}.
     *
     * @param delay the time to wait
     * @param callback the callback
     * @param context in which it is called, as it is
     * @return cancels it
     * @throws IllegalArgumentException if the delay is negative
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public TimerHandle callLater(Duration delay, Runnable callback, Context context) {
        return later(delay, callback, requireNonNull(context, "context"));
    }

    /**
     * Calls back at a time; in the next turn if it has passed.
     *
     * @param when the loop's time, see {@link #time}
     * @param callback the callback
     * @return cancels it
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public TimerHandle callAt(Duration when, Runnable callback) {
        return schedule(TimeLimit.nanos(when), callback, captureContext());
    }

    /**
     * Calls back at a time, in a given context; see {@link #callAt(Duration, Runnable)}.
     *
     * @param when the loop's time, see {@link #time}
     * @param callback the callback
     * @param context in which it is called, as it is
     * @return cancels it
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public TimerHandle callAt(Duration when, Runnable callback, Context context) {
        return schedule(TimeLimit.nanos(when), callback, requireNonNull(context, "context"));
    }

    private TimerHandle later(Duration delay, Runnable callback, @Nullable Context context) {
        checkHere("call");
        return schedule(time.nanos() + LoopTime.nanosOf(delay), callback, context);
    }

    private TimerHandle schedule(long when, Runnable callback, @Nullable Context context) {
        return schedule(TimerHandle.ofCallback(this, requireNonNull(callback, "callback"), context, when, sequence++));
    }

    private TimerHandle schedule(TimerHandle handle) {
        checkHere("call");
        refuseIfClosed();
        baton.add(handle);
        return handle;
    }

    Handle soonInline(Runnable step) {
        var handle = Handle.ofStep(step);
        baton.ready(handle);
        return handle;
    }

    /** A delay of the loop's own code, where one that is over is no mistake. */
    Handle laterInline(Duration delay, Runnable step) {
        return atInline(time.nanosAfter(delay), step);
    }

    Handle atInline(long when, Runnable step) {
        return schedule(TimerHandle.ofStep(this, step, when, sequence++));
    }

    /**
     * Makes a step of the loop's own run in a later turn. May be called from any thread. Returns false if the loop is
     * closed.
     */
    boolean sendInline(Runnable step) {
        return baton.send(Handle.ofStep(step));
    }

    /** Cancels a timer, and takes it out; on any thread. */
    void cancel(TimerHandle timer) {
        if (!isRunningHere()) {
            baton.cancel(timer);
        } else if (timer.cancelOnce()) {
            baton.remove(timer);
        }
    }

    /**
     * Calls back in the next turn, and wakes the loop if it sleeps. May be called from any thread. A callback that was
     * accepted is called, at the latest by {@link #close}, unless {@code close} gives up on a callback or a coroutine
     * that hangs: then the report of that says how many callbacks are not called.
     *
     * @param callback the callback
     * @return cancels it
     * @throws IllegalStateException if the loop is closed
     */
    public Handle callSoonThreadsafe(Runnable callback) {
        return send(callback, captureContext());
    }

    /**
     * Calls back in the next turn, in a given context, from any thread; see {@link #callSoonThreadsafe(Runnable)}.
     *
     * @param callback the callback
     * @param context in which it is called, as it is
     * @return cancels it
     * @throws IllegalStateException if the loop is closed
     */
    public Handle callSoonThreadsafe(Runnable callback, Context context) {
        return send(callback, requireNonNull(context, "context"));
    }

    private Handle send(Runnable callback, @Nullable Context context) {
        var handle = Handle.ofCallback(requireNonNull(callback, "callback"), context);
        if (!baton.send(handle)) {
            refuseIfClosed();
        }
        return handle;
    }

    /**
     * Returns the loop's time: how long its clock has run.
     *
     * @return the time since the loop was created
     * @throws IllegalStateException if the loop is running on another thread
     */
    public Duration time() {
        checkHere("time");
        return Duration.ofNanos(time.nanos());
    }

    long nanos() {
        return time.nanos();
    }

    /**
     * Lets virtual time wait for a future whose outcome comes from another thread.
     *
     * @param work whether the work behind the future is known to run, so that no time may pass until it is done
     */
    void expect(LoopFuture<?> future, boolean work) {
        if (!time.isVirtual()) {
            return;
        }
        future.listen(new LoopFuture.Listener() {
            @Override
            public void done(LoopFuture<?> ended) {
                baton.expect(-1, work);
            }

            @Override
            public void failed(Throwable failure) {
                baton.expect(-1, work);
            }
        });
        baton.expect(1, work);
    }

    /** Returns the loop's time after a delay, also after the longest that there is. */
    Duration timeIn(Duration delay) {
        return Duration.ofNanos(time.nanosAfter(delay));
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
     * @param coroutine the coroutine to run
     * @param <T> the type of the result
     * @return its task; the loop holds it until it is done
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine) {
        return create(coroutine, null);
    }

    /**
     * Starts a coroutine without a result, in a later turn.
     *
     * @param action the action to run
     * @return its task; the loop holds it until it is done
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public Task<@Nullable Void> createTask(Action action) {
        return create(Action.asCoroutine(action), null);
    }

    /**
     * Starts a coroutine, in a later turn, under a name.
     *
     * @param coroutine the coroutine to run
     * @param name for logs and dumps
     * @param <T> the type of the result
     * @return its task; the loop holds it until it is done
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, @Nullable String name) {
        return create(coroutine, name);
    }

    /**
     * Starts a coroutine, in a later turn if the options say nothing else.
     *
     * @param coroutine the coroutine to run
     * @param options name, context, when it starts
     * @param <T> the type of the result
     * @return its task; the loop holds it until it is done
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, TaskOptions options) {
        TaskFactory factory = taskFactory;
        if (factory == null) {
            return newTask(coroutine, options);
        }
        CreationSite before = originForFactory;
        originForFactory = CreationSite.of(requireNonNull(coroutine, "coroutine"));
        try {
            return requireNonNull(
                    factory.create(this, coroutine, options),
                    () -> factory + ", the task factory of " + this + ", has returned no task");
        } finally {
            originForFactory = before;
        }
    }

    /**
     * Starts a coroutine without a result, in a later turn if the options say nothing else.
     *
     * @param action the action to run
     * @param options name, context, when it starts
     * @return its task; the loop holds it until it is done
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public Task<@Nullable Void> createTask(Action action, TaskOptions options) {
        return createTask(Action.asCoroutine(action), options);
    }

    /** Returns the queue of this loop's {@link WeakListener}s. */
    ReferenceQueue<LoopFuture.Listener> garbage() {
        return garbage;
    }

    private <T extends @Nullable Object> Task<T> create(Coroutine<T> coroutine, @Nullable String name) {
        if (taskFactory == null) {
            return start(coroutine, name, captureContext(), false);
        }
        return createTask(coroutine, new TaskOptions(Optional.ofNullable(name), Optional.empty(), Optional.empty()));
    }

    /** Creates a task without asking the factory. */
    <T extends @Nullable Object> Task<T> newTask(Coroutine<T> coroutine, TaskOptions options) {
        return start(
                coroutine,
                options.name().orElse(null),
                options.context().orElseGet(this::captureContext),
                options.eagerStart().orElse(false));
    }

    private <T extends @Nullable Object> Task<T> start(
            Coroutine<T> coroutine, @Nullable String name, @Nullable Context context, boolean eager) {
        checkHere("create a task in");
        refuseIfClosed();
        StackRoom.require();
        CreationSite origin =
                originForFactory == null ? CreationSite.of(requireNonNull(coroutine, "coroutine")) : originForFactory;
        originForFactory = null; // the task may start at once, and create others
        var task = new Task<>(this, requireNonNull(coroutine), origin, name, context, taskNumbers.incrementAndGet());
        callbacks.debugMode().onTaskCreated(task);
        task.linkBefore(tasks);
        tasks = task;
        taskCount++;
        try {
            if (eager && baton.isHeldHere()) {
                baton.runNow(task);
            } else {
                baton.ready(task);
            }
        } catch (Throwable e) { // its coroutine has not started, and the caller does not have the task
            unlink(task);
            throw e;
        }
        return task;
    }

    /**
     * Sets the factory that creates the tasks of this loop, those of {@code Async}, {@code TaskGroup} and the like
     * included.
     *
     * @param factory the factory, or null for {@link TaskFactory#standard}
     */
    public void setTaskFactory(@Nullable TaskFactory factory) {
        checkHere("set the task factory");
        taskFactory = factory;
        baton.shareThreads(factory == null);
    }

    /**
     * Returns the factory that creates the tasks of this loop.
     *
     * @return the factory that was set, or null
     */
    public @Nullable TaskFactory taskFactory() {
        return taskFactory;
    }

    /** Takes a task that is done out of the list. */
    void unlink(Task<?> task) {
        if (task.isLinked()) {
            boolean isAwaited = shutdown.onTaskEnds(task);
            tasks = task.unlinkFrom(tasks);
            taskCount--; // calls nothing from here on, so each end counts once
            if (isAwaited) {
                shutdown.awaitedEnds--;
            }
        }
    }

    /** Ends the tasks that are not done, whose coroutines will never have the baton again. */
    void endTasks() {
        Task.endAllWithLoop(tasks);
    }

    /**
     * Returns the tasks that are not done, the oldest first.
     *
     * @return a copy
     */
    public List<Task<?>> allTasks() {
        checkHere("list");
        return List.copyOf(Task.list(tasks));
    }

    /**
     * Returns the task whose coroutine is running.
     *
     * @return the task, or null in a callback
     */
    public @Nullable Task<?> currentTask() {
        return baton.current();
    }

    Task<?> requireTask(String what) {
        Task<?> task = baton.current();
        if (task == null) {
            throw new IllegalStateException("Cannot " + what + " in a callback of " + this
                    + ": only a coroutine can be suspended. Start one with createTask(() -> ...).");
        }
        return task;
    }

    /** Returns the name of the oldest task that is not done, and where it was created. */
    String oldestTaskText() {
        List<Task<?>> all = tasksRacily();
        return all.isEmpty() ? "no task" : all.getFirst().identity() + createdText(all.getFirst());
    }

    int taskCount() {
        return taskCount;
    }

    /** Returns the number of the task that was created last, in any loop. */
    static long lastTaskNumber() {
        return taskNumbers.get();
    }

    Baton baton() {
        return baton;
    }

    LoopShutdown shutdown() {
        return shutdown;
    }

    // Failures that no caller waits for

    /**
     * Sets the handler of exceptions that no caller waits for: exceptions of callbacks, exceptions of tasks that were
     * never retrieved, and coroutines that refuse to end. Without a handler they are logged.
     *
     * @param handler the handler, or null for none
     */
    public void setExceptionHandler(@Nullable ExceptionHandler handler) {
        reports.setHandler(handler);
    }

    /**
     * Tells the exception handler. May be called from any thread; on one that is not running the loop, the handler is
     * called later, by the loop. Between two turns of {@link #runOnce} that is in the next turn, or when the loop is
     * closed; a loop that does not run otherwise has the handler called at once.
     *
     * @param context the report
     */
    public void callExceptionHandler(ExceptionContext context) {
        reports.tell(context);
    }

    Reports reports() {
        return reports;
    }

    // Ending

    /**
     * Closes something with this loop, after its tasks have ended; the last first. Its {@code close} method runs on a
     * thread of the loop's, is interrupted after the patience of {@link #close(Duration)} or when the closing thread is
     * interrupted, and is left behind after another patience.
     *
     * @param resource the resource to close
     * @throws IllegalStateException if the loop is closed, or running on another thread
     */
    public void closeWithLoop(AutoCloseable resource) {
        checkHere("add to");
        refuseIfClosed();
        closeWithLoop.add(requireNonNull(resource, "resource"));
    }

    /**
     * Cancels the tasks that are left, waits until they have ended, and closes the loop; see {@link #close(Duration)}.
     * Its patience is ten seconds.
     *
     * @throws IllegalStateException if the loop is running, or if this is called in the code of another loop
     */
    @Override
    public void close() {
        close(LoopCloser.PATIENCE);
    }

    /**
     * Cancels the tasks that are left, waits until they have ended, and closes the loop. A coroutine that swallows its
     * cancellation and goes on waiting is named to the exception handler when patience is over; then its waits throw an
     * {@link IllegalStateException}. Patience begins again whenever a task ends that was there when closing began: so
     * many tasks may clean up one after the other, and one that waits forever is still found. Callbacks that are ready,
     * or were sent by another thread, are called; timers are dropped. Exceptions that were never retrieved are
     * reported. Idempotent.
     *
     * <p>Every wait of this method is bounded, whatever the loop's code does. Code that takes a whole patience in one
     * piece (a callback, a coroutine between two awaits, a resource, the exception handler) is interrupted, and named
     * to the exception handler if it still has not ended after another patience, of at least a second. If it is a
     * resource or the exception handler, the loop is closed without it. If it is a callback or a coroutine, nothing
     * else of the loop can run, so other coroutines stay suspended, callbacks that are ready or were sent are not
     * called, and each {@link ClosingListener} is told. The task of a coroutine whose {@link Async#blocking} call
     * ignores its interrupts is cancelled; on the thread of that call, the methods of the loop throw an
     * {@link IllegalStateException} from then on.
     *
     * @param patience the time to wait for the next task that ends, by the machine's clock; zero for little more than a
     *     turn
     * @throws IllegalStateException if the loop is running, or if this is called in the code of another loop
     */
    public void close(Duration patience) {
        requireNonNull(patience, "patience");
        if (closed || closing.get()) {
            return;
        }
        if (baton.isRunning()) {
            throw new IllegalStateException("Cannot close " + this + " while it is running; call stop() first");
        }
        EventLoop here = here();
        if (here != null) {
            throw new IllegalStateException("Cannot close " + this + " in the code of " + here
                    + ", which it would stop. In a coroutine, call blocking(() -> loop.close()).");
        }
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        try {
            new LoopCloser(this, patience).close(closeWithLoop);
        } finally {
            closing.set(false);
            countsNoMore(); // here, as a resource may have run the loop once more
        }
    }

    boolean isClosing() {
        return closing.get();
    }

    /** Takes no more tasks, callbacks and timers. */
    void refuseFromNowOn() {
        closed = true;
    }

    /**
     * Adds a listener that is told when this loop is closed. May be called from any thread. If the loop is closed
     * already, the listener is told at once, on the calling thread.
     *
     * @param listener the listener; held until it is told, or removed
     */
    public void addClosingListener(ClosingListener listener) {
        shutdown.addListener(requireNonNull(listener, "listener"));
    }

    /**
     * Removes a listener. May be called from any thread. Idempotent.
     *
     * @param listener the listener that was added
     */
    public void removeClosingListener(ClosingListener listener) {
        shutdown.removeListener(listener);
    }

    // Looking

    /**
     * Switches debug mode on or off; may be called from any thread. In debug mode the loop remembers the stack where
     * each task was created, see {@link Task#createdAt}, and warns of coroutines and callbacks that run for 100 ms
     * without awaiting. It is on from the beginning with {@code -Ddev.trestle.loop.debug=true}.
     *
     * @param on whether it is on
     */
    public void setDebug(boolean on) {
        callbacks.setDebugMode(DebugMode.of(on));
    }

    /**
     * Returns whether debug mode is on; may be called from any thread.
     *
     * @return whether it is
     */
    public boolean isDebug() {
        return callbacks.debugMode().isOn();
    }

    /**
     * Sets the time for which a coroutine or a callback may run without awaiting before a warning names it, with its
     * stack, while it still runs; one second by default, 100 ms in debug mode. May be called from any thread, at any
     * time. The warning comes up to half as long again after the limit.
     *
     * @param limit the longest time without a warning, at least a millisecond
     * @throws IllegalArgumentException if the limit is shorter
     */
    public void setSlowCallbackDuration(Duration limit) {
        callbacks.setDebugMode(callbacks.debugMode().withLimit(limit));
    }

    long slowNanos() {
        return callbacks.debugMode().slowNanos();
    }

    /** Returns the creation site of a task, in words that follow its name; empty for any other future. */
    String createdText(LoopFuture<?> future) {
        return future instanceof Task<?> task ? callbacks.debugMode().createdText(task) : "";
    }

    List<StackTraceElement> createdAt(Task<?> task) {
        return callbacks.debugMode().createdAt(task);
    }

    /** Returns whether that is where the task was created, and not the first of its kind. */
    boolean isCreatedThere(Task<?> task) {
        return callbacks.debugMode().isExact(task);
    }

    /** Returns the callback that runs, if one does; read racily, from any thread. */
    @Nullable
    Handle runningCallback() {
        return callbacks.running();
    }

    /**
     * Returns a picture of the tasks that are not done, with their stacks, and which task awaits which;
     * {@code toString()} draws it. May be called from any thread, also while a coroutine runs and does not await. If
     * coroutines run while the picture is taken, it may show some of them as they were before and others as they were
     * after.
     *
     * @return the picture
     */
    public TaskGraph taskGraph() {
        return TaskGraph.of(this, baton.current(), tasksRacily());
    }

    /**
     * Returns the numbers of this loop. May be called from any thread, and disturbs the loop by nothing: numbers that
     * the loop keeps for itself are read without synchronization, so they may be a moment old, and need not be of the
     * same moment.
     *
     * @return a snapshot
     */
    public Statistics statistics() {
        return new Statistics(
                taskCount,
                baton.readyCount(),
                baton.timerCount(),
                baton.steps(),
                Duration.ofNanos(baton.presentStep()),
                Duration.ofNanos(baton.longestStep()));
    }

    /** Returns the tasks that are not done, as they can be seen from any thread. */
    List<Task<?>> tasksRacily() {
        return Task.snapshot(() -> tasks);
    }

    /**
     * Returns the name of this loop, as logs and threads have it. May be called from any thread.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Returns whether the loop is running. May be called from any thread.
     *
     * @return whether it is running
     */
    public boolean isRunning() {
        return baton.isRunning();
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
     * @return whether it is
     */
    public boolean isRunningHere() {
        return baton.isHeldHere();
    }

    /** Returns why a thread of this loop that does not have the baton must not use the loop. */
    private String leftBehindText() {
        return closed
                ? this
                        + " has given up on this coroutine or callback, which did not end when the loop was closed:"
                        + " nothing of the loop can be used here any more."
                : "This is inside blocking(...), where " + this + " goes on without this"
                        + " coroutine: await, createTask and the like belong before or after it.";
    }

    void checkHere(String what) {
        if (baton.isHeldHere()) {
            return;
        }
        boolean confinedHere = baton.isConfinedHere();
        if (leftBehindHere() == this && (closed || confinedHere)) {
            throw new IllegalStateException("Cannot " + what + " something of a loop here. " + leftBehindText());
        }
        if (!confinedHere) {
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

    /**
     * The numbers of a loop. A step is the code between two awaits of a coroutine, or a callback.
     *
     * @param tasks the tasks that are not done
     * @param ready the steps that are ready, and wait for the steps before them: a queue that does not get shorter says
     *     that the loop has more to do than it can. Steps that other threads have sent since the last turn are not in
     *     it
     * @param timers the callbacks and waits with a time that has not come yet
     * @param steps the steps that were ever begun, the loop's own included
     * @param presentStep the time for which the present step has run, zero if none does or if it has begun
     *     since the last look. Steps are not measured one by one: a thread looks at all loops four times a second, or
     *     four times in the {@link #setSlowCallbackDuration} if that is shorter, and sees what has run since its last
     *     look
     * @param longestStep the longest step that was ever seen in that way. A step that is shorter than the time between
     *     two looks may be missed
     */
    public record Statistics(
            int tasks, int ready, int timers, long steps, Duration presentStep, Duration longestStep) {}

    @Override
    public String toString() {
        String state = closed ? "closed" : baton.isRunning() ? "running" : "not running";
        return "EventLoop[" + name + ", " + state + ", tasks=" + taskCount + "]";
    }
}
