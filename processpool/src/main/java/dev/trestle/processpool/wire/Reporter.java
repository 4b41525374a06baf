package dev.trestle.processpool.wire;

import org.jspecify.annotations.Nullable;

/** The receiver of the reports of calls; there is one in each worker and none elsewhere. Thread-safe. */
public abstract class Reporter {

    private static volatile @Nullable Reporter installed;

    /** Creates a reporter; only a class of the package {@code child} extends this one. */
    protected Reporter() {}

    /**
     * Returns the reporter of this JVM.
     *
     * @return the reporter; null if this JVM is not a worker
     */
    public static @Nullable Reporter installed() {
        return installed;
    }

    /**
     * Makes this JVM a worker.
     *
     * @param reporter the receiver of the reports of its calls
     */
    public static void install(Reporter reporter) {
        installed = reporter;
    }

    /**
     * Returns the call that runs.
     *
     * @return its number; not positive if there is none that could report
     */
    public abstract long running();

    /**
     * Says how far a call is. Only the latest counts. Nothing happens if the call has ended.
     *
     * @param id the number of the call
     * @param fraction from 0 to 1
     * @param text the text of the progress
     */
    public abstract void progress(long id, double fraction, String text);

    /**
     * Passes a message on. Nothing happens if the call has ended.
     *
     * @param id the number of the call
     * @param text the message
     */
    public abstract void message(long id, String text);

    /**
     * Returns whether a call has been cancelled, or has run out of time.
     *
     * @param id the number of the call
     * @return whether the call was cancelled
     */
    public abstract boolean isCancelled(long id);
}
