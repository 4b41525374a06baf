package dev.trestle.processpool.values;

/** Thrown where the jars of Jackson do not fit together, or not with Trestle. The message says what to do. */
final class JacksonMismatchException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    JacksonMismatchException(String message, Throwable cause) {
        super(message, cause);
    }

    JacksonMismatchException(String message) {
        super(message);
    }
}
