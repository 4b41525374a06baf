package dev.trestle.loop;

/** What a future failed with, and whether anybody has seen it; see {@link Reports}. */
final class Failure {

    /** For where there is no memory for another one. Its stack is nobody's. */
    static final Failure OUT_OF_MEMORY = new Failure(new OutOfMemoryError(
            "There was no memory for the exception of this future; what is known about it stands in the log"));

    private final Throwable exception;
    private volatile boolean retrieved;

    Failure(Throwable exception) {
        this.exception = exception;
    }

    Throwable exception() {
        return exception;
    }

    /** Returns whether it is a mistake if nobody retrieves this. */
    boolean isToBeRetrieved() {
        return this != OUT_OF_MEMORY && !(exception instanceof CancelledError);
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
