package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * The report of a failure in a loop that no code waits for.
 *
 * @param message a description of the event
 * @param exception the exception, if there is one
 * @param future the future or task concerned, if there is one and it has not been collected
 * @param handle the callback concerned, if there is one
 */
public record ExceptionContext(
        String message,
        @Nullable Throwable exception,
        @Nullable LoopFuture<?> future,
        @Nullable Handle handle) {

    /** Checks the message. */
    public ExceptionContext {
        requireNonNull(message, "message");
    }
}
