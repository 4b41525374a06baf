package dev.trestle.processpool.values;

import org.jspecify.annotations.Nullable;

/** Thrown on the receiving side for a call or a result that cannot be read. The connection stays in step. */
public final class NotDecodableException extends Exception {

    private static final long serialVersionUID = 1;

    /**
     * Creates the exception.
     *
     * @param message the value that could not be read, the reason, and what to do
     * @param cause the exception underneath, if there is one
     */
    public NotDecodableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
