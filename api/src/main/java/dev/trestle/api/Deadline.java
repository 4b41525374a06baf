package dev.trestle.api;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A point in time that may never come.
 *
 * @param timeout the time limit as given; {@code null} for no limit
 * @param nanoTime the end, by {@link System#nanoTime()}
 */
record Deadline(@Nullable Duration timeout, long nanoTime) {

    static Deadline in(@Nullable Duration timeout) {
        return new Deadline(timeout, timeout == null ? 0 : System.nanoTime() + TimeLimit.nanos(timeout));
    }

    /** Returns the nanoseconds left, or zero if the deadline has passed. */
    long left() {
        return timeout == null ? Long.MAX_VALUE : Math.max(0, nanoTime - System.nanoTime());
    }

    @Override
    public String toString() {
        return timeout == null ? "no time limit" : timeout.toString();
    }
}
