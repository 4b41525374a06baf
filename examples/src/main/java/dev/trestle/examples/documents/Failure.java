package dev.trestle.examples.documents;

import static dev.trestle.examples.documents.Failure.Kind.CRASHED;
import static dev.trestle.examples.documents.Failure.Kind.OUT_OF_MEMORY;
import static dev.trestle.examples.documents.Failure.Kind.TIMED_OUT;
import static dev.trestle.examples.documents.Failure.Kind.UNAVAILABLE;
import static java.util.Objects.requireNonNullElse;

import dev.trestle.processpool.WorkerDiedException;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The reason why there is no preview of an upload.
 *
 * @param kind the kind of failure
 * @param words a sentence for the sender of the file
 */
record Failure(Kind kind, String words) implements Result {

    /** A kind of failure. */
    enum Kind {
        /** The content is of no format that the server reads. */
        NOT_A_DOCUMENT,
        /** The content breaks the rules of its format. */
        DAMAGED,
        /** The document needs a password. */
        LOCKED,
        /** The file has too many bytes, or the image too many pixels. */
        TOO_LARGE,
        /** Reading the document exceeded the time limit. */
        TIMED_OUT,
        /** Reading the document needed more memory than a worker has. */
        OUT_OF_MEMORY,
        /** Reading the document killed its worker. */
        CRASHED,
        /** The server has more uploads than it takes at a time, or is about to end. */
        BUSY,
        /** No worker could be started. */
        UNAVAILABLE;

        /** Returns the name as the page knows it: {@code not-a-document}. */
        String code() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private static final Pattern SIGNAL = Pattern.compile("\\bSIG[A-Z]+\\b");

    /** Returns the failure that the exception of a call stands for. */
    static Failure of(Throwable exception, Duration timeLimit) {
        return switch (exception) {
            case CompletionException e when e.getCause() != null -> of(e.getCause(), timeLimit);
            case TimeoutException _ ->
                new Failure(
                        TIMED_OUT, "Reading it took more than " + seconds(timeLimit) + ", so its worker was stopped.");
            case WorkerDiedException e
            when e.outOfMemory() ->
                new Failure(
                        OUT_OF_MEMORY, "Reading it needed more memory than a worker may have, so its worker ended.");
            case WorkerDiedException e ->
                new Failure(CRASHED, "Reading it crashed its worker (" + end(e) + "). Another worker took its place.");
            default -> new Failure(UNAVAILABLE, "The server could not read it: " + exception.getMessage());
        };
    }

    /** Returns the signal that ended a worker, which the head of the JVM's crash log names too, or its exit code. */
    private static String end(WorkerDiedException death) {
        return death.signal().orElseGet(() -> {
            Matcher crash = SIGNAL.matcher(requireNonNullElse(death.getMessage(), ""));
            return crash.find()
                    ? crash.group()
                    : "exit code " + death.exitCode().orElse(-1);
        });
    }

    private static String seconds(Duration time) {
        double seconds = time.toMillis() / 1000.0;
        return seconds == 1
                ? "1 second"
                : (seconds == Math.rint(seconds) ? String.valueOf((long) seconds) : String.valueOf(seconds))
                        + " seconds";
    }
}
