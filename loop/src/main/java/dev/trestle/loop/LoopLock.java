package dev.trestle.loop;

/**
 * A lock for coroutines of one loop that must exclude others across an await: Python's {@code asyncio.Lock}. Between
 * two awaits nothing else runs, so most code needs no lock.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="lock"}
 *
 * <p>Fair: waiters are served in FIFO order, and a cancelled waiter never keeps the lock. Not re-entrant, and without
 * an owner: any coroutine may release it. For a time limit, see {@link Async#timeout}. Not thread-safe; it belongs to
 * the loop in which it is used.
 */
public final class LoopLock {

    /**
     * A snapshot of a lock's numbers.
     *
     * @param locked whether the lock is held
     * @param waiting the number of coroutines that wait for the lock
     */
    public record Statistics(boolean locked, int waiting) {}

    private final Waiters waiters = new Waiters(this);
    private boolean locked;

    /** Creates a lock that is free. */
    public LoopLock() {}

    /**
     * Takes the lock, and suspends the coroutine until the lock is free. Returns at once, without suspending, if the
     * lock is free and no coroutine waits for it.
     *
     * @throws CancelledError if the task is cancelled while it waits; then it does not have the lock
     * @throws IllegalStateException if this is not a coroutine of the loop in which the lock is used
     */
    public void acquire() {
        waiters.enter();
        if (!locked && waiters.isEmpty()) {
            locked = true;
            return;
        }
        Waiters.Turn turn = waiters.turn();
        try {
            waiters.await(turn);
        } catch (Throwable e) {
            boolean passedOn = locked;
            while (!passedOn) {
                try {
                    wakeFirst(); // this one was first in the line, and does not take it
                    passedOn = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // no other code wakes the next waiter
                }
            }
            throw e;
        }
        locked = true;
    }

    /**
     * Releases the lock. The coroutine that has waited longest goes on, in the next turn.
     *
     * @throws IllegalStateException if the lock is not held
     */
    public void release() {
        waiters.checkHere("release");
        if (!locked) {
            throw new IllegalStateException(
                    this + " cannot be released: it is not held. Release it once, in a finally after acquire.");
        }
        wakeFirst(); // runs later; if this fails, nothing has changed
        locked = false;
    }

    /** Refuses a change of what this lock guards on a thread outside of the loop in which the lock is used. */
    void checkHere(String what) {
        waiters.checkHere(what);
    }

    /**
     * Wakes the first waiter, unless a waiter was woken or cancelled and has not run yet: that waiter takes the lock,
     * or calls this method again.
     */
    private void wakeFirst() {
        if (waiters.woken() == 0) {
            waiters.wakeFirst();
        }
    }

    /**
     * Returns whether the lock is held. Between a release and the turn of the next waiter the lock is not held, but no
     * other coroutine can take it either.
     *
     * @return whether it is taken
     */
    public boolean isLocked() {
        return locked;
    }

    /**
     * Returns the number of coroutines that wait for the lock.
     *
     * @return their number
     */
    public int waiting() {
        return waiters.size();
    }

    /**
     * Returns the numbers of this lock. May be called from any thread: on a thread that is not the loop's, the numbers
     * may be a moment old, and need not be of the same moment.
     *
     * @return a snapshot
     */
    public Statistics statistics() {
        return new Statistics(locked, waiting());
    }

    @Override
    public String toString() {
        return "LoopLock[" + (locked ? "locked" : "free") + ", waiting=" + waiting() + "]";
    }
}
