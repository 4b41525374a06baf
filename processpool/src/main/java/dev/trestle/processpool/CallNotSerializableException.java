package dev.trestle.processpool;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a call or its result cannot travel between the program and a worker: by {@code submit} itself for a call,
 * by the call's future for a result. The message names the class, the place of its value, and the way out. The worker
 * is not harmed.
 */
public final class CallNotSerializableException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /**
     * Creates an exception.
     *
     * @param message the value that cannot travel, the reason, and the way out
     * @param cause the exception of the attempt, or null
     */
    public CallNotSerializableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
