package dev.trestle.processpool.remote;

import dev.trestle.processpool.wire.Connection;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A worker of a pool in another program. The first four methods are called in their order, on the worker's thread; the
 * others from any thread.
 */
public interface RemoteWorker {

    /**
     * The connections to a worker.
     *
     * @param work carries calls and answers
     * @param controls carries what must not wait behind a call
     */
    record Connections(Connection work, Connection controls) {}

    /** Connects to the worker. */
    Connections connect() throws IOException;

    /**
     * Introduces this program, and lets the worker introduce itself. Throws if the worker may have no calls.
     *
     * @param work the connection for calls
     */
    Frame.Introduction greet(FrameChannel work) throws IOException;

    /** Called when the worker can have calls. */
    void ready();

    /**
     * Called when the pool is done with the worker.
     *
     * @param why the reason for its end; null if it shut down gracefully
     */
    void gone(@Nullable String why);

    /** Returns the name of the worker and of its machine. */
    String name();

    /** Returns whether the connections are there. */
    boolean isConnected();

    /** Gives the connections up. */
    void disconnect();

    /** Returns the cause of the worker's end, as a clause. */
    String farewell();
}
