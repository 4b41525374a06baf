package dev.trestle.loop;

/**
 * A number of permits that coroutines of one loop share: Python's {@code asyncio.Semaphore}, and, as {@link #bounded},
 * its {@code BoundedSemaphore}.
 *
 * <p>Fair: permits go to waiting coroutines in FIFO order. A permit is never lost: a permit that was granted to a
 * coroutine that is cancelled at the same moment goes to the next. Not thread-safe; it belongs to the loop in which it
 * is used.
 */
public final class LoopSemaphore {

    /**
     * A snapshot of a semaphore's numbers.
     *
     * @param available the number of free permits
     * @param waiting the number of coroutines that wait for a permit
     */
    public record Statistics(int available, int waiting) {}

    private final Waiters waiters = new Waiters(this);
    private final int bound;

    /** The free permits; a permit that was granted to a waiter is subtracted at once. */
    private int permits;

    /**
     * Creates a semaphore. More permits may be released than were acquired.
     *
     * @param permits the number of coroutines that may hold a permit at a time
     * @throws IllegalArgumentException if it is negative
     */
    public LoopSemaphore(int permits) {
        this(permits, Integer.MAX_VALUE);
    }

    private LoopSemaphore(int permits, int bound) {
        if (permits < 0) {
            throw new IllegalArgumentException("A semaphore needs 0 permits or more: " + permits);
        }
        this.permits = permits;
        this.bound = bound;
    }

    /**
     * Returns a semaphore that refuses to have more permits than at its beginning. So a superfluous release is found
     * where it is made.
     *
     * @param permits the number of coroutines that may hold a permit at a time
     * @return the semaphore
     * @throws IllegalArgumentException if it is negative
     */
    public static LoopSemaphore bounded(int permits) {
        return new LoopSemaphore(permits, permits);
    }

    /**
     * Takes a permit, and suspends the coroutine until a permit is free. Returns at once, without suspending, if a
     * permit is free and no coroutine waits.
     *
     * @throws CancelledError if the task is cancelled while it waits; then it has no permit
     * @throws IllegalStateException if this is not a coroutine of the loop in which the semaphore is used
     */
    public void acquire() {
        waiters.enter();
        if (!isLocked()) {
            permits--;
            return;
        }
        Waiters.Turn turn = waiters.turn();
        try {
            waiters.await(turn);
        } catch (Throwable e) {
            if (turn.woken) {
                permits++; // granted and cancelled at the same moment
            }
            throw e;
        } finally { // wakes all that arrived while this one was in the line, as far as the permits go
            boolean more = permits > 0;
            while (more) {
                try {
                    more = grant() && permits > 0;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // no other call wakes them, and this coroutine may have its permit
                }
            }
        }
    }

    /**
     * Releases a permit, to the coroutine that has waited longest.
     *
     * @throws IllegalStateException if this semaphore is bounded and has all its permits
     */
    public void release() {
        waiters.checkHere("release");
        if (permits >= bound) {
            throw new IllegalStateException(this + " cannot be released: it has all its permits, so this release is one"
                    + " too many. Release once for each acquire, in a finally.");
        }
        if (!waiters.wakeNext()) { // else the permit goes straight to a waiter
            permits++;
        }
    }

    private boolean grant() {
        boolean granted = waiters.wakeNext();
        if (granted) {
            permits--;
        }
        return granted;
    }

    /**
     * Returns whether {@code acquire} would suspend.
     *
     * @return whether no permit is free, or coroutines wait for one
     */
    public boolean isLocked() {
        return permits == 0 || !waiters.isEmpty();
    }

    /**
     * Returns the number of free permits.
     *
     * @return the permits that no coroutine holds
     */
    public int available() {
        return permits;
    }

    /**
     * Returns the number of coroutines that wait for a permit.
     *
     * @return their number
     */
    public int waiting() {
        return waiters.size();
    }

    /**
     * Returns the numbers of this semaphore. May be called from any thread: on a thread that is not the loop's, the
     * numbers may be a moment old, and need not be of the same moment.
     *
     * @return a snapshot
     */
    public Statistics statistics() {
        return new Statistics(permits, waiting());
    }

    @Override
    public String toString() {
        return "LoopSemaphore[permits=" + permits + (bound == Integer.MAX_VALUE ? "" : " of " + bound) + ", waiting="
                + waiting() + "]";
    }
}
