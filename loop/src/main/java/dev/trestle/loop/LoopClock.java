package dev.trestle.loop;

/**
 * Where a loop's time comes from. It need not be thread-safe: a loop asks its clock in its constructor, and then only on the one
 * thread that may use the loop at that moment. While the loop runs, that is the thread of the callback or coroutine that runs, or
 * the loop's own thread while none does. A clock that several loops share is asked by all their threads.
 *
 * <p>A clock may go faster or slower than the machine's, and may jump forward. A loop that sleeps with such a clock asks for the time
 * every 1 to 50 ms of the machine's time: the more often, the nearer its first timer is. So a timer is at most 50 ms of the machine's
 * time late, and usually one.
 *
 * <p>If a method throws, the loop logs the exception once and goes on with the time that it knows, until the clock works again.
 * {@link EventLoop#time} and other methods that a program calls throw the exception.
 */
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
