package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link EventLoop#close}: cancels the tasks and waits for them, closes what is to be closed with the loop,
 * calls the last callbacks, and tells the listeners; all within bounds. For the thread that closes.
 */
final class LoopCloser {

    /*
     * The problem: a callback, a resource or the exception handler may hang, and the closing thread must return all the
     * same. So that thread runs no code of the user's itself. Coroutines and callbacks run on a driver, as always. Code
     * outside of the loop (resources, the exception handler, listeners) runs on the thread of a BoundedSteps. The
     * closing thread waits for either with a limit, which begins again when something has been done.
     *
     * Code that has held the baton through the whole limit is interrupted. If it holds the baton after another limit,
     * the baton is taken away from it for good. From then on the loop's queues are not touched, because the thread that
     * hangs may be using them, and no callback or coroutine is run, because it would run at the same time as that
     * thread. Only what is made for any thread is ended: items that other threads have sent are dropped, and the
     * listeners end the futures that other threads wait for.
     *
     * A coroutine in a blocking call that ignores its interrupts does not hold the baton, so everything else goes on.
     * Its task is cancelled in the last turns, when the inbox is closed and it cannot come back any more. If its call
     * returns one day, the coroutine is an orphan: it waits until the loop is closed, and the loop's methods are
     * refused on its thread.
     */

    /** The time that {@link EventLoop#close()} waits for coroutines that clean up, from one end to the next. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /**
     * The shortest time that code has to end when it was told to: without any patience, still the time it takes to
     * await.
     */
    private static final Duration LEAST = Duration.ofSeconds(1);

    /** The most turns in which a closed loop calls the callbacks of what its last callbacks complete. */
    private static final int LAST_TURNS = 1_000;

    /** The longest time between two looks at a run. */
    private static final Duration LOOK = Duration.ofMillis(100);

    private final EventLoop loop;
    private final Baton baton;
    private final LoopShutdown shutdown;
    private final Duration patience;
    private final BoundedSteps steps;

    /** Tasks that were thrown out and reported. */
    private final Set<Task<?>> refusing = new HashSet<>();

    /** True if the baton was taken away from code that hangs. */
    private boolean abandoned;

    /** True if the last turns are to end. Read by the driver. */
    private volatile boolean late;

    /** The number of items that were ready and have never been run. */
    private int dropped;

    private @Nullable Throwable failure;

    LoopCloser(EventLoop loop, Duration patience) {
        this.loop = loop;
        this.baton = loop.baton();
        this.shutdown = loop.shutdown();
        this.patience = patience;
        this.steps = new BoundedSteps(loop.name() + "-closing", patience, longer(patience));
    }

    private static Duration longer(Duration patience) {
        return patience.compareTo(LEAST) < 0 ? LEAST : patience;
    }

    /** Closes the loop, which does not run. */
    void close(List<AutoCloseable> resources) {
        baton.own();
        try {
            attempt(() -> tellListeners(ClosingListener::onClosing));
            attempt(this::endTasks);
            while (!resources.isEmpty()) {
                AutoCloseable resource = resources.removeLast();
                attempt(() -> close(resource));
            }
            attempt(this::endTasks); // of those that a resource left, which ran the loop once more
            attempt(this::runLastTurns);
            attempt(this::tellUnseen);
        } finally {
            try {
                endTasksLeft();
            } finally {
                loop.refuseFromNowOn();
                shutdown.onOver();
                attempt(() -> tellListeners(shutdown::tellClosed));
                steps.close();
            }
        }
        if (failure != null) {
            throw LoopFuture.unchecked(failure);
        }
    }

    /** Runs a part of closing, and keeps its failure, so that the other parts run too. */
    private void attempt(Runnable part) {
        try {
            part.run();
        } catch (Throwable e) {
            if (failure == null) {
                failure = e;
            } else if (failure != e) {
                failure.addSuppressed(e);
            }
        }
    }

    // Tasks

    private void endTasks() {
        if (baton.isRunning()) {
            giveUp(); // a resource that was left behind runs the loop
        }
        if (abandoned || refusing.containsAll(loop.allTasks())) {
            return;
        }
        shutdown.onClosingBegun();
        var failed = new ArrayList<Task<?>>();
        cancelTasks(failed);
        if (!abandoned && loop.taskCount() > 0) {
            throwOut();
        }
        for (Task<?> task : failed) {
            report(() -> new ExceptionContext(
                    task.name() + loop.createdText(task) + " failed while its loop was closing",
                    task.exception().orElse(null),
                    task,
                    null));
        }
    }

