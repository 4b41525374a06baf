package dev.trestle.loop;

/**
 * A lock for coroutines of one loop that must keep others out across an await: Python's {@code asyncio.Lock}. Between two
 * awaits nothing else runs, so most code needs none.
 *
 * <p>Fair, and never lost to a cancelled waiter. Not re-entrant, and owned by nobody: any coroutine may release it. Not
 * thread-safe; it belongs to the loop in which it is used.
 */
public final class LoopLock {

    private final LoopSemaphore permit = new LoopSemaphore(1);

    /** Creates a lock that is free. */
    public LoopLock() {}

    /**
     * Takes the lock, and suspends the coroutine until it is free.
     *
     * @throws CancelledError if the task is cancelled meanwhile; then it does not have the lock
     */
    public void acquire() {
        permit.acquire();
    }

    /**
     * Releases the lock, to the one who has waited longest.
     *
     * @throws IllegalStateException if nobody has it
     */
    public void release() {
        if (permit.available() > 0) {
            throw new IllegalStateException(
                    this + " cannot be released: nobody has acquired it. Release it once, in a finally after acquire.");
        }
        permit.release();
    }

    /**
     * Returns whether somebody has the lock.
     *
     * @return whether it is taken
     */
    public boolean isLocked() {
        return permit.available() == 0;
    }

    @Override
    public String toString() {
        return "LoopLock[" + (isLocked() ? "locked" : "free") + ", waiting=" + permit.waiting() + "]";
    }
}
