package dev.trestle.processpool.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * One end of the connection between a pool and a worker: it reads from one socket and writes to another.
 *
 * <p>One thread may read while another writes; {@link #close} may be called by any. Reading blocks and must happen on a
 * thread that nobody interrupts. Writing blocks too, on whatever thread: an interrupt does not disturb it and stays
 * pending.
 */
public final class TwoWayChannel implements ByteChannel {

    /*
     * A thread that is interrupted while it is in a blocking operation on a channel closes that channel; so Java's NIO
     * has it. Calls are written by the threads that submit them, results by the thread that ran the user's code: both may
     * be interrupted at any time by people who know nothing of our connection. Only a channel in non-blocking mode is
     * immune. Reading, on the other hand, wants the blocking mode, in which a virtual thread parks without a selector.
     * The mode belongs to the channel, not to the direction; hence two of them.
     */

    private final SocketChannel incoming;
    private final SocketChannel outgoing;
    private volatile @Nullable Selector room;

    /**
     * Takes over two connected channels.
     *
     * @param incoming read from
     * @param outgoing written to
     * @throws IOException if they are closed already
     */
    public TwoWayChannel(SocketChannel incoming, SocketChannel outgoing) throws IOException {
        this.incoming = incoming;
        this.outgoing = outgoing;
        incoming.configureBlocking(true);
        outgoing.configureBlocking(false);
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        return incoming.read(target);
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        while (true) {
            int written = outgoing.write(source);
            if (written > 0 || !source.hasRemaining()) {
                return written;
            }
            awaitRoom();
        }
    }

    private void awaitRoom() throws IOException {
        boolean interrupted = false;
        try {
            Selector selector = room;
            if (selector == null) {
                selector = Selector.open();
                room = selector;
                outgoing.register(selector, SelectionKey.OP_WRITE);
            }
            while (selector.select() == 0) {
                interrupted |= Thread.interrupted();
                if (!outgoing.isOpen()) {
                    throw new AsynchronousCloseException();
                }
            }
            selector.selectedKeys().clear();
        } catch (ClosedSelectorException e) {
            var closed = new AsynchronousCloseException();
            closed.initCause(e);
            throw closed;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isOpen() {
        return incoming.isOpen() && outgoing.isOpen();
    }

    @Override
    public void close() throws IOException {
        try (incoming;
                outgoing) {
            Selector selector = room;
            if (selector != null) {
                outgoing.close(); // first, so that a writer that wakes up sees why
                selector.close();
            }
        }
    }

    @Override
    public String toString() {
        return "TwoWayChannel[incoming=" + incoming + ", outgoing=" + outgoing + "]";
    }
}
