package dev.trestle.processpool;

/**
 * A listener to the reports that a call makes through its {@link WorkerContext}.
 *
 * <p>Each call's listener is called on a thread of its own, one report after the other. A slow listener delays no call:
 * it gets the latest progress and skips the progress before, and the latest hundred messages wait for it. Reports that
 * still wait when the call ends are delivered afterwards. An exception of the listener is logged, and the listener gets
 * the next report.
 */
@FunctionalInterface
public interface CallListener {

    /**
     * Called when the call has reported its progress.
     *
     * @param fraction from 0 to 1
     * @param text the present work of the call; may be empty
     */
    void progress(double fraction, String text);

    /**
     * Called when the call has sent a message. Does nothing unless overridden.
     *
     * @param text the message
     */
    default void message(String text) {}
}
