package dev.trestle.processpool.remote;

import dev.trestle.processpool.wire.Frame;

/** A call of another program that runs here. Thread-safe. */
public interface ForeignCall {

    /** Cancels the call; with an interrupt, its worker is killed if the call goes on for longer than the grace. */
    void cancel(boolean interrupt);

    /** Asks for the call back if it has not begun. It is answered by {@link Frame.Cancelled} then. */
    void takeBack();

    /** Allows the stream of the call to send further items. */
    void credit(long bytes);

    /** Returns the status of the call. May wait for some seconds if a stack is wanted. */
    Frame.Status status(boolean withStack);
}
