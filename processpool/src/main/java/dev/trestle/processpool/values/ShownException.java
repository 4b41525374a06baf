package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;
import org.jspecify.annotations.Nullable;

/** A copy of an exception, whose messages quote what was read, with control characters shown. */
final class ShownException extends RuntimeException {

    private static final long serialVersionUID = 1;

    ShownException(Failure failure) {
        super(failure.headline(), causeOf(failure));
        setStackTrace(failure.stack().toArray(StackTraceElement[]::new));
    }

    private static @Nullable ShownException causeOf(Failure failure) {
        Failure cause = failure.cause();
        return cause == null ? null : new ShownException(cause);
    }

    @Override
    @SuppressWarnings("OverrideThrowableToString") // the message begins with the class that was thrown
    public String toString() {
        return String.valueOf(getMessage());
    }
}
