package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A bound on the unfinished calls of an executor: a caller that submits one more waits until there is room. For code
 * that implements executors.
 *
 * <p>Fair: callers enter in FIFO order. All methods may be called from any thread.
 */
public final class QueueLimit {

    private final int places;
    private final Semaphore free;

    /**
     * Creates a limit with room for the calls that run and for those that wait.
     *
     * @param parallelism the number of calls that may run
     * @param queued the number of further calls that may wait
     * @throws IllegalArgumentException if there is no place at all
     */
    public QueueLimit(int parallelism, int queued) {
        this.places = (int) Math.min(Integer.MAX_VALUE, (long) parallelism + queued);
        if (places < 1) {
            throw new IllegalArgumentException(
                    "There must be room for one call or more: " + parallelism + " to run, " + queued + " to wait");
        }
        this.free = new Semaphore(places, true);
    }

    /**
     * Takes a place, and waits until there is one.
     *
     * @param executor the executor, for messages
     * @throws RejectedExecutionException if the calling thread is interrupted while it waits, or must not wait: see
     *     {@link WaitGuard}. Then no place was taken
     */
    public void enter(Object executor) {
        if (enterAtOnce()) {
            return;
        }
        try {
            WaitGuard.askAll(new Promise<@Nullable Void>());
        } catch (IllegalStateException e) {
            throw full(executor, e);
        }
        try {
            free.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RejectedExecutionException(
                    "Interrupted while waiting for room in the queue of " + executor + "; nothing was submitted", e);
        }
    }

    /**
     * Takes a place without waiting, for threads on which calls of this executor end.
     *
     * @param executor the executor, for messages
     * @throws RejectedExecutionException if there is none
     */
    public void enterNow(Object executor) {
        if (!enterAtOnce()) {
            throw full(executor, null);
        }
    }

    private boolean enterAtOnce() {
        return !free.hasQueuedThreads() && free.tryAcquire();
    }

    private RejectedExecutionException full(Object executor, @Nullable Throwable cause) {
        return new RejectedExecutionException(
                "The queue of " + requireNonNull(executor, "executor") + " is full: " + places
                        + " calls have not ended, and this thread must not wait until one has. Submit on another"
                        + " thread, or keep fewer calls in flight: in an event loop, hold a permit of a LoopSemaphore"
                        + " for each.",
                cause);
    }

    /** Gives a place back; must be called once for each place that was taken. */
    public void leave() {
        free.release();
    }
}
