package dev.trestle.loop;

import dev.trestle.api.TimeLimit;
import java.time.Duration;

/**
 * A clock for tests: it stands still while the loop has something to do, and jumps to the next timer when it has not.
 * So a program that sleeps for hours runs in milliseconds, and always in the same order.
 *
 * <p>While a {@code blocking} call runs, or work for which the loop waits runs elsewhere ({@code Bridge.toThread},
 * {@code Bridge.runInExecutor}, {@link LoopPromise#ofWork}), the clock does not jump: such work takes no virtual time.
 * The clock does not wait for other threads, such as those behind {@code Bridge.wrapFuture}, whose outcome may depend
 * on the passing of time; but while the loop waits for one of these futures, the clock does not jump to the end of
 * time, 73 years after the beginning, for a timer that is never due.
 *
 * <p>The module {@code trestle-testkit} runs coroutines on such a clock, and fails where nothing can happen any more.
 */
public final class VirtualClock implements LoopClock {

    /** The latest time; it leaves room for a timer beyond it. */
    private static final long LATEST = Long.MAX_VALUE / 2;

    private long now;

    /** Creates a clock that shows zero. */
    public VirtualClock() {}

    @Override
    public long nanos() {
        return now;
    }

    @Override
    public boolean jumpTo(long nanos) {
        now = Math.max(now, nanos);
        return true;
    }

    /**
     * Moves the time forward by hand, by 146 years at most.
     *
     * @param duration the time to add
     */
    public void advance(Duration duration) {
        now = Math.min(LATEST, now + TimeLimit.nanos(duration));
    }

    /**
     * Returns the time since this clock was created.
     *
     * @return the virtual time
     */
    public Duration elapsed() {
        return Duration.ofNanos(now);
    }

    @Override
    public String toString() {
        return "VirtualClock[" + elapsed() + "]";
    }
}