    /**
     * Cancels all tasks, and then those that were created since: cleaning up may take tasks, so these get time before
     * they are cancelled.
     */
    private void cancelTasks(List<Task<?>> failed) {
        var left = new LoopShutdown.Patience(patience);
        while (!abandoned && loop.taskCount() > 0 && !left.isOver()) {
            List<Task<?>> cancelled = loop.allTasks();
            cancelled.forEach(Task::cancel);
            driveUntilEnded(left);
            cancelled.stream().filter(LoopFuture::isFailed).forEach(failed::add);
        }
    }

    private void throwOut() {
        List<Task<?>> left = loop.allTasks();
        for (Task<?> task : left) {
            if (!refusing.add(task)) {
                continue;
            }
            report(() -> new ExceptionContext(
                    task + loop.createdText(task)
                            + " refused to end: it was cancelled because its loop is closed, and went"
                            + " on for " + patience + " in which no other task ended. Let CancelledError pass, and let"
                            + " blocking calls end when they are interrupted.",
                    null,
                    task,
                    null));
        }
        shutdown.throwOut();
        left.forEach(Task::throwOut);
        driveUntilEnded(new LoopShutdown.Patience(patience));
    }

    /** Runs the loop until the tasks it has now have ended, or patience is over. */
    private void driveUntilEnded(LoopShutdown.Patience left) {
        shutdown.stopWhenEnded(loop.taskCount(), left);
        var run = new LoopRun(loop.name(), baton, baton::driveUntilStopped);
        boolean waited = false;
        boolean ended = false;
        while (!waited) {
            try {
                ended = left.waitFor(run);
                waited = true;
            } catch (Error e) {
                Thread.onSpinWait(); // no memory: the run goes on all the same, and is waited for
            }
        }
        if (!ended) {
            baton.stop();
            waitUntilStopped(run);
        }
        if (!abandoned) {
            shutdown.onRunEnded();
            run.finish();
        }
    }

    /**
     * Waits for the end of a run that was told to stop. If nothing moves there, interrupts the code that has the baton,
     * and gives up on it in the end.
     */
    private void waitUntilStopped(LoopRun run) {
        Duration untilInterrupt = patience.compareTo(LEAST) < 0 ? LEAST : LOOK;
        boolean interrupted = false;
        Thread holder = baton.holder();
        int progress = baton.progress();
        long since = System.nanoTime();
        while (!run.joinFor(LOOK)) {
            Duration quiet = Duration.ofNanos(System.nanoTime() - since);
            if (holder != baton.holder() || progress != baton.progress()) {
                interrupted = false;
                holder = baton.holder();
                progress = baton.progress();
                since = System.nanoTime();
            } else if (!interrupted && quiet.compareTo(untilInterrupt) >= 0) {
                interrupted = true;
                if (holder != null) {
                    holder.interrupt();
                }
                since = System.nanoTime();
            } else if (interrupted && quiet.compareTo(longer(patience)) >= 0) {
                giveUp();
                return;
            }
        }
    }

    /** Takes the baton away from the code that has it, for good. */
    private void giveUp() {
        abandoned = true;
        Thread holder = baton.holder();
        Task<?> task = baton.current();
        Handle callback = task == null ? loop.runningCallback() : null;
        List<StackTraceElement> stack = task != null ? task.stack() : holder != null ? Stacks.of(holder) : List.of();
        loop.refuseFromNowOn();
        shutdown.throwOut();
        int sent = baton.abandon();
        report(() -> new ExceptionContext(
                nameOf(task, callback, holder) + " neither ends nor awaits, so " + loop
                        + " cannot be closed properly: its other coroutines stay suspended, and " + sent
                        + " callbacks that other threads sent are not called. Put what waits into blocking(() -> ...),"
                        + " and let it end when it is interrupted."
                        + Stacks.text(stack, "    at "),
                null,
                task,
                callback));
    }

    private String nameOf(@Nullable Task<?> task, @Nullable Handle callback, @Nullable Thread holder) {
        if (task != null) {
            return task.identity() + loop.createdText(task);
        }
        return callback == null ? "The thread " + holder : "Callback " + callback.callbackText();
    }

    // Callbacks

