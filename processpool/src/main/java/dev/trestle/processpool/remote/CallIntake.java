package dev.trestle.processpool.remote;

import dev.trestle.processpool.wire.Frame;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The end of a pool where calls of other programs come in. Thread-safe. */
public interface CallIntake {

    /**
     * Gives a call to a worker that begins it at once. The values of the call are read by the worker only.
     *
     * @param call a {@link Frame.Call} or {@link Frame.StreamCall}
     * @param answers gets all that the worker says of the call, in its order, on a thread that must not be held up; the
     *     last is the call's answer, after which its place is free. The numbers of these frames mean nothing
     * @return the call; null if no worker has a place for it, and {@code answers} gets nothing then
     */
    @Nullable
    ForeignCall offer(Frame.OfCall call, Consumer<Frame.OfCall> answers);

    /** Returns the number of calls that the workers run, or could run at once. */
    int places();

    /** Returns the reason why no worker can start; null if they can. */
    @Nullable
    String brokenBecause();

    /** Sets the action that runs when workers have got ready. The action must not wait. */
    void whenReady(Runnable action);
}
