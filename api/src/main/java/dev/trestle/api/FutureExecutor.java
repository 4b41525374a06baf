package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An {@link ExecutorService} with {@link ConcurrentFuture}s; every pool of Trestle is one. Python's
 * {@code concurrent.futures.Executor}.
 *
 * <p>The compiler takes a lambda passed to {@code submit} as a {@link Call}, which can travel. So the same program runs
 * on a thread pool or on a process pool; only the constructor differs.
 *
 * <p>All methods may be called from any thread. Only the stream of {@code map}, {@code invokeAll}, {@code invokeAny},
 * {@code awaitTermination} and {@code close} wait for calls; {@code submit} waits only if the pool has a queue limit.
 * In a coroutine of an event loop, {@code awaitTermination} and {@code close} suspend the coroutine while the loop goes
 * on, and cancelling the task interrupts them; the other methods refuse to wait there.
 */
public interface FutureExecutor extends ExecutorService {

    /**
     * Submits a call.
     *
     * @param call the code to run
     * @param <T> the type of the result
     * @return the future of the call
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call);

    /**
     * Submits a task. A process pool refuses a task that is not serializable; a lambda written in the call itself is
     * serializable.
     *
     * @param task the code to run
     * @param <T> the type of the result
     * @return the future of the task
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    @Override
    <T extends @Nullable Object> ConcurrentFuture<T> submit(Callable<T> task);

    /**
     * Submits a call without a result.
     *
     * @param call the code to run
     * @return the future of the call; its result is {@code null}
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    ConcurrentFuture<?> submit(RunnableCall call);

    /**
     * Submits a task without a result. A process pool refuses one that is not serializable.
     *
     * @param task the code to run
     * @return the future of the task; its result is {@code null}
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    @Override
    ConcurrentFuture<?> submit(Runnable task);

    /**
     * Submits a task with a given result.
     *
     * @param task the code to run
     * @param result the result of the future; it stays in this JVM
     * @param <T> the type of the result
     * @return the future of the task
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    @Override
    <T extends @Nullable Object> ConcurrentFuture<T> submit(Runnable task, T result);

    /**
     * Submits a call and returns a {@link CompletableFuture}, for chains of stages. A process pool takes the call,
     * where it refuses the task that {@link CompletableFuture#supplyAsync(java.util.function.Supplier,
     * java.util.concurrent.Executor)} makes.
     *
     * <p>{@code cancel}, {@code orTimeout} and {@code completeOnTimeout} of the returned future reach the call, as
     * {@link ConcurrentFuture#toCompletableFuture()} says; those of the stages after it do not. A limit for a call in
     * the middle of a chain stands on that call's own future. The future fails with the exception of the call itself;
     * stages after it see a {@link java.util.concurrent.CompletionException} with that exception as its cause.
     *
     * {@snippet class="dev.trestle.contract.ExecutorContract" region="stages"}
     *
     * @param call the code to run
     * @param <T> the type of the result
     * @return the future of the call
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    default <T extends @Nullable Object> CompletableFuture<T> supplyAsync(Call<T> call) {
        return submit(call).toCompletableFuture();
    }

    /**
     * Submits a call without a result and returns a {@link CompletableFuture}, as {@link #supplyAsync} does.
     *
     * @param call the code to run
     * @return the future of the call; its result is {@code null}
     * @throws RejectedExecutionException if this executor has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    @SuppressWarnings("unchecked") // the result of a call without a result is null, which is a value of each type
    default CompletableFuture<@Nullable Void> runAsync(RunnableCall call) {
        return (CompletableFuture<@Nullable Void>) submit(call).toCompletableFuture();
    }

    /**
     * Returns a function that submits a call of the given function with its argument, as {@link #supplyAsync} does. For
     * {@link CompletableFuture#thenCompose}. The function throws what {@code submit} throws; in {@code thenCompose},
     * that fails the stage.
     *
     * {@snippet class="dev.trestle.contract.ExecutorContract" region="stages"}
     *
     * @param fn the code to run
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the function; each of its calls is a call of this executor
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Function<A, CompletableFuture<R>> async(
            CallFunction<A, R> fn) {
        requireNonNull(fn, "fn");
        return argument -> supplyAsync(() -> fn.apply(argument));
    }

    /**
     * Copies an array once into memory that all calls of this executor read, wherever they run. Calls capture the
     * shared array and not the array:
     *
     * {@snippet class="dev.trestle.contract.ExecutorContract" region="share"}
     *
     * @param array an array of bytes, shorts, chars, ints, longs, floats or doubles
     * @param <A> its type
     * @return the shared array, with the elements that the array has now; to be closed
     * @throws IllegalArgumentException if it is something else
     * @throws java.io.UncheckedIOException if there is no room for it
     * @throws IllegalStateException if this executor cannot share anything any more, since it has terminated
     * @throws UnsupportedOperationException if calls of this executor run on other machines
     */
    default <A> SharedArray<A> share(A array) {
        return SharedArray.of(array);
    }

