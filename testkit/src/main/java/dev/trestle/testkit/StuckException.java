package dev.trestle.testkit;

/**
 * Thrown when a coroutine in virtual time waits, and nothing can happen any more before the end of virtual time:
 * nothing is ready, no timer is due, and no work for which the loop waits runs on another thread. The message names
 * each task that waits, with its stack.
 */
public final class StuckException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    StuckException(String message) {
        super(message);
    }
}
