package dev.trestle.loop;

/**
 * The source of a loop's time. It need not be thread-safe: a loop asks its clock in its constructor, and then only on
 * the one thread that may use the loop at that moment. While the loop runs, this is the thread of the running callback
 * or coroutine, or the loop's own thread if none is running. A clock that several loops share is asked by all their
 * threads.
 *
 * <p>A clock may go faster or slower than the machine's, and may jump forward. A loop that sleeps with such a clock
 * asks for the time every 1 to 50 ms of the machine's time, and more often the nearer its first timer is. So a timer is
 * at most 50 ms of the machine's time late, and usually 1 ms.
 *
 * <p>If a method throws, the loop logs the exception once and goes on with the last time that the clock gave, until the
 * clock works again. {@link EventLoop#time} and other methods that a program calls throw the exception.
 */
public interface LoopClock {

    /**
     * Returns the time.
     *
     * @return nanoseconds since a fixed moment; never less than at an earlier call
     */
    long nanos();

    /**
     * Called when the loop has nothing to do before a moment. A virtual clock jumps there.
     *
     * @param nanos the moment, as of {@link #nanos()}
     * @return true if the clock has jumped to that moment; if false, the loop sleeps until then
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
