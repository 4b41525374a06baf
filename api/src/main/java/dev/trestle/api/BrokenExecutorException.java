package dev.trestle.api;

import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by an executor that can run no more calls, because its workers cannot start: a failing initializer, a child
 * JVM that never comes up. The cause says why. Waiting calls fail with this exception, and {@code submit} throws it.
 */
public final class BrokenExecutorException extends RejectedExecutionException {

    private static final long serialVersionUID = 1;

    /**
     * Creates the exception.
     *
     * @param message names the executor and the failure
     * @param cause the failure
     */
    public BrokenExecutorException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