    /**
     * Maps a file that is there, for all calls of this executor. They read the file itself: what is written to it while
     * it is shared, they may see or not.
     *
     * @param file a file with all its data; not to be made shorter while it is shared, since the system then ends
     *     readers of what is gone with an {@link InternalError}
     * @return the bytes of the file; to be closed, which leaves the file as it is
     * @throws IllegalArgumentException if it is no file that can be mapped
     * @throws java.io.UncheckedIOException if it cannot be opened
     * @throws IllegalStateException if this executor cannot share anything any more, since it has terminated
     * @throws UnsupportedOperationException if calls of this executor run on other machines
     */
    default SharedArray<byte[]> share(Path file) {
        return SharedArray.of(file);
    }

    /**
     * Takes memory that calls of this executor may write to, and the program too: a large result needs no copy then.
     * The bytes that a call has written are there when its future is done; calls that write at the same time use
     * different places, or the atomic accesses of {@link java.lang.invoke.VarHandle}.
     *
     * {@snippet class="dev.trestle.contract.ExecutorContract" region="allocate"}
     *
     * @param bytes the number of bytes
     * @return memory that is zero; to be closed
     * @throws IllegalArgumentException if the number is negative
     * @throws java.io.UncheckedIOException if there is no room for it
     * @throws IllegalStateException if this executor cannot share anything any more, since it has terminated, or if its
     *     calls run in a sandbox, where they may change nothing of this program
     * @throws UnsupportedOperationException if calls of this executor run on other machines
     */
    default SharedArray<byte[]> allocate(long bytes) {
        return SharedArray.allocate(bytes);
    }

    /**
     * Applies a function to every input, with {@link MapOptions#DEFAULT}.
     *
     * @param fn the function
     * @param inputs the inputs; they are read as results are consumed, and may be endless
     * @param <A> the type of the inputs
     * @param <R> the type of the results
     * @return the results, in the order of the inputs
     * @see #map(CallFunction, Iterable, MapOptions)
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Stream<R> map(
            CallFunction<A, R> fn, Iterable<A> inputs) {
        return map(fn, inputs, MapOptions.DEFAULT);
    }

    /**
     * Applies a function to every input: ordered, lazy, bounded, in chunks.
     *
     * <p>The first calls are submitted at once, and further ones while the caller consumes results, so the number of
     * inputs in flight is bounded. Each input has one outcome: a result, or a failure, which is thrown by the rule of
     * {@link ConcurrentFuture#result()} when its place in the stream is reached. A result that cannot be sent fails its
     * own input only. Closing the stream, its end, an error that stops it and a timeout cancel the calls that are left.
     * A {@link java.util.concurrent.TimeoutException} arrives as the cause of a
     * {@link java.util.concurrent.CompletionException}.
     *
     * <p>The inputs of a {@link Collection} are read by the thread that consumes the results. The inputs of another
     * {@link Iterable} may be slow, or may depend on results before them, as the pages of a crawler do: they are read
     * by a daemon thread of this map, and a result is handed out while the next input is awaited. Unless one call of
     * the iterator takes longer than some milliseconds, it never runs at the same time as the code that consumes the
     * results. When the iterator has no next input, it is asked again after the results in flight have been consumed.
     * An exception of the iterator, and a refusal by this executor, is thrown after the results of all inputs before.
     *
     * @param fn the function
     * @param inputs the inputs
     * @param options order, chunk size, look-ahead, treatment of errors, time limit
     * @param <A> the type of the inputs
     * @param <R> the type of the results
     * @return the results; a sequential stream, to be closed if it is not consumed to its end, by any thread
     * @throws RejectedExecutionException if this executor has been shut down
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Stream<R> map(
            CallFunction<A, R> fn, Iterable<A> inputs, MapOptions options) {
        return MapSpliterator.stream(this, fn, inputs, options);
    }

    /**
     * Runs all tasks and waits for them.
     *
     * @param tasks the tasks
     * @param <T> the type of the results
     * @return the futures, all done, in the order of the tasks
     * @throws InterruptedException if interrupted while waiting; unfinished tasks are cancelled
     * @throws RejectedExecutionException if this executor has been shut down
     */
    @Override
    default <T extends @Nullable Object> List<Future<T>> invokeAll(Collection<? extends Callable<T>> tasks)
            throws InterruptedException {
        return BulkInvocation.all(this, tasks, Deadline.in(null));
    }

