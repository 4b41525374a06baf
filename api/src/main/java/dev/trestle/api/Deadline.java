package dev.trestle.api;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A point in time that may never come.
 *
 * @param timeout what was asked for; {@code null} for no limit
 * @param nanoTime when it is over, by {@link System#nanoTime()}
 */
record Deadline(@Nullable Duration timeout, long nanoTime) {

    static Deadline in(@Nullable Duration timeout) {
        return new Deadline(timeout, timeout == null ? 0 : System.nanoTime() + nanos(timeout));
    }

    /** Returns the nanoseconds left, zero if it is over. */
    long left() {
        return timeout == null ? Long.MAX_VALUE : Math.max(0, nanoTime - System.nanoTime());
    }

    /** Returns a duration in nanoseconds, cut to what can be added to the clock: 146 years. */
    static long nanos(Duration duration) {
        long longest = Long.MAX_VALUE / 2;
        if (duration.isNegative()) {
            return 0;
        }
        return duration.compareTo(Duration.ofNanos(longest)) > 0 ? longest : duration.toNanos();
    }

    @Override
    public String toString() {
        return timeout == null ? "no time limit" : timeout.toString();
    }
}
