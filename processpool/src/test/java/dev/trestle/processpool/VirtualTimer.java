package dev.trestle.processpool;

import java.time.Duration;

/** A timer whose time a test moves. Tasks run on the thread of the test. */
final class VirtualTimer extends Timer {

    private long now;

    VirtualTimer() {
        super("virtual");
    }

    @Override
    void startThread() {
        // The test runs what is due.
    }

    @Override
    long nanoTime() {
        return now;
    }

    /** Lets time pass, and does nothing. */
    void pass(Duration time) {
        now += time.toNanos();
    }

    /** Lets time pass, and does what is due meanwhile. */
    void advance(Duration time) {
        long until = now + time.toNanos();
        for (Task due = takeDueAt(until); due != null; due = takeDueAt(until)) {
            now = Math.max(now, due.at());
            due.run();
        }
        now = until;
    }
}
