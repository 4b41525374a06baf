package dev.trestle.bridge;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.RunnableCall;
import dev.trestle.loop.Action;
import dev.trestle.loop.Context;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Converts futures of pools into futures of an event loop, and back.
 *
 * <p>{@code wrapFuture}, {@code runInExecutor} and {@code toThread} are called by code of a running loop, and return a
 * {@link LoopFuture} that this code awaits. {@code runCoroutineThreadsafe} is called by any other thread and returns a
 * {@link ConcurrentFuture} that this thread may wait for.
 *
 * <p>Results, exceptions and cancellation cross: cancelling either side cancels the other, with interruption, so that
 * it reaches the work. A pool's {@link java.util.concurrent.CancellationException} is a cancelled future in the loop,
 * whose awaiters get a {@link dev.trestle.loop.CancelledError}. An outcome that arrives after the other side was closed
 * is dropped.
 *
 * {@snippet class="dev.trestle.bridge.JavadocExamplesTest" region="run-in-executor"}
 */
public final class Bridge {

    /** The number of items of a publisher that may wait for the coroutine that reads them. */
    private static final int ITEMS_AHEAD = 32;

    private Bridge() {}

    // From a pool into the loop

    /**
     * Returns a loop future that ends as a pool's future ends. It costs the loop one queue entry, and no thread.
     *
     * @param future the future of a pool
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it cancels the pool's future
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static <T extends @Nullable Object> LoopFuture<T> wrapFuture(ConcurrentFuture<T> future) {
        return wrap(future, false);
    }

    private static <T extends @Nullable Object> LoopFuture<T> wrap(ConcurrentFuture<T> future, boolean work) {
        var crossing = new IntoLoop<T>(EventLoop.getRunningLoop(), () -> future.cancel(true), work);
        future.addDoneCallback(crossing::arrive);
        return crossing.arrival();
    }

    /**
     * Returns a loop future that ends as a stage ends. It costs the loop one queue entry, and no thread.
     *
     * @param stage the stage
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it cancels the stage, if its kind can be cancelled
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static <T extends @Nullable Object> LoopFuture<T> wrapFuture(CompletionStage<T> stage) {
        return wrap(stage, false);
    }

    private static <T extends @Nullable Object> LoopFuture<T> wrap(CompletionStage<T> stage, boolean work) {
        var crossing = new IntoLoop<T>(EventLoop.getRunningLoop(), () -> cancelStage(stage), work);
        var _ = stage.whenComplete(crossing::arrive);
        return crossing.arrival();
    }

    private static void cancelStage(CompletionStage<?> stage) {
        try {
            stage.toCompletableFuture().cancel(true);
        } catch (UnsupportedOperationException e) {
            // A stage need not be cancellable: then its work goes on, and its outcome is dropped.
        }
    }

    /**
     * Returns a loop future that ends as a {@link CompletableFuture}, which is a stage and a future, ends.
     *
     * @param future the future
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it cancels the other
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static <T extends @Nullable Object> LoopFuture<T> wrapFuture(CompletableFuture<T> future) {
        return wrapFuture((CompletionStage<T>) future);
    }

    /**
     * Returns a loop future that ends as any future ends. If the future has no callbacks, a virtual thread waits for
     * its end.
     *
     * @param future the future
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it cancels the other, with interruption
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static <T extends @Nullable Object> LoopFuture<T> wrapFuture(Future<T> future) {
        return wrap(requireNonNull(future, "future"), false);
    }

    @SuppressWarnings("unchecked")
    private static <T extends @Nullable Object> LoopFuture<T> wrap(Future<T> future, boolean work) {
        return switch (future) {
            case ConcurrentFuture<?> concurrent -> wrap((ConcurrentFuture<T>) concurrent, work);
            case CompletionStage<?> stage -> wrap((CompletionStage<T>) stage, work);
            default -> {
                var crossing = new IntoLoop<T>(EventLoop.getRunningLoop(), () -> future.cancel(true), work);
                if (future.isDone()) {
                    crossing.arrive(future);
                } else {
                    crossing.arriveAfterWaiting(future);
                }
                yield crossing.arrival();
            }
        };
    }

    /**
     * Runs a call on an executor, and returns a future to await: Python's {@code loop.run_in_executor}.
     *
     * @param executor a pool
     * @param call the code to run
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it cancels the call
     * @throws IllegalStateException if no loop is running on this thread
     * @throws java.util.concurrent.RejectedExecutionException if the executor refuses the call
     */
    public static <T extends @Nullable Object> LoopFuture<T> runInExecutor(FutureExecutor executor, Call<T> call) {
        EventLoop.getRunningLoop(); // before the call is submitted
        return wrap(executor.submit(call), true);
    }

    /**
     * Runs a task on any executor, and returns a future to await.
     *
     * @param executor an executor
     * @param task the code to run
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it cancels the task, with interruption
     * @throws IllegalStateException if no loop is running on this thread
     * @throws java.util.concurrent.RejectedExecutionException if the executor refuses the task
     */
    public static <T extends @Nullable Object> LoopFuture<T> runInExecutor(ExecutorService executor, Callable<T> task) {
        EventLoop.getRunningLoop(); // before the task is submitted
        return wrap(executor.submit(task), true);
    }

