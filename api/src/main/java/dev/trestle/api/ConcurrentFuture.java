package dev.trestle.api;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The result of a call that runs elsewhere: on a thread of a pool, in a child JVM. Python's
 * {@code concurrent.futures.Future}, and a full {@link Future}.
 *
 * <p>Thread-safe. It completes once: with a result, with an exception, or by cancellation. The waiting methods park the
 * calling thread; code of an event loop must not call them on a pending future, it awaits a wrapped one (module
 * {@code dev.trestle.bridge}).
 *
 * <p>{@link #result()} and {@link #exception()} follow one rule for errors: a task's unchecked exception or error is
 * thrown as it is, a checked one wrapped in {@link CompletionException}, cancellation as {@link CancellationException}.
 * A thread interrupted while it waits keeps its interrupt status and gets a {@code CompletionException} whose cause is
 * the {@link InterruptedException}; {@link #get()} throws that exception itself.
 *
 * @param <T> the type of the result
 */
public interface ConcurrentFuture<T extends @Nullable Object> extends Future<T> {

    /**
     * Waits for the result.
     *
     * @return the result
     * @throws CancellationException if this future was cancelled
     * @throws CompletionException if the task threw a checked exception, or the waiting thread was interrupted
     */
    T result();

    /**
     * Waits for the result, at most for the timeout. When the time is over, the call goes on.
     *
     * @param timeout the longest time to wait; with zero or less, this method does not wait
     * @return the result
     * @throws TimeoutException if the future was still pending or running when the time was over
     * @throws CancellationException if this future was cancelled
     * @throws CompletionException if the task threw a checked exception, or the waiting thread was interrupted
     */
    T result(Duration timeout) throws TimeoutException;

    /**
     * Waits for the end of the call and returns its exception.
     *
     * @return the task's exception as it was thrown, or empty if there is a result
     * @throws CancellationException if this future was cancelled
     * @throws CompletionException if the waiting thread was interrupted
     */
    Optional<Throwable> exception();

    /**
     * Returns whether the call has been started and has not ended.
     *
     * @return whether the call is running
     */
    boolean isRunning();

    /**
     * Adds a callback that is called exactly once, with this future, when it is done.
     *
     * <p>A callback has what the thread that added it carries; see {@link ContextCarrier}.
     *
     * <p>Callbacks run in the order in which they were added, on the thread that completes or cancels the future; a
     * callback that is added to a future that is already done runs before this method returns, on the calling thread,
     * unless another thread is running earlier callbacks: then that thread runs it after them. Callbacks that complete
     * or cancel other futures run their callbacks at once, up to eight levels deep; beyond that, they run on the same
     * thread when the callback at the deepest level has returned. No lock is held while callbacks run. An exception
     * that a callback throws is logged, and the remaining callbacks still run.
     *
     * @param callback the callback; it should be short
     */
    void addDoneCallback(Consumer<? super ConcurrentFuture<T>> callback);

    /**
     * Returns a new {@link CompletableFuture} that ends as this future ends, with the task's exception itself.
     * Cancelling it cancels this future, with interruption, and so do {@link CompletableFuture#orTimeout} and
     * {@link CompletableFuture#completeOnTimeout} when the time is over; completing it by hand does not touch this
     * future.
     *
     * <p>The JDK runs a stage of a future that is done inside the call that adds the stage, on the same stack. So a
     * chain in which each stage makes the next call and adds the next stage, as in
     * {@code call().toCompletableFuture().whenComplete(...)}, is as deep as it is long if each future is done already,
     * and some thousand links end in a {@link StackOverflowError}. The JDK itself keeps that error in the stage that
     * could not be run. For chains of any length use {@link #addDoneCallback}, which goes back to a shallow stack, a
     * loop that waits for {@link #result()}, or {@link CompletableFuture#whenCompleteAsync}.
     *
     * @return the view
     */
    CompletableFuture<T> toCompletableFuture();
}
