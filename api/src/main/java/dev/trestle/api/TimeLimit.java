package dev.trestle.api;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Converts time limits of any length and unit, {@link java.time.temporal.ChronoUnit#FOREVER} included. A limit too long
 * for a clock of nanoseconds is cut to 73 years. For code that implements executors and waits.
 */
public final class TimeLimit {

    /** The longest limit; it may be added to any reading of a clock and to another limit. */
    private static final long LONGEST_NANOS = Long.MAX_VALUE / 4;

    private static final Duration LONGEST = Duration.ofNanos(LONGEST_NANOS);

    private static final Duration LONGEST_NEGATIVE = Duration.ofNanos(-LONGEST_NANOS);

    private TimeLimit() {}

    /**
     * Returns a duration in nanoseconds.
     *
     * @param duration any duration, negative ones included
     * @return the nanoseconds, at most 73 years in either direction
     */
    public static long nanos(Duration duration) {
        return cut(duration).toNanos();
    }

    /**
     * Returns an amount of time as a duration.
     *
     * @param amount any amount, negative ones included
     * @param unit its unit
     * @return the duration, at most 73 years in either direction
     */
    public static Duration of(long amount, TimeUnit unit) {
        return cut(Duration.ofNanos(unit.toNanos(amount))); // which saturates
    }

    /**
     * Returns a duration that can be added to another one and to any reading of a clock of nanoseconds.
     *
     * @param duration any duration, negative ones included
     * @return the duration, at most 73 years in either direction
     */
    public static Duration cut(Duration duration) {
        if (duration.compareTo(LONGEST) > 0) {
            return LONGEST;
        }
        return duration.compareTo(LONGEST_NEGATIVE) < 0 ? LONGEST_NEGATIVE : duration;
    }
}