    /**
     * Runs a call without a result on an executor; see {@link #runInExecutor(FutureExecutor, Call)}.
     *
     * @param executor a pool
     * @param call the code to run
     * @return a future of the running loop; cancelling it cancels the call
     * @throws IllegalStateException if no loop is running on this thread
     * @throws java.util.concurrent.RejectedExecutionException if the executor refuses the call
     */
    public static LoopFuture<?> runInExecutor(FutureExecutor executor, RunnableCall call) {
        EventLoop.getRunningLoop(); // before the call is submitted
        return wrap(executor.submit(call), true);
    }

    /**
     * Runs a task without a result on any executor; see {@link #runInExecutor(ExecutorService, Callable)}.
     *
     * @param executor an executor
     * @param task the code to run
     * @return a future of the running loop; cancelling it cancels the task, with interruption
     * @throws IllegalStateException if no loop is running on this thread
     * @throws java.util.concurrent.RejectedExecutionException if the executor refuses the task
     */
    public static LoopFuture<?> runInExecutor(ExecutorService executor, Runnable task) {
        EventLoop.getRunningLoop(); // before the task is submitted
        return wrap(executor.submit(task), true);
    }

    /**
     * Runs a task in the default executor of the running loop: a virtual thread for each task, closed with the loop.
     * The task sees a copy of the current {@link Context}; other executors carry none, as in Python. The context of
     * each {@link dev.trestle.api.ContextCarrier} goes along to all of them.
     *
     * <p>Closing the loop waits for tasks with futures that were not cancelled. After the patience of
     * {@link EventLoop#close} it interrupts these tasks, and after the same time again it names them to the exception
     * handler and abandons them.
     *
     * @param task the task; it runs outside the loop, so it must not touch the loop's objects
     * @param <T> the type of the result
     * @return a future of the running loop; cancelling it interrupts the task
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static <T extends @Nullable Object> LoopFuture<T> toThread(Callable<T> task) {
        requireNonNull(task, "task");
        DefaultExecutor executor = DefaultExecutor.of(EventLoop.getRunningLoop());
        Context context = Context.copyContext();
        return wrap(executor.submit(task, context), true);
    }

    /**
     * Runs a task without a result in the default executor of the running loop; see {@link #toThread(Callable)}.
     *
     * @param action the code to run
     * @return a future of the running loop; cancelling it interrupts the task
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static LoopFuture<@Nullable Void> toThread(Action action) {
        return toThread(Action.asCoroutine(action)::run);
    }

    /**
     * Subscribes to a publisher, and returns its items for a coroutine to iterate over.
     *
     * {@snippet class="dev.trestle.bridge.JavadocExamplesTest" region="iterate"}
     *
     * @param publisher the publisher
     * @param <T> the type of the items
     * @return the items; must be closed if they are not read to the end
     * @throws IllegalStateException if no loop is running on this thread
     */
    public static <T> PublishedItems<T> iterate(Flow.Publisher<? extends T> publisher) {
        return new PublishedItems<>(EventLoop.getRunningLoop(), requireNonNull(publisher, "publisher"), ITEMS_AHEAD);
    }

    // From the loop, and from a foreign thread into the loop and back

    /**
     * Returns a thread-safe future that ends as a loop's future ends; foreign threads may wait for it, add callbacks to
     * it, or compose it by {@link ConcurrentFuture#toCompletableFuture}. The stack limits the length of a chain of such
     * stages; see there. Nothing limits a chain of awaits in a coroutine.
     *
     * <p>The returned future ends when the loop is closed, at the latest: if the loop's future is not done then, it is
     * cancelled.
     *
     * @param future a future of the running loop
     * @param <T> the type of the result
     * @return the thread-safe future; cancelling it cancels the loop's future
     */
    public static <T extends @Nullable Object> ConcurrentFuture<T> toConcurrentFuture(LoopFuture<T> future) {
        return CoroutineSubmission.of(future);
    }

    /**
     * Runs a coroutine in a loop, from any other thread: Python's {@code asyncio.run_coroutine_threadsafe}.
     *
     * <p>The coroutine's context is a copy of the calling thread's. The future ends when the loop is closed, at the
     * latest: if the coroutine has not ended by then, also because its loop has abandoned it, the future is cancelled;
     * if the coroutine has not begun, the future fails with an {@link IllegalStateException}. A loop that is neither
     * run nor closed ends nothing.
     *
     * @param coroutine the code to run
     * @param loop the loop, which need not be running yet
     * @param <T> the type of the result
     * @return its future; cancelling it cancels the coroutine's task
     * @throws IllegalStateException if the loop is closed
     */
    public static <T extends @Nullable Object> ConcurrentFuture<T> runCoroutineThreadsafe(
            Coroutine<T> coroutine, EventLoop loop) {
        return CoroutineSubmission.of(requireNonNull(coroutine, "coroutine"), loop);
    }
}
