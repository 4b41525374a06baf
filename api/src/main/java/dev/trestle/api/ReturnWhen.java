package dev.trestle.api;

/** The condition that {@code waitUntil} waits for. */
public enum ReturnWhen {
    /** One future is done: with a result, an exception or a cancellation. */
    FIRST_COMPLETED,
    /** One future has failed with an exception; a cancelled one does not count. Without a failure, all are done. */
    FIRST_EXCEPTION,
    /** All futures are done. */
    ALL_COMPLETED
}
