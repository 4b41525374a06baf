package dev.trestle.api;

/** Thrown when a future is not in the state that an operation needs, most often because it is already done. */
public final class InvalidStateException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    /**
     * Creates the exception.
     *
     * @param message names the operation, the future, and the remedy
     */
    public InvalidStateException(String message) {
        super(message);
    }
}
