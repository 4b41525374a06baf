package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.ShownText;
import dev.trestle.processpool.wire.WireOptions;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamConstraintsException;

/** Turns what Jackson throws into what a user needs to know: which value, where, why, and the way out. */
final class Explanation {

    private static final int LONGEST_PATH = 12;

    /** The most characters of a message about a value that was refused: it may quote what the sender sent. */
    private static final int LONGEST_REASON = 2000;

    private final String subject;
    private final Throwable thrown;
    private final List<JacksonException.Reference> path;
    private final String where;

    private Explanation(String subject, Throwable thrown, IntFunction<String> rootName) {
        this.subject = subject;
        this.thrown = thrown;
        this.path = thrown instanceof JacksonException e ? e.getPath() : List.of();
        this.where = where(rootName);
    }

    /**
     * Explains why something could not be encoded.
     *
     * @param subject such as {@code The call Primes.count(Primes.java:12)}
     * @param thrown the exception
     * @param rootName names the values by number
     * @param hint a further sentence, by the number of the value
     */
    static NotEncodableException notEncodable(
            String subject, Throwable thrown, IntFunction<String> rootName, IntFunction<String> hint) {
        return new Explanation(subject, thrown, rootName).notEncodable(hint);
    }

    /** Explains why something could not be decoded. */
    static NotDecodableException notDecodable(String subject, Throwable thrown) {
        JacksonMismatchException mismatch = find(JacksonMismatchException.class, thrown);
        if (mismatch != null) {
            return new NotDecodableException(
                    subject + " cannot be read: " + mismatch.getMessage(), mismatch.getCause());
        }
        RefusedException refused = find(RefusedException.class, thrown);
        String why = refused != null
                ? refused.typeName() + " " + refused.reason() + "." + spaced(refused.remedy())
                : cause(thrown);
        return new NotDecodableException(
                ShownText.text(subject) + " cannot be read: " + ShownText.beginning(why, LONGEST_REASON),
                shown(thrown));
    }

    /**
     * Returns the exception, for a cause. Exceptions of Jackson keep what was read, and messages quote it: such an
     * exception is replaced by a copy that shows the beginning of each message.
     */
    private static Throwable shown(Throwable thrown) {
        Failure failure = Failure.of(thrown);
        boolean quotes = find(JacksonException.class, thrown) != null;
        for (Failure each = failure; each != null && !quotes; each = each.cause()) {
            String text = each.message();
            quotes = text != null
                    && (text.length() > LONGEST_REASON || !ShownText.text(text).equals(text));
        }
        return quotes ? new ShownException(failure, LONGEST_REASON) : thrown;
    }

    private NotEncodableException notEncodable(IntFunction<String> hint) {
        JacksonMismatchException mismatch = find(JacksonMismatchException.class, thrown);
        if (mismatch != null) {
            return new NotEncodableException(
                    ShownText.text(subject + " cannot travel: " + mismatch.getMessage()),
                    where,
                    "",
                    mismatch.getCause());
        }
        String extra = hasRoot() ? spaced(hint.apply(path.getFirst().getIndex())) : "";
        RefusedException refused = find(RefusedException.class, thrown);
        if (refused != null) {
            return exception(
                    where + " is " + JavaClasses.aOrAn(refused.typeName()) + ", which " + refused.reason() + "."
                            + spaced(refused.remedy()) + extra,
                    refused.typeName());
        }
        Encoding.TooLargeException tooLarge = find(Encoding.TooLargeException.class, thrown);
        if (tooLarge != null) {
            return exception("it " + tooLarge.getMessage(), "");
        }
        if (find(StreamConstraintsException.class, thrown) != null || thrown instanceof StackOverflowError) {
            Object again = repeated();
            return again == null
                    ? exception(
                            where + " nests deeper than " + WireOptions.MAX_DEPTH
                                    + " levels. Pass a list or a map instead of a chain of objects." + extra,
                            "")
                    : exception(
                            where + " leads back to "
                                    + JavaClasses.aOrAn(again.getClass().getName())
                                    + " that it is a part of, and a cycle cannot travel. Refer to objects by a key"
                                    + " instead." + extra,
                            again.getClass().getName());
        }
        return exception(where + " cannot be written: " + cause(thrown) + extra, "");
    }

    private NotEncodableException exception(String why, String typeName) {
        return new NotEncodableException(ShownText.text(subject + " cannot travel: " + why), where, typeName, thrown);
    }

    /** Jackson keeps the end of a path only if it is long. */
    private boolean hasRoot() {
        return !path.isEmpty() && path.getFirst().getIndex() >= 0;
    }

    private String where(IntFunction<String> rootName) {
        if (!hasRoot()) {
            return "a value";
        }
        var text = new StringBuilder(rootName.apply(path.getFirst().getIndex()));
        for (int i = 1; i < path.size(); i++) {
            if (i == LONGEST_PATH) {
                return text.append("...").toString();
            }
            JacksonException.Reference each = path.get(i);
            if (each.getPropertyName() == null) {
                text.append('[').append(each.getIndex()).append(']');
            } else {
                text.append('.').append(each.getPropertyName());
            }
        }
        return text.toString();
    }

    /** Returns the first object that occurs twice on the way, which then leads in a circle. */
    private @Nullable Object repeated() {
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (JacksonException.Reference each : path) {
            Object from = each.from();
            if (from != null && !seen.add(from)) {
                return from;
            }
        }
        return null;
    }

    private static String cause(Throwable thrown) {
        Failure innermost =
                Failure.of(thrown); // the user's exceptions may be among the causes, and their methods may throw
        Throwable ofJackson = thrown;
        Failure cause = innermost.cause();
        while (cause != null && !cause.repeated()) {
            innermost = cause;
            ofJackson = ofJackson instanceof JacksonException ? ofJackson.getCause() : null;
            cause = innermost.cause();
        }
        String message = ofJackson instanceof JacksonException e ? e.getOriginalMessage() : innermost.headline();
        return (message.endsWith(".") ? message : message + ".") + hintFor(innermost);
    }

    private static String hintFor(Failure failure) {
        return failure.className().endsWith(".InaccessibleObjectException")
                        || String.valueOf(failure.message()).contains("\"opens ")
                ? " Open the package in module-info: opens ... to tools.jackson.databind, dev.trestle.processpool."
                : "";
    }

    private static <T extends Throwable> @Nullable T find(Class<T> type, Throwable in) {
        int depth = 0;
        for (Throwable each = in; each != null && depth < 100; each = causeOf(each)) {
            if (type.isInstance(each)) {
                return type.cast(each);
            }
            depth++;
        }
        return null;
    }

    private static @Nullable Throwable causeOf(Throwable thrown) {
        try {
            return thrown.getCause();
        } catch (Throwable e) { // the user's code; what is looked for is not behind it
            return null;
        }
    }

    private static String spaced(String sentences) {
        return sentences.isEmpty() ? "" : " " + sentences;
    }
}
