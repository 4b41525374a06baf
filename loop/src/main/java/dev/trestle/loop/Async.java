package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.DoneAndPending;
import dev.trestle.api.ReturnWhen;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What coroutines call; meant for {@code import static dev.trestle.loop.Async.*}.
 *
 * <p>Every method belongs to the loop that is running on the calling thread, and throws an {@link IllegalStateException}
 * that says so if there is none. Those that suspend ({@code await}, {@code sleep}, {@code yieldNow}, {@code waitUntil},
 * {@code waitFor}, {@code timeout}, {@code blocking}) must be called by a coroutine, not by a callback, and throw a
 * {@link CancelledError} when the task is cancelled meanwhile.
 */
public final class Async {

    private Async() {}

    /**
     * Suspends the coroutine until a future is done, and returns its result. One that is done already is read without
     * suspending.
     *
     * @param future a future of this loop
     * @param <T> the type of the result
     * @return its result
     * @throws CancelledError if the future, or this task, was cancelled
     * @throws java.util.concurrent.CompletionException if the future failed with a checked exception
     */
    public static <T extends @Nullable Object> T await(LoopFuture<T> future) {
        Task<?> task = suspendable("await");
        task.loop().checkMine(requireNonNull(future, "future"));
        if (future == task) {
            throw new IllegalStateException(task + " cannot await itself: it would never end");
        }
        if (!future.isDone()) {
            task.suspendFor(future);
        }
        return future.result();
    }

    private static Task<?> suspendable(String what) {
        EventLoop loop = EventLoop.getRunningLoop();
        Task<?> task = loop.currentTask();
        if (task == null) {
            throw new IllegalStateException("Cannot " + what + " in a callback of " + loop
                    + ": only a coroutine can be suspended. Start one with createTask(() -> ...).");
        }
        return task;
    }

