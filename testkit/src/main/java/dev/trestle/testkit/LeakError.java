package dev.trestle.testkit;

/** Thrown when a test with {@link NoLeaks} has left something behind. The message names it. */
public final class LeakError extends AssertionError {

    private static final long serialVersionUID = 1;

    LeakError(String message) {
        super(message);
    }
}
