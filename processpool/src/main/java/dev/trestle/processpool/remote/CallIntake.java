package dev.trestle.processpool.remote;

import dev.trestle.processpool.wire.Frame;
import org.jspecify.annotations.Nullable;

/** The end of a pool where calls of other programs come in. Thread-safe. */
public interface CallIntake {

    /** The receiver of what workers say of a call, in its order. It must not hold up the threads that call it. */
    interface Answers {

        /**
         * Takes a frame, which may be held back until {@link #flush}. The last is the call's answer, after which its
         * place is free. The numbers of these frames mean nothing.
         */
        void accept(Frame.OfCall frame);

        /** Sends what was held back. */
        void flush();
    }

    /**
     * Gives a call to a worker that begins it at once, or has only short calls before it. The worker gets the call with
     * the next {@link #send}. The values of the call are read by the worker only.
     *
     * @param call a {@link Frame.Call} or {@link Frame.StreamCall}
     * @param answers gets all that the worker says of the call
     * @return the call; null if no worker has room for it, and {@code answers} gets nothing then
     */
    @Nullable
    ForeignCall offer(Frame.OfCall call, Answers answers);

    /** Sends the calls that were offered to their workers. */
    void send();

    /** Returns the number of calls that the workers run, or could run at once. */
    int places();

    /** Returns the number of short calls of one program that may wait behind those that run. */
    int ahead();

    /** Returns the reason why no worker can start; null if they can. */
    @Nullable
    String brokenBecause();

    /** Sets the action that runs when workers have got ready. The action must not wait. */
    void whenReady(Runnable action);
}
