package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;

/** Stands, in a worker, for an exception among a call's values whose own class cannot be made there. */
final class StandInException extends Exception {

    private static final long serialVersionUID = 1;

    private final String headline;

    StandInException(Failure failure) {
        super(failure.message());
        this.headline = failure.headline();
    }

    /** Returns class and message of what it stands for, with control characters shown; the message is as it was. */
    @Override
    @SuppressWarnings(
            "OverrideThrowableToString") // it shows the class that it stands for; the message is the original's
    public String toString() {
        return headline;
    }
}
