package dev.trestle.processpool;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a call or its result cannot travel between the program and a worker: by {@code submit} itself for a call,
 * by its future for a result. The message names the class, where it sits, and the way out. The worker is not harmed.
 */
public final class CallNotSerializableException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /**
     * Creates an exception.
     *
     * @param message what cannot travel, why, and what to do
     * @param cause what was thrown when it was tried, or null
     */
    public CallNotSerializableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
