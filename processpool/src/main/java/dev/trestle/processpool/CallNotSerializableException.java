package dev.trestle.processpool;

import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a call or its result cannot travel between the program and a worker: by {@code submit} itself for a call,
 * by the call's future for a result. The message names the class, the place of its value, and the way out. The worker
 * is not harmed.
 *
 * <p>It is a {@link RejectedExecutionException}, since that is the only refusal that libraries expect of an executor:
 * some of those that wrap each task into one of their own wait forever after any other exception of {@code execute}.
 */
public final class CallNotSerializableException extends RejectedExecutionException {

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
