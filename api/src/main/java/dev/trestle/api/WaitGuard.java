package dev.trestle.api;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * Asked before a thread waits for a future that is not done, or for the end of an executor. For a future, it may refuse by throwing
 * an {@link IllegalStateException}; for the end of an executor, it may also run the wait in a way of its own.
 *
 * <p>A service: providers are found by {@link java.util.ServiceLoader}. The event loop provides one that refuses to block
 * the loop for a future, and says what to call instead, and that suspends a coroutine which closes an executor. Asked only when
 * a wait would really park the thread, so it costs nothing where results are there.
 */
public interface WaitGuard {

    /**
     * Called on a thread that is about to wait for a future.
     *
     * @param future what it is about to wait for
     * @throws IllegalStateException if this thread must not wait
     */
    void beforeWait(Future<?> future);

    /**
     * Runs a wait for the end of an executor on the calling thread, and returns when it is over. Unless it is overridden, just that.
     *
     * @param executor what is to end
     * @param wait the wait; to be run once
     * @return what the wait returned
     * @throws InterruptedException if the wait was interrupted
     * @throws IllegalStateException if this thread must not wait
     */
    default boolean aroundEndWait(ExecutorService executor, EndWait wait) throws InterruptedException {
        return wait.await();
    }

    /**
     * Asks all guards before a wait for a future. {@link ConcurrentFuture}s do that by themselves; this is for code that waits for
     * what a future stands for in a way of its own.
     *
     * @param future what the calling thread is about to wait for
     * @throws IllegalStateException if this thread must not wait
     */
    static void askAll(Future<?> future) {
        WaitGuards.beforeWait(future);
    }

    /**
     * Waits for the end of an executor in the way in which all guards want it; at once if the executor is terminated. For the
     * methods of executors that wait: {@code awaitTermination} and {@code close}. In a coroutine of an event loop it suspends the
     * coroutine, as a blocking call does, and the loop goes on; cancelling the task interrupts the wait.
     *
     * @param executor what is to end
     * @param wait parks the calling thread until the executor has ended
     * @return what the wait returned
     * @throws InterruptedException if the wait was interrupted
     * @throws IllegalStateException if this thread must not wait
     */
    static boolean awaitEnd(ExecutorService executor, EndWait wait) throws InterruptedException {
        return executor.isTerminated() ? wait.await() : WaitGuards.awaitEnd(executor, wait);
    }
}
