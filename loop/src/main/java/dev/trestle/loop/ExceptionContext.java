package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * Something that went wrong in a loop where nobody waits for it.
 *
 * @param message what happened
 * @param exception what was thrown, if anything was
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
