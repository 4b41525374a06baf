package dev.trestle.examples;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A stand-in for slow work on a thread. The length of a second can be set, to see the end sooner. */
final class Pause {

    private static final Duration SECOND = Duration.parse(System.getProperty("trestle.examples.second", "PT1S"));

    private Pause() {}

    /** Keeps the calling thread waiting. */
    static void seconds(int seconds) throws InterruptedException {
        var never = new CountDownLatch(1);
        var _ = never.await(SECOND.multipliedBy(seconds).toNanos(), TimeUnit.NANOSECONDS);
    }
}
