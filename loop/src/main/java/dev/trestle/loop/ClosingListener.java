package dev.trestle.loop;

/**
 * A listener to the closing of a loop; for objects that other threads wait for, and that only the loop's code would
 * end.
 *
 * <p>Its methods run on a thread of the closing loop's, outside of the loop, and while the loop does not run. A method
 * that does not return is interrupted when the patience of {@link EventLoop#close(java.time.Duration)} is over, and
 * then abandoned.
 */
public interface ClosingListener {

    /** Called when closing begins, before any task is cancelled. Does nothing unless it is overridden. */
    default void onClosing() {}

    /**
     * Called once, when the loop is closed and none of its code will run any more; also if the loop has abandoned a
     * callback or a coroutine that hangs. Does nothing unless it is overridden.
     */
    default void onClosed() {}
}
