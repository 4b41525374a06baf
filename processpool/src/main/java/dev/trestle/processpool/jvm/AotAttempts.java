package dev.trestle.processpool.jvm;

import static java.util.regex.Pattern.DOTALL;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The attempts so far to make the AOT cache for a key, as a file next to the caches records them.
 *
 * @param unfinished the attempts in a row that ended with their programs, the one that runs included
 * @param failed the attempts that failed, however much time they had
 * @param why the reason for the last failure
 */
record AotAttempts(int unfinished, int failed, String why) {

    private static final Log logger = Log.of(AotAttempts.class);

    private static final int MOST_FAILED = 2;
    private static final int MOST_BY_SHORT_PROGRAMS = 2;

    /** Ten million minutes are nineteen years. */
    private static final int LARGEST_EXPONENT = 7;

    private static final int MOST_REASON = 500;
    private static final Pattern TEXT =
            Pattern.compile("(\\d{1,6}) unfinished, (\\d{1,6}) failed: ?([^\n]*)\n.*", DOTALL);

    static AotAttempts read(Path notes) throws IOException {
        try {
            Matcher text = TEXT.matcher(Files.readString(notes));
            if (text.matches()) {
                return new AotAttempts(Integer.parseInt(text.group(1)), Integer.parseInt(text.group(2)), text.group(3));
            }
            logger.debug("{} has been cut off, and tells of no attempts", notes);
        } catch (NoSuchFileException e) {
            // No attempt was made yet.
        } catch (CharacterCodingException e) {
            logger.debug("{} is no text, and tells of no attempts", notes, e);
        }
        return new AotAttempts(0, 0, "");
    }

    /** Writes the notes, at once: the program may end at any moment. */
    void write(Path notes) throws IOException {
        Path fresh = notes.resolveSibling(AotStore.freshName());
        try {
            Files.writeString(
                    fresh,
                    unfinished + " unfinished, " + failed + " failed: " + why
                            + "\nThese are the attempts to make an AOT cache. Delete this file to have more.\n");
            AotStore.rename(fresh, notes);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    AotAttempts begun() {
        return new AotAttempts(unfinished + 1, failed, why);
    }

    /** Returns the attempts after one that made progress: the next has less to do. */
    AotAttempts advanced() {
        return new AotAttempts(0, failed, why);
    }

    /** Forgets the attempts, except for failures: a cache that is there may still turn out to do harm. */
    void succeeded(Path notes) throws IOException {
        if (failed == 0) {
            Files.deleteIfExists(notes);
        } else {
            advanced().write(notes);
        }
    }

    AotAttempts failed(String reason) {
        String line = reason.lines().findFirst().orElse("");
        return new AotAttempts(0, failed + 1, line.substring(0, Math.min(line.length(), MOST_REASON)));
    }

    boolean isExhausted() {
        return failed >= MOST_FAILED;
    }

    Optional<Duration> delay(Duration usual) {
        if (isExhausted()) {
            return Optional.empty();
        }
        if (unfinished == 0) {
            return Optional.of(usual);
        }
        if (unfinished < MOST_BY_SHORT_PROGRAMS) {
            return Optional.of(Duration.ZERO);
        }
        int exponent = Math.min(unfinished - MOST_BY_SHORT_PROGRAMS, LARGEST_EXPONENT);
        Duration longer = Duration.ofMinutes((long) Math.pow(10, exponent));
        return Optional.of(longer.compareTo(usual) > 0 ? longer : usual);
    }

    String retryText() {
        return ". The next program tries once more.";
    }

    String noRetryText(Path notes) {
        return ". It is not tried again until the JDK, the class path or the options of workers change, or " + notes
                + " is deleted.";
    }
}
