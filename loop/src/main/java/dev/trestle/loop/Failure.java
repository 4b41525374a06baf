package dev.trestle.loop;

/** What a future failed with, and whether anybody has seen it; see {@link Reports}. */
final class Failure {

    private final Throwable exception;
    private volatile boolean retrieved;

    Failure(Throwable exception) {
        this.exception = exception;
    }

    Throwable exception() {
        return exception;
    }

    /** Returns the exception to somebody who deals with it. */
    Throwable retrieve() {
        retrieved = true;
        return exception;
    }

    boolean isRetrieved() {
        return retrieved;
    }
}
