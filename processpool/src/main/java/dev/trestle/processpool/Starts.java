package dev.trestle.processpool;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How the starts of a pool's workers go, and so when the next ones may begin: at once, or after a pause that gets longer.
 * Guarded by the dispatcher's lock.
 *
 * <p>A worker that dies soon after it got ready, and before it was given a call, is as bad as one that did not start: a
 * pool that keeps some workers alive would do nothing but start them. One such death may be an accident; the second in a row is
 * followed by a pause.
 */
final class Starts {

    /** So many rounds of failed starts, with no worker alive, break the pool. */
    static final int ATTEMPTS = 3;

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    /** A worker that dies after it has been ready for less than this has died early. */
    private static final Duration EARLY = LONGEST_PAUSE;

    /** Those that are started in one round fail together: that counts once. */
    private long round;

    private int failedRounds;
    private int earlyDeaths;

    /** Those that have begun and not ended; they may overlap. */
    private int pauses;

    private long lastNanos;

    /** Returns the number of the round that a worker is started in. */
    long round() {
        return round;
    }

    /** Returns whether no worker is to be started now. */
    boolean arePausing() {
        return pauses > 0;
    }

    void pauseEnds() {
        pauses--;
    }

    /** Returns how long the last worker took to get ready. */
    long lastNanos() {
        return lastNanos;
    }

    void succeeded(long nanos) {
        failedRounds = 0;
        lastNanos = nanos;
    }

    /**
     * Called when a worker could not start.
     *
     * @return how long to pause; empty if that is settled, since another one of its round has failed
     */
    Optional<Duration> failed(long itsRound) {
        if (itsRound != round) {
            return Optional.empty();
        }
        round++;
        failedRounds++;
        return Optional.of(pause(failedRounds));
    }

    /** Returns whether so many have failed that no other will do better. */
    boolean haveFailedForGood() {
        return failedRounds >= ATTEMPTS;
    }

    /** Called when a worker has answered a call. */
    void proved() {
        earlyDeaths = 0;
    }

    /**
     * Called when a worker has died that was never given a call.
     *
     * @return how long to pause; empty if the next one may be started at once
     */
    Optional<Duration> diedIdle(Duration age) {
        if (age.compareTo(EARLY) >= 0 || ++earlyDeaths == 1 || pauses > 0) {
            return Optional.empty();
        }
        return Optional.of(pause(earlyDeaths - 1));
    }

    /** Begins a pause, twice as long each time; a part of it is left to chance, so that pools that fail together part. */
    private Duration pause(int times) {
        pauses++;
        long millis = Math.min(SHORTEST_PAUSE.toMillis() << Math.min(times - 1, 16), LONGEST_PAUSE.toMillis());
        return Duration.ofMillis(ThreadLocalRandom.current().nextLong(millis / 2, millis + 1));
    }
}
