package dev.trestle.processpool.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.time.Duration;

/**
 * A connected channel whose writer can choose not to wait for the peer. {@link #write} blocks until it has written
 * something. Unless its methods are overridden, there is always room.
 */
public interface Connection extends ByteChannel {

    /**
     * Writes as many bytes as the peer has room for. Does not wait.
     *
     * @param source the bytes to write
     * @return the number of bytes that were written, 0 if there is no room
     * @throws IOException if the connection is gone
     */
    default int tryWrite(ByteBuffer source) throws IOException {
        return write(source);
    }

    /**
     * Waits until the peer has room. For one thread at a time.
     *
     * @param limit the longest time to wait
     * @return whether there may be room now
     * @throws IOException if the connection is gone
     */
    default boolean awaitRoom(Duration limit) throws IOException {
        return true;
    }
}
