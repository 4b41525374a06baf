package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/** The exception of a future, and the report that is due if the exception is never retrieved; see {@link Reports}. */
final class Failure {

    /** The failure of a future when there is no memory for another object. Its stack says nothing. */
    static final Failure OUT_OF_MEMORY = new Failure(new OutOfMemoryError(
            "There was no memory for the exception of this future; the log has what is known about it"));

    private final Throwable exception;

    /**
     * The report that the loop makes if this failure is never retrieved; null for none. Confined to the holder of the
     * baton.
     */
    private Reports.@Nullable Report report;

    Failure(Throwable exception) {
        this.exception = exception;
    }

    Throwable exception() {
        return exception;
    }

    /** Returns whether it is a mistake never to retrieve this failure. */
    boolean isToBeRetrieved() {
        return this != OUT_OF_MEMORY && !(exception instanceof CancelledError);
    }

    /** Sets the report to make unless this failure is retrieved. */
    void reportUnlessRetrieved(Reports.Report newReport) {
        report = newReport;
    }

    /** Returns the exception to code that deals with it, and drops the report. */
    Throwable retrieve() {
        Reports.Report superfluous = report;
        if (superfluous != null) {
            superfluous.drop();
            report = null;
        }
        return exception;
    }
}
