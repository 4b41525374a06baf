package dev.trestle.api;

import java.util.concurrent.Future;

/**
 * Asked before a thread waits for a future that is not done; it may refuse by throwing an {@link IllegalStateException}.
 *
 * <p>A service: providers are found by {@link java.util.ServiceLoader}. The event loop provides one that refuses to block
 * the loop, and says what to call instead. Asked only when a wait would really park the thread, so it costs nothing
 * where results are there.
 */
public interface WaitGuard {

    /**
     * Called on a thread that is about to wait.
     *
     * @param future what it is about to wait for
     * @throws IllegalStateException if this thread must not wait
     */
    void beforeWait(Future<?> future);

    /**
     * Asks all guards. {@link ConcurrentFuture}s do that by themselves; this is for code that waits for what a future
     * stands for in a way of its own.
     *
     * @param future what the calling thread is about to wait for
     * @throws IllegalStateException if this thread must not wait
     */
    static void askAll(Future<?> future) {
        WaitGuards.beforeWait(future);
    }
}
