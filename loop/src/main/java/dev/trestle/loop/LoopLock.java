package dev.trestle.loop;

/**
 * A lock for coroutines of one loop that must keep others out across an await: Python's {@code asyncio.Lock}. Between two
 * awaits nothing else runs, so most code needs none.
 *
 * {@snippet :
 * lock.acquire();
 * try {
 *     send(request);       // awaits
 *     return receive();    // awaits
 * } finally {
 *     lock.release();
 * }
 * }
 *
 * <p>Fair: nobody overtakes who waits. Never lost to a waiter that is cancelled. Not re-entrant, and owned by nobody: any
 * coroutine may release it. Without a time limit of its own; see {@link Async#timeout}. Not thread-safe; it belongs to the
 * loop in which it is used.
 */
public final class LoopLock {

    private final Waiters waiters = new Waiters(this);
    private boolean locked;

    /** Creates a lock that is free. */
    public LoopLock() {}

    /**
     * Takes the lock, and suspends the coroutine until it is free. Returns at once, without suspending, if it is free and
     * nobody else waits for it.
     *
     * @throws CancelledError if the task is cancelled meanwhile; then it does not have the lock
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
            if (!locked) {
                wakeFirst(); // this one was first in the line, and does not take it
            }
            throw e;
        }
        locked = true;
    }

    /**
     * Releases the lock. The one who has waited longest goes on, in the next turn.
     *
     * @throws IllegalStateException if nobody has it
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

    /** Wakes the first, unless one was woken or cancelled and has not run yet: it takes the lock, or comes here again. */
    private void wakeFirst() {
        if (waiters.woken() == 0) {
            waiters.wakeFirst();
        }
    }

    /**
     * Returns whether somebody has the lock. Between its release and the turn of the one who was waiting nobody has it, but
     * nobody else can take it either.
     *
     * @return whether it is taken
     */
    public boolean isLocked() {
        return locked;
    }

    /**
     * Returns how many coroutines wait for the lock.
     *
     * @return their number
     */
    public int waiting() {
        return waiters.size();
    }

    @Override
    public String toString() {
        return "LoopLock[" + (locked ? "locked" : "free") + ", waiting=" + waiting() + "]";
    }
}
