package dev.trestle.api;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * A check before a thread waits for a future that is not done, or for the end of an executor. A guard may refuse a wait
 * by throwing an {@link IllegalStateException}; a wait for the end of an executor it may also run in a way of its own.
 *
 * <p>A service: providers are found by {@link java.util.ServiceLoader}. The event loop provides one that refuses to
 * block the loop for a future, and says what to call instead, and that suspends a coroutine which closes an executor.
 * Guards are asked only when a wait would park the thread, so results that are there cost nothing.
 */
public interface WaitGuard {

    /**
     * Called on a thread that is about to wait for a future.
     *
     * @param future the future to wait for
     * @throws IllegalStateException if this thread must not wait
     */
    void beforeWait(Future<?> future);

    /**
     * Runs a wait for the end of an executor on the calling thread, and returns when the wait is over. Just runs the
     * wait by default.
     *
     * @param executor the executor
     * @param wait the wait; to be run once
     * @return the result of the wait
     * @throws InterruptedException if the wait was interrupted
     * @throws IllegalStateException if this thread must not wait
     */
    default boolean aroundEndWait(ExecutorService executor, EndWait wait) throws InterruptedException {
        return wait.await();
    }

    /**
     * Asks all guards before a wait for a future. {@link ConcurrentFuture}s do that by themselves; this method is for
     * code that waits for the work behind a future in a way of its own.
     *
     * @param future the future that the calling thread is about to wait for
     * @throws IllegalStateException if this thread must not wait
     */
    static void askAll(Future<?> future) {
        WaitGuards.beforeWait(future);
    }

    /**
     * Waits for the end of an executor through all guards; returns at once if the executor is terminated. For the
     * methods of executors that wait: {@code awaitTermination} and {@code close}. In a coroutine of an event loop, this
     * method suspends the coroutine, as a blocking call does, and the loop goes on; cancelling the task interrupts the
     * wait.
     *
     * @param executor the executor
     * @param wait parks the calling thread until the executor has ended
     * @return the result of the wait
     * @throws InterruptedException if the wait was interrupted
     * @throws IllegalStateException if this thread must not wait
     */
    static boolean awaitEnd(ExecutorService executor, EndWait wait) throws InterruptedException {
        return executor.isTerminated() ? wait.await() : WaitGuards.awaitEnd(executor, wait);
    }
}
