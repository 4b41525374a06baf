package dev.trestle.loop;

/**
 * An event that coroutines of one loop wait for together: Python's {@code asyncio.Event}. Not thread-safe; it belongs
 * to the loop in which it is used.
 */
public final class LoopEvent {

    private final Waiters waiters = new Waiters(this);
    private boolean set;

    /** Creates an event that is not set. */
    public LoopEvent() {}

    /**
     * Suspends the coroutine until the event is set; returns at once, without suspending, if the event is set.
     *
     * @throws CancelledError if the task is cancelled while it waits
     * @throws IllegalStateException if this is not a coroutine of the loop in which the event is used
     */
    public void await() {
        waiters.enter();
        if (!set) {
            waiters.await(waiters.turn());
        }
    }

    /** Sets the event. All waiting coroutines go on, in FIFO order, even if the event is cleared at once. */
    public void set() {
        waiters.checkHere("set");
        if (!set) {
            waiters.wakeAll(); // they run later; if this fails, it is to be called again
            set = true;
        }
    }

    /** Clears the event, so that later callers of {@link #await} wait again. */
    public void clear() {
        waiters.checkHere("clear");
        set = false;
    }

    /**
     * Returns whether the event is set.
     *
     * @return whether it is set
     */
    public boolean isSet() {
        return set;
    }

    /**
     * Returns the number of coroutines that wait for the event.
     *
     * @return their number
     */
    public int waiting() {
        return waiters.size();
    }

    @Override
    public String toString() {
        return "LoopEvent[" + (set ? "set" : "not set") + ", waiting=" + waiting() + "]";
    }
}
