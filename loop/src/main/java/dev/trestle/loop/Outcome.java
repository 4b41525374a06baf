package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * The end of a future, as a value: success, failure or cancellation.
 *
 * @param <T> the type of the result
 */
public sealed interface Outcome<T extends @Nullable Object> {

    /**
     * The end of a future with a result.
     *
     * @param result the result
     * @param <T> the type of the result
     */
    record Success<T extends @Nullable Object>(T result) implements Outcome<T> {}

    /**
     * The end of a future that failed.
     *
     * @param exception the exception, unwrapped
     * @param <T> the type of the result
     */
    record Failure<T extends @Nullable Object>(Throwable exception) implements Outcome<T> {

        /** Checks the exception. */
        public Failure {
            requireNonNull(exception, "exception");
        }
    }

    /**
     * The end of a future that was cancelled.
     *
     * @param error the error that awaiting the future throws
     * @param <T> the type of the result
     */
    record Cancelled<T extends @Nullable Object>(CancelledError error) implements Outcome<T> {

        /** Checks the error. */
        public Cancelled {
            requireNonNull(error, "error");
        }
    }
}
