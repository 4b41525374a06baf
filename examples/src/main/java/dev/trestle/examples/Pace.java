package dev.trestle.examples;

import java.time.Duration;

/**
 * The speed of a census.
 *
 * @param done the number of class files that have been processed
 * @param total the number of all class files
 * @param elapsed since when
 * @param workers the number of workers that share the work
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

    /** Returns the time until the end, at the present speed. */
    Duration remaining() {
        return done == 0
                ? Duration.ZERO
                : Duration.ofNanos((long) ((double) elapsed.toNanos() / done * (total - done)));
    }

    /** Returns the part that is done, from 0 to 100. */
    int percent() {
        return total == 0 ? 100 : (int) (100 * done / total);
    }
}
