package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.DoneAndPending;
import dev.trestle.api.ReturnWhen;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The functions that coroutines call; meant for {@code import static dev.trestle.loop.Async.*}.
 *
 * <p>Every method belongs to the loop that is running on the calling thread, and throws an
 * {@link IllegalStateException} if no loop is running there. The methods that suspend ({@code await}, {@code sleep},
 * {@code yieldNow}, {@code waitUntil}, {@code waitFor}, {@code timeout}, {@code blocking}) must be called by a
 * coroutine, not by a callback, and throw a {@link CancelledError} when the task is cancelled while they wait. They
 * also throw a {@code CancelledError}, whether they have to wait or not, if the coroutine's thread was interrupted.
 */
public final class Async {

    private Async() {}

    /**
     * Suspends the coroutine until a future is done, and returns its result. If the future is already done, the
     * coroutine is not suspended.
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
        return task.await(future);
    }

    private static Task<?> suspendable(String what) {
        return EventLoop.getRunningLoop().requireTask(what);
    }

    /**
     * Starts a coroutine, in a later turn of the loop.
     *
     * @param coroutine the code to run
     * @param <T> the type of the result
     * @return its task
     */
    public static <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine) {
        return EventLoop.getRunningLoop().createTask(coroutine);
    }

    /**
     * Starts a coroutine without a result, in a later turn of the loop.
     *
     * @param action the code to run
     * @return its task
     */
    public static Task<@Nullable Void> createTask(Action action) {
        return EventLoop.getRunningLoop().createTask(Action.asCoroutine(action));
    }

    /**
     * Starts a coroutine under a name.
     *
     * @param coroutine the code to run
     * @param name for logs and dumps
     * @param <T> the type of the result
     * @return its task
     */
    public static <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, String name) {
        return EventLoop.getRunningLoop().createTask(coroutine, requireNonNull(name, "name"));
    }

    /**
     * Starts a coroutine without a result under a name.
     *
     * @param action the code to run
     * @param name for logs and dumps
     * @return its task
     */
    public static Task<@Nullable Void> createTask(Action action, String name) {
        return createTask(Action.asCoroutine(action), name);
    }

    /**
     * Starts a coroutine.
     *
     * @param coroutine the code to run
     * @param options name, context, when it starts
     * @param <T> the type of the result
     * @return its task
     */
    public static <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, TaskOptions options) {
        return EventLoop.getRunningLoop().createTask(coroutine, options);
    }

    /**
     * Starts a coroutine without a result.
     *
     * @param action the code to run
     * @param options name, context, when it starts
     * @return its task
     */
    public static Task<@Nullable Void> createTask(Action action, TaskOptions options) {
        return EventLoop.getRunningLoop().createTask(action, options);
    }

    /**
     * Suspends the coroutine for a time; for one turn of the loop if the time is zero.
     *
     * @param duration the time to sleep
     * @throws IllegalArgumentException if it is negative
     */
    public static void sleep(Duration duration) {
        Task<?> task = suspendable("sleep");
        long nanos = LoopTime.nanosOf(duration);
        if (nanos == 0) {
            task.yieldNow();
            return;
        }
        EventLoop loop = task.loop();
        LoopFuture<@Nullable Void> over = loop.createFuture();
        Handle timer = loop.atInline(loop.nanos() + nanos, () -> {
            if (!over.isDone()) {
                over.setResult(null);
            }
        });
        try {
            task.await(over);
        } finally {
            timer.cancel();
        }
    }

    /** Suspends the coroutine for one turn of the loop, in which everything that is ready runs once. */
    public static void yieldNow() {
        suspendable("yieldNow").yieldNow();
    }

    /**
     * Returns a future of all results. The first failure fails the returned future at once, and the other futures go
     * on; cancelling the returned future cancels all of them.
     *
     * @param futures futures of this loop; a future that occurs twice counts once, and its result occurs twice
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
        EventLoop loop = EventLoop.getRunningLoop();
        return new GatherFuture<T, T>(loop, futures, LoopFuture::result, true).begin();
    }

    /**
     * Returns a future of all outcomes, failures and cancellations among them: Python's {@code gather} with
     * {@code return_exceptions}. Cancelling the returned future cancels all futures, and then the returned future is
     * cancelled too.
     *
     * @param futures futures of this loop
     * @param <T> the type of the results
     * @return the outcomes in the order of the futures
     */
    public static <T extends @Nullable Object> LoopFuture<List<Outcome<T>>> gatherOutcomes(
            Collection<? extends LoopFuture<? extends T>> futures) {
        EventLoop loop = EventLoop.getRunningLoop();
        return new GatherFuture<T, Outcome<T>>(loop, futures, Async::outcome, false).begin();
    }

    @SuppressWarnings("unchecked") // an outcome is only read
    private static <T extends @Nullable Object> Outcome<T> outcome(LoopFuture<? extends T> future) {
        return (Outcome<T>) future.outcome();
    }

    /**
     * Suspends the coroutine until a condition holds: Python's {@code asyncio.wait}.
     *
     * @param when the condition to wait for
     * @param futures futures of this loop, at least one
     * @param <F> the type of the futures
     * @return the futures that are done, and the others
     */
    public static <F extends LoopFuture<?>> DoneAndPending<F> waitUntil(
            ReturnWhen when, Collection<? extends F> futures) {
        return waitUntil(when, futures, null);
    }

    /**
     * Suspends the coroutine until a condition holds or the time is over. A timeout is not an error, and cancels
     * nothing.
     *
     * @param when the condition to wait for
     * @param futures futures of this loop, at least one
     * @param timeout the longest time, or null for no limit
     * @param <F> the type of the futures
     * @return the futures that are done, and the others
     */
    public static <F extends LoopFuture<?>> DoneAndPending<F> waitUntil(
            ReturnWhen when, Collection<? extends F> futures, @Nullable Duration timeout) {
        return WaitUntil.until(suspendable("waitUntil"), when, futures, timeout);
    }

    /**
     * Returns futures as they complete, without a time limit; see {@link #asCompleted(Collection, Duration)}.
     *
     * @param futures futures of this loop
     * @param <F> the type of the futures
     * @return the futures, in the order of their completion
     */
    public static <F extends LoopFuture<?>> Iterable<F> asCompleted(Collection<? extends F> futures) {
        return asCompleted(futures, null);
    }

    /**
     * Returns futures as they complete. {@code next()} suspends the coroutine until the next future is done; every
     * {@code iterator()} starts afresh, time limit included, and has one consumer. Cancels nothing; a program may drop
     * the iterator at any time.
     *
     * <p>When the time is over and futures are missing, {@code next()} throws a
     * {@link java.util.concurrent.CompletionException} whose cause is a {@link TimeoutException} that counts them.
     *
     * @param futures futures of this loop; a future that occurs twice counts once
     * @param timeout the time for all of them, counted from the call of {@code iterator()}; null for no limit
     * @param <F> the type of the futures
     * @return the futures, in the order of their completion
     */
    public static <F extends LoopFuture<?>> Iterable<F> asCompleted(
            Collection<? extends F> futures, @Nullable Duration timeout) {
        EventLoop loop = EventLoop.getRunningLoop();
        Set<F> distinct = new LinkedHashSet<>(futures);
        distinct.forEach(loop::checkMine);
        return () -> new AsCompletedIterator<>(loop, distinct, timeout);
    }

    /**
     * Awaits a future for a limited time. When the time is over, this method cancels the future and awaits its end; if
     * the future then has a result nevertheless, that is returned.
     *
     * @param future a future of this loop
     * @param timeout the longest time; if it is zero or less, a future that is not done is cancelled at once; null for
     *     no limit
     * @param <T> the type of the result
     * @return its result
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T waitFor(LoopFuture<T> future, @Nullable Duration timeout)
            throws TimeoutException {
        if (timeout == null || timeout.isPositive()) {
            return callWithTimeout(timeout, limit -> {
                limit.waitsFor(future, timeout);
                return await(future);
            });
        }
        if (!future.isDone()) {
            future.cancel();
            waitUntil(ReturnWhen.ALL_COMPLETED, List.of(future));
            if (future.endsInCancelledError()) {
                throw new TimeoutException(future + " was not done, and there was no time to wait: " + timeout);
            }
        }
        return await(future);
    }

    /**
     * Runs a coroutine in this task for a limited time; see {@link #timeout(Duration, Coroutine)}. If the time is zero
     * or less, the coroutine is not even started.
     *
     * @param coroutine the code to run
     * @param timeout the longest time, or null for no limit
     * @param <T> the type of the result
     * @return its result
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T waitFor(Coroutine<T> coroutine, @Nullable Duration timeout)
            throws TimeoutException {
        if (timeout == null || timeout.isPositive()) {
            return callWithTimeout(timeout, limit -> {
                limit.waitsFor(coroutine.getClass().getName(), timeout);
                return coroutine.run();
            });
        }
        return waitFor(createTask(coroutine), timeout);
    }

    /**
     * Runs code without a result for a limited time; see {@link #waitFor(Coroutine, Duration)}.
     *
     * @param action the code to run
     * @param timeout the longest time, or null for no limit
     * @throws TimeoutException if the time was over
     */
    public static void waitFor(Action action, @Nullable Duration timeout) throws TimeoutException {
        waitFor(Action.asCoroutine(action), timeout);
    }

    /**
     * Runs code for a limited time, in this task. When the time is over, the await in which the code is suspended
     * throws a {@link CancelledError}; the code may clean up, and a result that the code returns nevertheless counts. A
     * checked exception of the code is wrapped, except for a {@code TimeoutException} of a limit inside.
     *
     * @param timeout the longest time; if it is zero or less, the first wait is cancelled; null for no limit
     * @param body the code to run
     * @param <T> the type of the result
     * @return its result
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T timeout(@Nullable Duration timeout, Coroutine<T> body)
            throws TimeoutException {
        requireNonNull(body, "body");
        return callWithTimeout(timeout, _ -> body.run());
    }

    /**
     * Runs code without a result for a limited time; see {@link #timeout(Duration, Coroutine)}.
     *
     * @param timeout the longest time, or null for no limit
     * @param body the code to run
     * @throws TimeoutException if the time was over
     */
    public static void timeout(@Nullable Duration timeout, Action body) throws TimeoutException {
        timeout(timeout, Action.asCoroutine(body));
    }

    /**
     * Runs code for a limited time, and gives it the limit to move; see {@link #timeout(Duration, Coroutine)}. {@link
     * #callWithTimeout} is the same for code with a result.
     *
     * @param timeout the longest time, or null for no limit yet
     * @param body the code to run; it gets the limit
     * @throws TimeoutException if the time was over
     */
    public static void timeout(@Nullable Duration timeout, TimedAction body) throws TimeoutException {
        callWithTimeout(timeout, asCoroutine(body));
    }

    /**
     * Runs code with a result for a limited time, and gives it the limit to move; see
     * {@link #timeout(Duration, Coroutine)}.
     *
     * @param timeout the longest time, or null for no limit yet
     * @param body the code to run; it gets the limit
     * @param <T> the type of the result
     * @return the result of the code
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T callWithTimeout(@Nullable Duration timeout, TimedCoroutine<T> body)
            throws TimeoutException {
        Task<?> task = suspendable("timeout");
        return Timeout.run(task, timeout == null ? null : task.loop().timeIn(timeout), body);
    }

    /**
     * Runs code up to a point in time, and gives it the limit to move; see {@link #timeout(Duration, Coroutine)}.
     * {@link #callWithTimeoutAt} is the same for code with a result.
     *
     * @param when the loop's time, see {@link EventLoop#time}; null for no limit yet
     * @param body the code to run; it gets the limit
     * @throws TimeoutException if the time was over
     */
    public static void timeoutAt(@Nullable Duration when, TimedAction body) throws TimeoutException {
        callWithTimeoutAt(when, asCoroutine(body));
    }

    /**
     * Runs code with a result up to a point in time, and gives it the limit to move; see {@link #timeout(Duration,
     * Coroutine)}.
     *
     * @param when the loop's time, see {@link EventLoop#time}; null for no limit yet
     * @param body the code to run; it gets the limit
     * @param <T> the type of the result
     * @return the result of the code
     * @throws TimeoutException if the time was over
     */
    public static <T extends @Nullable Object> T callWithTimeoutAt(@Nullable Duration when, TimedCoroutine<T> body)
            throws TimeoutException {
        return Timeout.run(suspendable("timeoutAt"), when, body);
    }

    private static TimedCoroutine<@Nullable Void> asCoroutine(TimedAction action) {
        requireNonNull(action, "action");
        return timeout -> {
            action.run(timeout);
            return null;
        };
    }

    /**
     * Returns a future that ends as another future ends. Cancelling the returned future does not cancel the other.
     *
     * @param future a future of this loop
     * @param <T> the type of the result
     * @return the shield
     */
    public static <T extends @Nullable Object> LoopFuture<T> shield(LoopFuture<T> future) {
        if (future.isDone()) {
            return future;
        }
        EventLoop.getRunningLoop().checkMine(future);
        return new ShieldFuture<>(future);
    }

    /**
     * Runs a blocking call on the coroutine's own virtual thread, while the loop goes on. Cancelling the task
     * interrupts the call, which should end then; when the call has ended, the cancellation is thrown, with the call's
     * exception as its cause.
     *
     * @param call the call; it runs outside the loop, so it must not touch the loop's objects
     * @param <T> the type of the result
     * @return its result
     */
    public static <T extends @Nullable Object> T blocking(Callable<T> call) {
        Task<?> task = suspendable("blocking");
        return task.callBlocking(new BlockingCall<>(task.loop(), requireNonNull(call, "call")));
    }

    /**
     * Runs a blocking call without a result; see {@link #blocking(Callable)}.
     *
     * @param action the code to run
     */
    public static void blocking(Action action) {
        blocking(Action.asCoroutine(action)::run);
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
    public static List<Task<?>> allTasks() {
        return EventLoop.getRunningLoop().allTasks();
    }
}
