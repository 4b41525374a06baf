package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * Thrown into a coroutine whose task is cancelled, and by an await of a cancelled future. An {@link Error}, so that
 * {@code catch (Exception e)} does not swallow it; use {@code finally} to clean up.
 */
public final class CancelledError extends Error {

    private static final long serialVersionUID = 1;

    /** Creates the error without a message. */
    public CancelledError() {}

    /**
     * Creates the error.
     *
     * @param message the message that was passed to {@code cancel}
     */
    public CancelledError(@Nullable String message) {
        super(message);
    }

    /** Creates another error for a cancellation that other code has seen already. */
    CancelledError(@Nullable String message, @Nullable CancelledError first) {
        super(message, first);
    }
}
