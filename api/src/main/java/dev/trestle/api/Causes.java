package dev.trestle.api;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Makes exceptions around others. The JDK's exceptions take their message from {@code toString()} of the cause, which
 * may be a user's method that throws: then the cause would be lost, and a dependent stage would never end.
 */
final class Causes {

    private Causes() {}

    static ExecutionException execution(Throwable cause) {
        return new ExecutionException(text(cause), cause);
    }

    static CompletionException completion(Throwable cause) {
        return new CompletionException(text(cause), cause);
    }

    /** Returns an exception for a {@code CompletableFuture}: this one, or, if its text fails, one around it. */
    static Throwable completing(Throwable exception) {
        return exception instanceof CompletionException || ownText(exception) != null
                ? exception
                : completion(exception);
    }

    private static String text(Throwable exception) {
        String text = ownText(exception);
        return text == null ? exception.getClass().getName() + " (its toString() gives no text)" : text;
    }

    private static @Nullable String ownText(Throwable exception) {
        try {
            return exception.toString();
        } catch (Throwable e) { // the user's code: what it throws instead of a text is of no interest
            return null;
        }
    }
}