    private void runLastTurns() {
        loop.refuseFromNowOn();
        if (baton.isRunning()) {
            giveUp();
        }
        if (abandoned) {
            return;
        }
        baton.close();
        if (!baton.hasReady() && loop.taskCount() == 0) {
            return;
        }
        int begin = baton.progress();
        int due = baton.readyCount();
        var run = new LoopRun(loop.name(), baton, this::lastTurns);
        long until = System.nanoTime() + TimeLimit.nanos(patience);
        int seen = begin;
        while (!late && !run.joinFor(LOOK)) {
            int progress = baton.progress();
            if (progress != seen && progress - begin <= due) { // what was there when closing began, not what it adds
                seen = progress;
                until = System.nanoTime() + TimeLimit.nanos(patience);
            }
            late = System.nanoTime() - until >= 0;
        }
        if (late) {
            waitUntilStopped(run);
        }
        if (!abandoned) {
            run.finish();
            if (dropped > 0) {
                report(() -> new ExceptionContext(
                        dropped + " callbacks of " + loop
                                + " were not called: its last callbacks went on to complete futures"
                                + " that have callbacks, for " + LAST_TURNS + " turns or longer than " + patience,
                        null,
                        null,
                        null));
            }
        }
    }

    /**
     * Calls what is ready: it may be what ends a future elsewhere. Nothing new can be scheduled any more but the
     * callbacks of futures that this completes. Runs on the driver.
     */
    private void lastTurns() {
        runTurns();
        loop.endTasks(); // their coroutines will never come back
        runTurns();
    }

    private void runTurns() {
        for (int turn = 0; turn < LAST_TURNS && !late && baton.hasReady(); turn++) {
            baton.driveOneTurn();
        }
        dropped += baton.dropReady();
    }

    /**
     * Ends the tasks that are left if a part of closing has failed, as for lack of memory. Takes no memory. Callbacks
     * are not called then: there is no thread to run them.
     */
    private void endTasksLeft() {
        boolean ended = false;
        while (!ended) {
            try {
                if (!abandoned && loop.taskCount() > 0) {
                    loop.refuseFromNowOn();
                    if (!baton.isRunning()) {
                        baton.close();
                        loop.endTasks();
                    }
                }
                ended = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // the tasks have no other end
            }
        }
    }

    // Code outside of the loop

    private interface Call {
        void run() throws Exception;
    }

    /** A way to run a step; returns null, or the stack of a step that hangs. */
    private interface StepRunner {
        @Nullable
        String run(Runnable step);
    }

    private interface Event {
        void tell(ClosingListener listener);
    }

    private void tellListeners(Event event) {
        for (ClosingListener listener : shutdown.listeners()) {
            attempt(() -> call(
                    steps::run,
                    () -> event.tell(listener),
                    () -> "Telling " + SafeToString.of(listener) + " of the end"));
        }
    }

    private void close(AutoCloseable resource) {
        call(steps::runInterruptibly, resource::close, () -> "Closing " + SafeToString.of(resource));
    }

    /**
     * Runs a step on another thread, which owns the loop until the step ends. Returns null, or the stack of a step that
     * hangs.
     */
    private @Nullable String aside(Runnable step, StepRunner runner) {
        Runnable owning = () -> {
            baton.own();
            step.run();
        };
        String stack = runner.run(owning);
        baton.own();
        return stack;
    }

    private void call(StepRunner runner, Call call, Supplier<String> what) {
        var failed = new AtomicReference<@Nullable Throwable>();
        Runnable step = () -> {
            try {
                call.run();
            } catch (Throwable e) { // further calls are made all the same, and the loop is closed
                failed.set(e);
            }
        };
        String stack = aside(step, runner);
        if (stack != null) {
            report(() -> new ExceptionContext(
                    what.get() + " with its loop does not end, not even when it is interrupted. It is left behind, and "
                            + loop + " is closed without it." + stack,
                    null,
                    null,
                    null));
        } else if (failed.get() != null) {
            report(() -> new ExceptionContext(what.get() + " with its loop failed", failed.get(), null, null));
        }
    }

    /** Reports the failures that were never retrieved. */
    private void tellUnseen() {
        String stack = aside(loop.reports()::tellUnseen, steps::run);
        if (stack != null) {
            leaveExceptionHandler(stack);
            aside(loop.reports()::tellUnseen, steps::run); // of the others
        }
    }

    private void report(Supplier<ExceptionContext> context) {
        Runnable tell = () -> loop.reports().tellHere(context.get());
        String stack = aside(tell, steps::run);
        if (stack != null) {
            leaveExceptionHandler(stack);
            aside(tell, steps::run);
        }
    }

    private void leaveExceptionHandler(String stack) {
        loop.setExceptionHandler(null);
        steps.run(() -> Log.log(
                ERROR,
                () -> "The exception handler of " + loop
                        + ", or the toString() of what it is told about, does not return. What"
                        + " it would be told is logged from now on." + stack));
    }
}
