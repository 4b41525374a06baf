package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.Failure;
import org.jspecify.annotations.Nullable;

/**
 * A copy of an exception that a call has logged in its worker, for the log of the program only: its text, its stack and
 * its causes. Its class is not looked for.
 */
final class LoggedException extends Exception {

    private static final long serialVersionUID = 1;

    LoggedException(Failure failure) {
        super(failure.headline(), causeOf(failure));
        setStackTrace(failure.stack().toArray(StackTraceElement[]::new));
        for (Failure each : failure.suppressed()) {
            addSuppressed(new LoggedException(each));
        }
    }

    private static @Nullable LoggedException causeOf(Failure failure) {
        Failure cause = failure.cause();
        return cause == null ? null : new LoggedException(cause);
    }

    @Override
    @SuppressWarnings("OverrideThrowableToString") // the message begins with the class that was thrown
    public String toString() {
        return String.valueOf(getMessage());
    }
}