    /**
     * Runs all tasks and waits for them, or until the time is over.
     *
     * @param tasks the tasks
     * @param timeout the longest time to wait
     * @param unit the unit of the timeout
     * @param <T> the type of the results
     * @return the futures, all done, in the order of the tasks; those that did not end in time are cancelled
     * @throws InterruptedException if interrupted while waiting; unfinished tasks are cancelled
     * @throws RejectedExecutionException if this executor has been shut down
     */
    @Override
    default <T extends @Nullable Object> List<Future<T>> invokeAll(
            Collection<? extends Callable<T>> tasks, long timeout, TimeUnit unit) throws InterruptedException {
        return BulkInvocation.all(this, tasks, Deadline.in(TimeLimit.of(timeout, unit)));
    }

    /**
     * Runs the tasks and returns the first result; the other tasks are cancelled.
     *
     * @param tasks the tasks, at least one
     * @param <T> the type of the results
     * @return the result of a task that succeeded
     * @throws InterruptedException if interrupted while waiting; all tasks are cancelled
     * @throws ExecutionException if every task failed; the cause is the last failure
     * @throws RejectedExecutionException if this executor has been shut down
     */
    @Override
    default <T extends @Nullable Object> T invokeAny(Collection<? extends Callable<T>> tasks)
            throws InterruptedException, ExecutionException {
        try {
            return BulkInvocation.any(this, tasks, Deadline.in(null));
        } catch (TimeoutException e) {
            throw new AssertionError("No limit was given", e);
        }
    }

    /**
     * Runs the tasks and returns the first result, if there is one in time; the other tasks are cancelled.
     *
     * @param tasks the tasks, at least one
     * @param timeout the longest time to wait
     * @param unit the unit of the timeout
     * @param <T> the type of the results
     * @return the result of a task that succeeded
     * @throws InterruptedException if interrupted while waiting; all tasks are cancelled
     * @throws ExecutionException if every task failed; the cause is the last failure
     * @throws TimeoutException if no task succeeded in time
     * @throws RejectedExecutionException if this executor has been shut down
     */
    @Override
    default <T extends @Nullable Object> T invokeAny(
            Collection<? extends Callable<T>> tasks, long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        return BulkInvocation.any(this, tasks, Deadline.in(TimeLimit.of(timeout, unit)));
    }

    /**
     * Shuts this executor down, and waits until the accepted calls have ended. If the waiting thread is interrupted,
     * this method calls {@link #shutdownNow} and goes on waiting.
     *
     * <p>In a coroutine of an event loop, the coroutine is suspended while it waits. If its task is cancelled, or was
     * before, this method calls {@code shutdownNow}, goes on waiting, and throws the cancellation when the executor has
     * ended. In a callback of an event loop, which cannot be suspended, this method shuts the executor down and refuses
     * to wait.
     *
     * @throws IllegalStateException in a callback of an event loop; the executor has been shut down, and ends when the
     *     accepted calls have ended
     */
    @Override
    default void close() {
        if (isTerminated()) {
            return;
        }
        shutdown(); // also if the wait is refused
        try {
            WaitGuard.awaitEnd(this, () -> {
                ExecutorService.super.close();
                return true;
            });
        } catch (InterruptedException e) { // a guard's own, since the wait throws none
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Returns the number of calls that this executor can run at the same time.
     *
     * @return the largest number of workers
     */
    int parallelism();
}
