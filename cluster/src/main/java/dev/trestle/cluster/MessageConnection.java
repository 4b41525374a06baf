package dev.trestle.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.wire.Connection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A stream of bytes in each direction between two nodes, in messages of JGroups. One thread reads; writers take turns
 * by themselves.
 */
final class MessageConnection implements Connection {

    /*
     * The reader says how far the writer may write: a window beyond what it has read. So a reader that is slow, or does
     * not read at all, stops its writer, and what waits for it here is bounded. The thread of JGroups that brings a
     * message only puts it into the queue.
     *
     * Positions are counted from the beginning of the stream, so that a message that is lost or comes twice, which
     * JGroups does not allow, ends the connection instead of shifting its bytes.
     */

    /** The most bytes in flight: written and not read. */
    static final int WINDOW = 1 << 20;

    /** The most bytes of a message, without its header: what JGroups sends in one bundle, with its own headers. */
    static final int PIECE = 60_000;

    /** The way out of this node. */
    interface Sender {
        void send(Packet packet) throws IOException;
    }

    private final long pair;
    private final Packet.Role role;
    private final String peer;
    private final Sender sender;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition readable = lock.newCondition();
    private final Condition writable = lock.newCondition();

    @GuardedBy("lock")
    private final ArrayDeque<ByteBuffer> arrived = new ArrayDeque<>();

    /** The number of bytes that have arrived. */
    @GuardedBy("lock")
    private long received;

    /** The number of bytes that were read. */
    @GuardedBy("lock")
    private long consumed;

    /** The number of bytes that the peer may have written. */
    @GuardedBy("lock")
    private long granted = WINDOW;

    @GuardedBy("lock")
    private long written;

    @GuardedBy("lock")
    private long room = WINDOW;

    /** The reason for which no more bytes come or go; null while they do. */
    @GuardedBy("lock")
    private @Nullable String endedBecause;

    /** True once this side has closed the connection, and reads no more. */
    @GuardedBy("lock")
    private boolean closed;

    /**
     * @param peer the name of the other node, for messages
     */
    MessageConnection(long pair, Packet.Role role, String peer, Sender sender) {
        this.pair = pair;
        this.role = role;
        this.peer = peer;
        this.sender = sender;
    }

    // Called by the node, on a thread of JGroups

    /** Takes bytes of the peer; returns false if they are out of step. Does not wait. */
    boolean receive(Packet.Data data) {
        lock.lock();
        try {
            if (data.position() != received || received + data.bytes().remaining() > granted) {
                return false;
            }
            received += data.bytes().remaining();
            if (!closed) {
                arrived.addLast(data.bytes());
                readable.signal();
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Returns how far the peer may write. */
    Packet.Room roomNow() {
        lock.lock();
        try {
            return new Packet.Room(pair, role, granted);
        } finally {
            lock.unlock();
        }
    }

    void makeRoom(Packet.Room packet) {
        lock.lock();
        try {
            room = Math.max(room, packet.end());
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends this connection: what has arrived can be read, and nothing comes after it. Idempotent. */
    void end(String because) {
        lock.lock();
        try {
            if (endedBecause == null) {
                endedBecause = because;
            }
            readable.signalAll();
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Returns why the connection has ended; null if it has not. */
    @Nullable
    String endedBecause() {
        lock.lock();
        try {
            return endedBecause;
        } finally {
            lock.unlock();
        }
    }

    // Reading

    @Override
    public int read(ByteBuffer target) throws IOException {
        long grant;
        int count;
        lock.lock();
        try {
            while (arrived.isEmpty() && endedBecause == null && !closed) {
                readable.awaitUninterruptibly();
            }
            if (closed) {
                throw new IOException("The connection to " + peer + " was closed here");
            }
            if (arrived.isEmpty()) {
                return -1;
            }
            count = take(target);
            consumed += count;
            grant = newGrant();
        } finally {
            lock.unlock();
        }
        if (grant > 0) {
            try {
                sender.send(new Packet.Room(pair, role, grant));
            } catch (IOException e) {
                end(e.getMessage() == null ? e.toString() : e.getMessage()); // what has arrived can still be read
            }
        }
        return count;
    }

    @GuardedBy("lock")
    private int take(ByteBuffer target) {
        int before = target.position();
        for (ByteBuffer next = arrived.peekFirst(); next != null && target.hasRemaining(); next = arrived.peekFirst()) {
            int count = Math.min(next.remaining(), target.remaining());
            target.put(target.position(), next, next.position(), count);
            target.position(target.position() + count);
            next.position(next.position() + count);
            if (!next.hasRemaining()) {
                arrived.removeFirst();
            }
        }
        return target.position() - before;
    }

    /** Returns how far the peer may write from now on; 0 if it need not be told. */
    @GuardedBy("lock")
    private long newGrant() {
        if (consumed + WINDOW - granted < WINDOW / 2 || endedBecause != null) {
            return 0;
        }
        granted = consumed + WINDOW;
        return granted;
    }

    // Writing

    @Override
    public int write(ByteBuffer source) throws IOException {
        int count = tryWrite(source);
        while (count == 0 && source.hasRemaining()) {
            var _ = awaitRoom(Duration.ofMinutes(1));
            count = tryWrite(source);
        }
        return count;
    }

    @Override
    public int tryWrite(ByteBuffer source) throws IOException {
        long position;
        int count;
        lock.lock();
        try {
            refuseIfEnded();
            count = (int) Math.min(Math.min(source.remaining(), PIECE), room - written);
            position = written;
            written += count;
        } finally {
            lock.unlock();
        }
        if (count == 0) {
            return 0;
        }
        ByteBuffer piece = source.slice(source.position(), count);
        sender.send(new Packet.Data(pair, role, position, piece));
        source.position(source.position() + count);
        return count;
    }

    @Override
    public boolean awaitRoom(Duration limit) throws IOException {
        long left = TimeUnit.NANOSECONDS.convert(limit);
        boolean interrupted = false;
        lock.lock();
        try {
            while (room == written && endedBecause == null && !closed && left > 0) {
                try {
                    left = writable.awaitNanos(left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            refuseIfEnded();
            return room > written;
        } finally {
            lock.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @GuardedBy("lock")
    private void refuseIfEnded() throws IOException {
        if (closed || endedBecause != null) {
            throw new IOException(
                    "The connection to " + peer + " is closed" + (endedBecause == null ? "" : ": " + endedBecause));
        }
    }

    // Both

    @Override
    public boolean isOpen() {
        lock.lock();
        try {
            return !closed && endedBecause == null;
        } finally {
            lock.unlock();
        }
    }

    /** Closes this side; a thread that reads or writes gets an {@link IOException}. Tells the peer nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            arrived.clear();
            readable.signalAll();
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "MessageConnection[" + role + " of " + Long.toHexString(pair) + " with " + peer + ", received="
                    + received + ", written=" + written + (endedBecause == null ? "]" : ", " + endedBecause + "]");
        } finally {
            lock.unlock();
        }
    }
}
