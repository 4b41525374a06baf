package dev.trestle.processpool.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One end of the connection between a pool and a worker: it reads from one socket and writes to another.
 *
 * <p>One thread may read while another writes; {@link #close} may be called by any. Both block. An interrupt does not
 * disturb a writer and stays pending; whether a reader may be interrupted is decided when the channel is made.
 */
public final class TwoWayChannel implements Connection {

    /*
     * A thread that is interrupted while it is in a blocking operation on a channel closes that channel: a rule of
     * Java's NIO. Calls are written by the threads that submit them, results by the thread that ran the user's code:
     * both may be interrupted at any time by code that knows nothing of our connection. Only a channel in non-blocking
     * mode is immune. Reading, on the other hand, wants the blocking mode, which is one system call less. The mode
     * belongs to the channel, not to the direction; hence two of them.
     *
     * In a worker, though, the thread that reads is the one that runs the calls, and threads that a call left behind
     * may interrupt it while it waits for the next. It reads in non-blocking mode and waits with a selector.
     */

    private final SocketChannel incoming;
    private final SocketChannel outgoing;
    private final @Nullable Selector arrivals;
    private volatile @Nullable Selector room;

    /**
     * Takes over two connected channels. They are read by a thread that is never interrupted.
     *
     * @param incoming read from
     * @param outgoing written to
     * @throws IOException if they are closed already
     */
    public TwoWayChannel(SocketChannel incoming, SocketChannel outgoing) throws IOException {
        this(incoming, outgoing, null);
        incoming.configureBlocking(true);
    }

    private TwoWayChannel(SocketChannel incoming, SocketChannel outgoing, @Nullable Selector arrivals)
            throws IOException {
        this.incoming = incoming;
        this.outgoing = outgoing;
        this.arrivals = arrivals;
        outgoing.configureBlocking(false);
    }

    /**
     * Takes over two connected channels, to be read by a thread that may be interrupted: that does not disturb it, and
     * stays pending.
     *
     * @param incoming read from
     * @param outgoing written to
     * @return the channel
     * @throws IOException if they are closed already
     */
    public static TwoWayChannel undisturbed(SocketChannel incoming, SocketChannel outgoing) throws IOException {
        incoming.configureBlocking(false);
        Selector arrivals = Selector.open();
        incoming.register(arrivals, SelectionKey.OP_READ);
        return new TwoWayChannel(incoming, outgoing, arrivals);
    }

    /**
     * Takes over a connected channel that is only written to.
     *
     * @param channel written to
     * @return the channel; reading from it is pointless, since it does not wait
     * @throws IOException if it is closed already
     */
    public static TwoWayChannel outgoing(SocketChannel channel) throws IOException {
        return new TwoWayChannel(channel, channel, null);
    }

    /**
     * Takes over a connected channel that is only read from, by a thread that is never interrupted.
     *
     * @param channel read from
     * @return the channel; it is not to be written to
     * @throws IOException if it is closed already
     */
    public static TwoWayChannel incoming(SocketChannel channel) throws IOException {
        return new TwoWayChannel(channel, channel);
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        if (arrivals == null || !target.hasRemaining()) {
            return incoming.read(target);
        }
        int read = 0;
        while (read == 0) {
            await(arrivals, incoming); // first: most often nothing is there yet, and a read would find that out in vain
            read = incoming.read(target);
        }
        return read;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        while (true) {
            int written = outgoing.write(source);
            if (written > 0 || !source.hasRemaining()) {
                return written;
            }
            await(forRoom(), outgoing);
        }
    }

    @Override
    public int tryWrite(ByteBuffer source) throws IOException {
        return outgoing.write(source);
    }

    @Override
    public boolean awaitRoom(Duration limit) throws IOException {
        return await(forRoom(), outgoing, TimeUnit.NANOSECONDS.convert(limit));
    }

    private Selector forRoom() throws IOException {
        Selector selector = room;
        if (selector == null) {
            selector = Selector.open();
            room = selector;
            try {
                outgoing.register(selector, SelectionKey.OP_WRITE);
            } catch (ClosedSelectorException e) {
                throw closed(e);
            }
        }
        return selector;
    }

    private static void await(Selector selector, SocketChannel channel) throws IOException {
        var _ = await(selector, channel, Long.MAX_VALUE);
    }

    /** Waits until the channel is ready; returns false if it is not after a time. An interrupt stays pending. */
    private static boolean await(Selector selector, SocketChannel channel, long nanos) throws IOException {
        long start = System.nanoTime();
        boolean interrupted = false;
        try {
            while (selector.select(millisLeft(start, nanos)) == 0) {
                interrupted |= Thread.interrupted();
                if (!channel.isOpen()) {
                    throw new AsynchronousCloseException();
                }
                if (System.nanoTime() - start >= nanos) {
                    return false;
                }
            }
            selector.selectedKeys().clear();
            return true;
        } catch (ClosedSelectorException e) {
            throw closed(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Returns the time limit for a select, at least a millisecond; 0 stands for forever. */
    private static long millisLeft(long start, long nanos) {
        return nanos == Long.MAX_VALUE
                ? 0
                : Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos - (System.nanoTime() - start)));
    }

    private static IOException closed(ClosedSelectorException cause) {
        var closed = new AsynchronousCloseException();
        closed.initCause(cause);
        return closed;
    }

    @Override
    public boolean isOpen() {
        return incoming.isOpen() && outgoing.isOpen();
    }

    @Override
    public void close() throws IOException {
        try (incoming;
                outgoing) {
            close(room, outgoing);
            close(arrivals, incoming);
        }
    }

    private static void close(@Nullable Selector selector, SocketChannel channel) throws IOException {
        if (selector != null) {
            channel.close(); // first, so that a thread that wakes up sees why
            selector.close();
        }
    }

    @Override
    public String toString() {
        return "TwoWayChannel[incoming=" + incoming + ", outgoing=" + outgoing + "]";
    }
}
