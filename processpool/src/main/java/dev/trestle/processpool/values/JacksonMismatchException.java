package dev.trestle.processpool.values;

/**
 * Thrown inside this package where the jars of Jackson do not fit together, or not with Trestle. The message says what
 * to do. No user sees this type, which no program could catch: it ends as the message of an exported exception.
 */
final class JacksonMismatchException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    JacksonMismatchException(String message, LinkageError cause) {
        super(message, cause);
    }
}
