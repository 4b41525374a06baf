package dev.trestle.loop;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A number of permits that coroutines of one loop share: Python's {@code asyncio.Semaphore}.
 *
 * <p>Fair: permits go to those who wait in the order in which they came, and nobody overtakes them. A permit is never lost:
 * one that was granted to a coroutine that is cancelled at the same moment goes to the next. Not thread-safe; it belongs to
 * the loop in which it is used.
 */
public final class LoopSemaphore {

    /** Those who wait, in order; one that is done has its permit, or was cancelled, and is about to go on. */
    private final Deque<LoopFuture<@Nullable Void>> waiting = new ArrayDeque<>();

    private int permits;

    /**
     * Creates a semaphore.
     *
     * @param permits how many coroutines may have a permit at a time
     * @throws IllegalArgumentException if it is negative
     */
    public LoopSemaphore(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("A semaphore needs 0 permits or more: " + permits);
        }
        this.permits = permits;
    }

    /**
     * Takes a permit, and suspends the coroutine until there is one.
     *
     * @throws CancelledError if the task is cancelled meanwhile; then it has no permit
     */
    public void acquire() {
        if (!isLocked()) {
            permits--;
            return;
        }
        LoopFuture<@Nullable Void> turn = EventLoop.getRunningLoop().createFuture();
        waiting.addLast(turn);
        try {
            Async.await(turn);
        } catch (CancelledError e) {
            if (turn.isDone() && !turn.isCancelled()) {
                permits++; // granted and cancelled at the same moment
            }
            throw e;
        } finally {
            waiting.remove(turn);
            grant();
        }
    }

    /** Gives a permit back, to the one who has waited longest. */
    public void release() {
        permits++;
        grant();
    }

    private void grant() {
        for (LoopFuture<@Nullable Void> turn : waiting) {
            if (permits == 0) {
                break;
            }
            if (!turn.isDone()) {
                permits--;
                turn.setResult(null);
            }
        }
    }

    /**
     * Returns whether {@code acquire} would suspend.
     *
     * @return whether there is no permit, or others wait for one, or have been given one and have not gone on yet
     */
    public boolean isLocked() {
        return permits == 0 || waiting.stream().anyMatch(turn -> !turn.isCancelled());
    }

    @Override
    public String toString() {
        return "LoopSemaphore[permits=" + permits + ", waiting=" + waiting.size() + "]";
    }
}
