package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.ShownText;
import org.jspecify.annotations.Nullable;

/** A copy of an exception whose messages quote what was read: they are cut, and show control characters. */
final class ShownException extends RuntimeException {

    private static final long serialVersionUID = 1;

    ShownException(Failure failure, int longest) {
        super(ShownText.beginning(failure.headline(), longest), causeOf(failure, longest));
        setStackTrace(failure.stack().toArray(StackTraceElement[]::new));
    }

    private static @Nullable ShownException causeOf(Failure failure, int longest) {
        Failure cause = failure.cause();
        return cause == null ? null : new ShownException(cause, longest);
    }

    @Override
    @SuppressWarnings("OverrideThrowableToString") // the message begins with the class that was thrown
    public String toString() {
        return String.valueOf(getMessage());
    }
}