    /**
     * Starts a coroutine, in a later turn of the loop.
     *
     * @param coroutine what to run
     * @param <T> the type of the result
     * @return its task
     */
    public static <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine) {
        return EventLoop.getRunningLoop().createTask(coroutine);
    }

    /**
     * Starts a coroutine without a result, in a later turn of the loop.
     *
     * @param action what to run
     * @return its task
     */
    public static Task<@Nullable Void> createTask(Action action) {
        return EventLoop.getRunningLoop().createTask(Action.asCoroutine(action));
    }

    /**
     * Starts a coroutine under a name.
     *
     * @param coroutine what to run
     * @param name for logs and dumps
     * @param <T> the type of the result
     * @return its task
     */
    public static <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, String name) {
        return EventLoop.getRunningLoop().createTask(coroutine, requireNonNull(name, "name"));
    }

    /**
     * Suspends the coroutine for a time; for one turn of the loop if it is zero or negative.
     *
     * @param duration how long
     */
    public static void sleep(Duration duration) {
        Task<?> task = suspendable("sleep");
        if (duration.isZero() || duration.isNegative()) {
            task.suspendForATurn();
            return;
        }
        LoopFuture<@Nullable Void> over = task.loop().createFuture();
        Handle timer = task.loop().callLater(duration, () -> {
            if (!over.isDone()) {
                over.setResult(null);
            }
        });
        try {
            await(over);
        } finally {
            timer.cancel();
        }
    }

    /** Lets everything that is ready run once. */
    public static void yieldNow() {
        suspendable("yieldNow").suspendForATurn();
    }

    /**
     * Returns a future of all results. The first failure fails it at once, and the others go on; cancelling it cancels them
     * all.
     *
     * @param futures futures of this loop; one that stands twice counts once, and its result stands twice
     * @param <T> the type of the results
     * @return the results in the order of the futures
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // copied at once, into a list that is only read
    public static <T extends @Nullable Object> LoopFuture<List<T>> gather(LoopFuture<? extends T>... futures) {
        return gather(List.of(futures));
    }

    /**
     * Returns a future of all results; see {@link #gather(LoopFuture[])}.
     *
     * @param futures futures of this loop
     * @param <T> the type of the results
     * @return the results in the order of the futures
     */
    public static <T extends @Nullable Object> LoopFuture<List<T>> gather(
            Collection<? extends LoopFuture<? extends T>> futures) {
        return new Gathering<T>(EventLoop.getRunningLoop(), List.copyOf(futures));
    }

    /**
     * Suspends the coroutine until a condition holds: Python's {@code asyncio.wait}.
     *
     * @param when what to wait for
     * @param futures futures of this loop, at least one
     * @param <F> the type of the futures
     * @return the futures that are done, and the others
     */
    public static <F extends LoopFuture<?>> DoneAndPending<F> waitUntil(
            ReturnWhen when, Collection<? extends F> futures) {
        return waitUntil(when, futures, null);
    }

    /**
     * Suspends the coroutine until a condition holds or the time is over, which is no error. Cancels nothing.
     *
     * @param when what to wait for
     * @param futures futures of this loop, at least one
     * @param timeout the longest time, or null for no limit
     * @param <F> the type of the futures
     * @return the futures that are done, and the others
     */
    public static <F extends LoopFuture<?>> DoneAndPending<F> waitUntil(
            ReturnWhen when, Collection<? extends F> futures, @Nullable Duration timeout) {
        return Waiting.until(when, futures, timeout);
    }

    /**
     * Awaits a future for a limited time. When it is over, the future is cancelled, and its end awaited.
     *
     * @param future a future of this loop
     * @param timeout the longest time
     * @param <T> the type of the result
     * @return its result
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T waitFor(LoopFuture<T> future, Duration timeout)
            throws TimeoutException {
        return timeout(timeout, () -> await(future));
    }

    /**
     * Runs code for a limited time, in this task. When the time is over, what it awaits is cancelled.
     *
     * @param timeout the longest time
     * @param body what to run
     * @param <T> the type of the result
     * @return its result
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T timeout(Duration timeout, Coroutine<T> body) throws TimeoutException {
        Task<?> task = suspendable("timeout");
        return new TimeLimit(task, timeout).run(body);
    }

    /**
     * Runs code without a result for a limited time; see {@link #timeout(Duration, Coroutine)}.
     *
     * @param timeout the longest time
     * @param body what to run
     * @throws TimeoutException if the time was over
     */
    public static void timeout(Duration timeout, Action body) throws TimeoutException {
        timeout(timeout, Action.asCoroutine(body));
    }

    /**
     * Returns a future that ends as another ends, but whose cancellation leaves the other alone.
     *
     * @param future a future of this loop
     * @param <T> the type of the result
     * @return the shield
     */
    public static <T extends @Nullable Object> LoopFuture<T> shield(LoopFuture<T> future) {
        if (future.isDone()) {
            return future;
        }
        LoopFuture<T> shield = EventLoop.getRunningLoop().createFuture();
        future.addDoneCallback(done -> {
            if (!shield.isDone()) {
                done.copyTo(shield);
            }
        });
        return shield;
    }

    /**
     * Runs a blocking call on a virtual thread of its own, and suspends the coroutine until it returns. Cancelling the task
     * interrupts the call.
     *
     * @param call what to run; outside the loop, so it must not touch the loop's objects
     * @param <T> the type of the result
     * @return its result
     */
    public static <T extends @Nullable Object> T blocking(Callable<T> call) {
        Task<?> task = suspendable("blocking");
        return await(BlockingCall.start(task.loop(), call));
    }

    /**
     * Runs a blocking call without a result; see {@link #blocking(Callable)}.
     *
     * @param action what to run
     */
    public static void blocking(Action action) {
        blocking(() -> {
            action.run();
            return null;
        });
    }

    /**
     * Returns the task whose coroutine is running.
     *
     * @return the task
     */
    public static Task<?> currentTask() {
        return suspendable("ask for the current task");
    }

    /**
     * Returns the tasks of the running loop that are not done.
     *
     * @return a copy
     */
    public static Collection<Task<?>> allTasks() {
        return EventLoop.getRunningLoop().allTasks();
    }
}
