package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/** What a future failed with, and whether anybody has seen it; see {@link Reports}. */
final class Failure {

    /** For where there is no memory for another one. Its stack is nobody's. */
    static final Failure OUT_OF_MEMORY = new Failure(new OutOfMemoryError(
            "There was no memory for the exception of this future; the log has what is known about it"));

    private final Throwable exception;

    /** What the loop reports if this failure is never retrieved; null if nothing. Confined to the holder of the baton. */
    private Reports.@Nullable Report report;

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

    /** Sets what is reported unless this failure is retrieved. */
    void reportUnlessRetrieved(Reports.Report newReport) {
        report = newReport;
    }

    /** Returns the exception to somebody who deals with it. */
    Throwable retrieve() {
        Reports.Report superfluous = report;
        if (superfluous != null) {
            superfluous.drop();
            report = null;
        }
        return exception;
    }
}
