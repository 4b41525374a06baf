package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * How a future ended, as a value.
 *
 * @param <T> the type of the result
 */
public sealed interface Outcome<T extends @Nullable Object> {

    /**
     * It has a result.
     *
     * @param result the result
     * @param <T> the type of the result
     */
    record Success<T extends @Nullable Object>(T result) implements Outcome<T> {}

    /**
     * It failed.
     *
     * @param exception what was thrown, unwrapped
     * @param <T> the type of the result
     */
    record Failure<T extends @Nullable Object>(Throwable exception) implements Outcome<T> {

        /** Checks the exception. */
        public Failure {
            requireNonNull(exception, "exception");
        }
    }

    /**
     * It was cancelled.
     *
     * @param error what awaiting it throws
     * @param <T> the type of the result
     */
    record Cancelled<T extends @Nullable Object>(CancelledError error) implements Outcome<T> {

        /** Checks the error. */
        public Cancelled {
            requireNonNull(error, "error");
        }
    }
}
