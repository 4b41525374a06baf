package dev.trestle.loop;

/** Where a loop's time comes from. Called by the loop only, on the thread that holds its baton. */
public interface LoopClock {

    /**
     * Returns the time.
     *
     * @return nanoseconds since some fixed moment; never less than before
     */
    long nanos();

    /**
     * Called when the loop has nothing to do before a moment. A clock that is told the time jumps there.
     *
     * @param nanos the moment, as of {@link #nanos()}
     * @return whether the time is now that moment; if not, the loop sleeps until then
     */
    boolean jumpTo(long nanos);

    /**
     * Returns the clock of the machine, which never jumps.
     *
     * @return a monotonic clock
     */
    static LoopClock system() {
        return SystemClock.INSTANCE;
    }
}
