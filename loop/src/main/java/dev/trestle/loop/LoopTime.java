package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.function.Supplier;

/**
 * The time of one loop, in nanoseconds since the loop was created, as its clock says. Confined to the holder of the
 * baton; while the loop does not run, to the loop's owner.
 */
final class LoopTime {

    /**
     * The number of looks at a clock that is not the machine's, while the driver sleeps until the first timer is due.
     */
    private static final int LOOKS = 16;

    /** The end of time: what is due then or later is never due, except in virtual time. */
    static final long END = TimeLimit.nanos(ChronoUnit.FOREVER.getDuration());

    private static final long SHORTEST_SLEEP = 1_000_000;
    private static final long LONGEST_SLEEP = 50_000_000;

    private final LoopClock clock;
    private final long origin;
    private final Supplier<String> loopText;

    /** The last time that {@link #nanosOrLast} has returned. */
    private long last;

    /** True if the clock has failed, which was logged, and has not worked since. */
    private boolean failed;

    LoopTime(LoopClock clock, Supplier<String> loopText) {
        this.clock = clock;
        this.origin = clock.nanos();
        this.loopText = loopText;
    }

    /**
     * Returns the nanoseconds of a delay that a caller gives, at most 73 years.
     *
     * @throws IllegalArgumentException if the delay is negative
     */
    static long nanosOf(Duration delay) {
        if (delay.isNegative()) {
            throw new IllegalArgumentException("The delay is negative: " + delay
                    + ". Use Duration.ZERO, or a point in time, which may have passed: callAt(when, ...).");
        }
        return TimeLimit.nanos(delay);
    }

    /** Returns the time; throws what the clock throws. */
    long nanos() {
        return clock.nanos() - origin;
    }

    /** Returns the time after a delay of any length; throws what the clock throws. */
    long nanosAfter(Duration delay) {
        return nanos() + TimeLimit.nanos(delay);
    }

    /** Returns the time; if the clock fails, logs that once and returns what this method has returned last. */
    long nanosOrLast() {
        try {
            last = nanos();
            failed = false;
        } catch (Throwable e) {
            onFailure(e);
        }
        return last;
    }

    /** Tells the clock to jump to a time. Returns false if the clock does not jump, or fails, which is logged once. */
    boolean jumpTo(long nanos) {
        try {
            return clock.jumpTo(nanos + origin);
        } catch (Throwable e) {
            onFailure(e);
            return false;
        }
    }

    private void onFailure(Throwable failure) {
        if (!failed) {
            failed = true;
            Log.log(
                    ERROR,
                    () -> "The clock of " + loopText.get() + " failed; until it works again, no time passes",
                    failure);
        }
    }

    /** Returns whether this time stands still while the loop sleeps. */
    boolean isVirtual() {
        return clock instanceof VirtualClock;
    }

    /** Returns the time for which the driver may sleep, by the machine's clock, before it asks this clock again. */
    long sleepNanos(long untilDue) {
        return clock == SystemClock.INSTANCE ? untilDue : Math.clamp(untilDue / LOOKS, SHORTEST_SLEEP, LONGEST_SLEEP);
    }
}
