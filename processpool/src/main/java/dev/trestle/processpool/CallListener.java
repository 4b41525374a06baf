package dev.trestle.processpool;

/**
 * Hears what a call reports through its {@link WorkerContext}.
 *
 * <p>Called on a thread of its own for each call, one report after the other. It may take its time: progress that it is
 * too slow for is skipped up to the latest, and of messages the latest hundred wait. What it has not heard when the
 * call ends comes afterwards. What it throws is logged, and it goes on.
 */
@FunctionalInterface
public interface CallListener {

    /**
     * Called when the call has said how far it is.
     *
     * @param fraction from 0 to 1
     * @param text what it is doing; may be empty
     */
    void progress(double fraction, String text);

    /**
     * Called when the call has sent a message. Does nothing unless overridden.
     *
     * @param text the message
     */
    default void message(String text) {}
}
