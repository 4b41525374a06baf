package dev.trestle.loop;

/**
 * A number of permits that coroutines of one loop share: Python's {@code asyncio.Semaphore}, and, as {@link #bounded}, its
 * {@code BoundedSemaphore}.
 *
 * <p>Fair: permits go to those who wait in the order in which they came, and nobody overtakes them. A permit is never lost:
 * one that was granted to a coroutine that is cancelled at the same moment goes to the next. Not thread-safe; it belongs to
 * the loop in which it is used.
 */
public final class LoopSemaphore {

    private final Waiters waiters = new Waiters(this);
    private final int bound;

    /** Those that nobody has; one that was granted to a waiter is taken from here at once. */
    private int permits;

    /**
     * Creates a semaphore. More permits may be released than were acquired.
     *
     * @param permits how many coroutines may have a permit at a time
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
     * Returns a semaphore that refuses to have more permits than at its beginning. So a release too many is found where it
     * is made.
     *
     * @param permits how many coroutines may have a permit at a time
     * @return the semaphore
     * @throws IllegalArgumentException if it is negative
     */
    public static LoopSemaphore bounded(int permits) {
        return new LoopSemaphore(permits, permits);
    }

    /**
     * Takes a permit, and suspends the coroutine until there is one. Returns at once, without suspending, if there is one
     * and nobody else waits.
     *
     * @throws CancelledError if the task is cancelled meanwhile; then it has no permit
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
        } finally { // to all waiters that have come while this one was in the line, as far as the permits go
            boolean more = permits > 0;
            while (more) {
                try {
                    more = grant() && permits > 0;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // nobody else wakes them, and this coroutine may have its permit
                }
            }
        }
    }

    /**
     * Gives a permit back, to the one who has waited longest.
     *
     * @throws IllegalStateException if this semaphore is bounded and has all its permits
     */
    public void release() {
        waiters.checkHere("release");
        if (permits >= bound) {
            throw new IllegalStateException(this + " cannot be released: it has all its permits, so this release is one"
                    + " too many. Release once for each acquire, in a finally.");
        }
        if (!waiters.wakeNext()) { // or the permit goes from one to the other
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
     * @return whether there is no permit, or others wait for one
     */
    public boolean isLocked() {
        return permits == 0 || !waiters.isEmpty();
    }

    /**
     * Returns how many permits are left.
     *
     * @return those that nobody has
     */
    public int available() {
        return permits;
    }

    /**
     * Returns how many coroutines wait for a permit.
     *
     * @return their number
     */
    public int waiting() {
        return waiters.size();
    }

    @Override
    public String toString() {
        return "LoopSemaphore[permits=" + permits + (bound == Integer.MAX_VALUE ? "" : " of " + bound) + ", waiting="
                + waiting() + "]";
    }
}
