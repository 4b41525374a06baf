package dev.trestle.examples;

import java.time.Duration;

/**
 * How fast a census is going.
 *
 * @param done how many class files have been dealt with
 * @param total how many there are
 * @param elapsed since when
 * @param workers how many share the work
 */
record Pace(long done, long total, Duration elapsed, int workers) {

    /** Returns the class files per second. */
    long perSecond() {
        return Math.round(done * 1e9 / Math.max(1, elapsed.toNanos()));
    }

    /** Returns the class files per second and worker. */
    long perWorker() {
        return Math.round((double) perSecond() / workers);
    }

    /** Returns the time until the end, if it goes on like this. */
    Duration remaining() {
        return done == 0
                ? Duration.ZERO
                : Duration.ofNanos((long) ((double) elapsed.toNanos() / done * (total - done)));
    }

    /** Returns how much is done, from 0 to 100. */
    int percent() {
        return total == 0 ? 100 : (int) (100 * done / total);
    }
}
