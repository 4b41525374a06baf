package dev.trestle.processpool;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * A back-off for the starts of a pool's workers: the next ones may begin at once, or after a pause that gets
 * longer; and whether there is any hope left. Guarded by the dispatcher's lock.
 *
 * <p>A worker that dies soon after it got ready, and before it was given a call, is as bad as one that did not start: a
 * pool that keeps some workers alive would do nothing but start them. One such death may be an accident; the second in
 * a row is followed by a pause.
 */
final class StartBackoff {

    /*
     * The things that a start needs may be away for a while: a directory, memory, a place in the table of processes,
     * the JDK during an upgrade. So there is hope as long as a worker lives, and for the patience of the pool after
     * that: it counts from the first start that failed while no worker was ready, and anew when no start was tried for
     * longer than the longest pause. Only a complaint of the JVM about its options does not go away by waiting.
     */

    /** The smallest number of rounds of failed starts, with no worker alive, that breaks the pool. */
    static final int ATTEMPTS = 3;

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    /** A worker that dies after it has been ready for less than this has died early. */
    private static final Duration EARLY = LONGEST_PAUSE;

    private static final int JVM_REFUSED = 1;

    /** The output of a JVM that will never start with the options that it was given. */
    private static final Pattern WRONG_OPTION =
            Pattern.compile("Unrecognized (VM )?option|Improperly specified VM option"
                    + "|Invalid \\w+ heap size|Initial heap size set to a larger value|Too small \\w+ heap"
                    + "|stack size specified is too small|Multiple garbage collectors selected|can not be combined with"
                    + "|requires modules to be specified");

    /** The message of the system, or of a JVM, when there is no memory for another process. */
    private static final Pattern NO_MEMORY =
            Pattern.compile("Cannot allocate memory|Could not reserve enough space|insufficient memory");

    /** The message of the system, or of a JVM, when a limit forbids another process or thread. */
    private static final Pattern NO_PROCESS =
            Pattern.compile("Resource temporarily unavailable|unable to create native thread|EAGAIN");

    /**
     * The start of one worker.
     *
     * @param round the number of its round
     * @param at the time at which it began, as of {@link System#nanoTime}
     */
    record Attempt(long round, long at) {}

    private final Duration patience;

    /** The number of the current round. Workers that are started in one round fail together, which counts once. */
    private long round;

    private int failedRounds;
    private int earlyDeaths;

    // Since no worker is ready
    private boolean failing;
    private long failingSince;
    private long failingUntil;
    private int failedAlone;
    private int refusedAlone;

    /** The number of pauses that have begun and not ended; pauses may overlap. */
    private int pauses;

    private long lastNanos;

    /**
     * Creates the record of a pool that has started no worker.
     *
     * @param patience the time for which starts may fail while no worker is ready
     */
    StartBackoff(Duration patience) {
        this.patience = patience;
    }

    /** Returns the start of a worker that begins now. */
    Attempt begun(long now) {
        return new Attempt(round, now);
    }

    /** Returns whether no worker is to be started now. */
    boolean arePausing() {
        return pauses > 0;
    }

    void pauseEnds() {
        pauses--;
    }

    /** Returns the time that the last worker took to get ready. */
    long lastNanos() {
        return lastNanos;
    }

    void succeeded(Attempt attempt, long now) {
        failedRounds = 0;
        failing = false;
        lastNanos = now - attempt.at;
    }

    /**
     * Called when a worker could not start.
     *
     * @param alone whether no other worker is ready
     * @param refused whether its JVM refused its options
     * @param now the time, as of {@link System#nanoTime}
     * @return the pause; empty if that is settled, since another one of its round has failed
     */
    Optional<Duration> failed(Attempt attempt, boolean alone, boolean refused, long now) {
        boolean first = attempt.round == round;
        if (!alone) {
            failing = false;
        } else if (!failing || attempt.at - failingUntil > 2 * LONGEST_PAUSE.toNanos()) {
            failing = true;
            failingSince = now;
            failedAlone = 1;
            refusedAlone = refused ? 1 : 0;
        } else if (first) {
            failedAlone++;
            refusedAlone += refused ? 1 : 0;
        }
        failingUntil = now;
        if (!first) {
            return Optional.empty();
        }
        round++;
        failedRounds++;
        Duration pause = pauseAfter(failedRounds);
        return begin(failing ? atMost(pause, patience.minus(failingFor())) : pause);
    }

    /** Shortens a pause that would last longer than the patience. */
    private static Duration atMost(Duration pause, Duration left) {
        return pause.compareTo(left) <= 0 || left.compareTo(SHORTEST_PAUSE) < 0 ? pause : left;
    }

    /** Returns whether starts have failed so often, and for so long, that no other will do better. */
    boolean haveFailedForGood() {
        return failing
                && failedAlone >= ATTEMPTS
                && (refusedAlone == failedAlone || failingFor().compareTo(patience) >= 0);
    }

    private Duration failingFor() {
        return Duration.ofNanos(failingUntil - failingSince);
    }

    /** Returns the number of failed starts and their time, as the end of a sentence. */
    String failures() {
        return failedAlone + " times in a row within " + failingFor().truncatedTo(ChronoUnit.MILLIS);
    }

    /**
     * Returns whether a JVM has refused its options: then no other attempt will do better.
     *
     * @param exitCode its exit code, if it had one
     * @param said the text that it had printed
     */
    static boolean refusedOptions(OptionalInt exitCode, String said) {
        return exitCode.orElse(0) == JVM_REFUSED && WRONG_OPTION.matcher(said).find();
    }

    /**
     * Returns the remedy for a limit of the system that has kept a worker from starting, as a sentence with a space
     * before it; empty if there is nothing to say.
     *
     * @param said the message of the system or the JVM
     */
    static String advice(String said) {
        if (NO_MEMORY.matcher(said).find()) {
            return " There is too little memory for another JVM, or a limit forbids it (ulimit -v, or that of the"
                    + " container): have fewer workers, or give each a smaller heap (Builder.heap).";
        }
        if (NO_PROCESS.matcher(said).find()) {
            return " The system allows no further process or thread: raise the limit (processLimit, which counts all"
                    + " processes and threads of the user, ulimit -u, or the pids limit of the container), or have"
                    + " fewer workers.";
        }
        return "";
    }

    /** Called when a worker has answered a call. */
    void proved() {
        earlyDeaths = 0;
    }

    /**
     * Called when a worker has died that was never given a call.
     *
     * @return the pause; empty if the next one may be started at once
     */
    Optional<Duration> diedIdle(Duration age) {
        if (age.compareTo(EARLY) >= 0 || ++earlyDeaths == 1 || pauses > 0) {
            return Optional.empty();
        }
        return begin(pauseAfter(earlyDeaths - 1));
    }

    private Optional<Duration> begin(Duration pause) {
        Optional<Duration> begun = Optional.of(pause);
        pauses++; // last: after an error no code would end the pause
        return begun;
    }

    /**
     * Returns the next pause, twice as long each time; a part is left to chance, so that pools that fail together
     * part.
     */
    private static Duration pauseAfter(int times) {
        long millis = Math.min(SHORTEST_PAUSE.toMillis() << Math.min(times - 1, 16), LONGEST_PAUSE.toMillis());
        return Duration.ofMillis(ThreadLocalRandom.current().nextLong(millis / 2, millis + 1));
    }
}
