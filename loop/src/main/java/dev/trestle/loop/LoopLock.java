package dev.trestle.loop;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A lock for coroutines of one loop that must keep others out across an await: Python's {@code asyncio.Lock}. Between two
 * awaits nothing else runs, so most code needs none.
 *
 * <p>Fair, and never lost to a cancelled waiter. Not re-entrant, and owned by nobody: any coroutine may release it. Not
 * thread-safe; it belongs to the loop in which it is used.
 */
public final class LoopLock {

    /** Those who wait, in order; the first one may be done, because it was woken or cancelled, and is about to go on. */
    private final Deque<LoopFuture<@Nullable Void>> waiting = new ArrayDeque<>();

    private boolean locked;

    /** Creates a lock that is free. */
    public LoopLock() {}

    /**
     * Takes the lock, and suspends the coroutine until it is free.
     *
     * @throws CancelledError if the task is cancelled meanwhile; then it does not have the lock
     */
    public void acquire() {
        if (!locked && waiting.stream().allMatch(LoopFuture::isCancelled)) {
            locked = true;
            return;
        }
        LoopFuture<@Nullable Void> turn = EventLoop.getRunningLoop().createFuture();
        waiting.addLast(turn);
        try {
            Async.await(turn);
            locked = true;
        } finally {
            waiting.remove(turn);
            if (!locked) {
                wakeFirst(); // this one was cancelled, perhaps after it had been woken
            }
        }
    }

    /**
     * Releases the lock, to the one who has waited longest.
     *
     * @throws IllegalStateException if nobody has it
     */
    public void release() {
        if (!locked) {
            throw new IllegalStateException(
                    this + " cannot be released: nobody has acquired it. Release it once, in a finally after acquire.");
        }
        locked = false;
        wakeFirst();
    }

    /** Makes the first one go on. If it was cancelled, it will wake the next when it goes on. */
    private void wakeFirst() {
        LoopFuture<@Nullable Void> first = waiting.peekFirst();
        if (first != null && !first.isDone()) {
            first.setResult(null);
        }
    }

    /**
     * Returns whether somebody has the lock. One who was woken to take it has it when it goes on.
     *
     * @return whether it is taken
     */
    public boolean isLocked() {
        return locked;
    }

    @Override
    public String toString() {
        return "LoopLock[" + (locked ? "locked" : "free") + ", waiting=" + waiting.size() + "]";
    }
}
