package dev.trestle.api;

import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by an executor that can run nothing any more, because its workers cannot start: a failing initializer, a child
 * JVM that never comes up. The cause says why. Calls that were waiting fail with it, new ones are refused with it.
 */
public final class BrokenExecutorException extends RejectedExecutionException {

    private static final long serialVersionUID = 1;

    /**
     * Creates the exception.
     *
     * @param message which executor broke, and how
     * @param cause what broke it
     */
    public BrokenExecutorException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
