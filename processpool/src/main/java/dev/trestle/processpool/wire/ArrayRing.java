package dev.trestle.processpool.wire;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Memory that both sides of a connection have mapped, through which the elements of large arrays go instead of through
 * the connection. Each direction has a lane of two slots.
 */
public final class ArrayRing {

    /*
     * The sender copies a piece of the array into a free slot, and sends one byte over the connection in the place of
     * the piece, so the receiver waits as it waits for any other byte. The receiver copies the piece into its own array
     * and counts it, in the memory. A slot is free when its last piece has been counted; a sender that finds none looks
     * again, a few times at once and then after pauses that grow. So both sides copy at the same time, and each byte is
     * copied twice, where a socket and heap arrays take four copies.
     *
     * The other side is not trusted with more than it has anyway. It chooses the bytes that arrive; they are copied out
     * before anything looks at them. Lengths are checked as they are without a ring. A wrong count only spoils what it
     * is sent itself.
     *
     * The file is written, not only sized: a hole in it on a full disk would be a SIGBUS. The worker deletes it when it
     * has mapped it, before it says hello, and by that the pool sees that there is a ring. Otherwise there is none.
     */

    /** The least size, in bytes, of an array that goes through a ring. */
    static final int LEAST = 64 << 10;

    /** The size of a slot: as large as the buffers of a channel, and small enough for a processor's cache. */
    static final int SLOT = 256 << 10;

    private static final int SLOTS = 2;
    private static final int LANE = SLOTS * SLOT;

    /** The place at which the lanes begin: the counts before them do not share a line of a processor's cache. */
    private static final int LANES_AT = 4 << 10;

    private static final int COUNT_DISTANCE = 128;
    private static final int SIZE = LANES_AT + 2 * LANE;
    private static final int PIECE = 16 << 10;
    private static final int LOOKS = 200;
    private static final long FIRST_PAUSE_NANOS = 10_000;
    private static final long LONGEST_PAUSE_NANOS = 1_000_000;
    private static final VarHandle COUNTS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer memory;
    private final int outgoing;
    private final ByteBuffer[] outSlots = new ByteBuffer[SLOTS];
    private final ByteBuffer[] inSlots = new ByteBuffer[SLOTS];

    /** The number of pieces put into slots; changed under the lock of the writers. */
    private volatile long sent;

    /** The number of pieces taken out of slots; confined to the reading thread. */
    private long received;

    private ArrayRing(ByteBuffer memory, int outgoing) {
        this.memory = memory;
        this.outgoing = outgoing;
        for (int i = 0; i < SLOTS; i++) {
            outSlots[i] = slot(memory, outgoing, i);
            inSlots[i] = slot(memory, 1 - outgoing, i);
        }
    }

    private static ByteBuffer slot(ByteBuffer memory, int lane, int number) {
        return memory.slice(LANES_AT + lane * LANE + number * SLOT, SLOT).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Creates the file of a ring; the pool does it before it starts the worker.
     *
     * @param file the path, where there must be nothing yet
     * @return the ring
     * @throws IOException if that fails
     */
    public static ArrayRing create(Path file) throws IOException {
        try (var channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer empty = ByteBuffer.allocate(PIECE);
            for (int left = SIZE; left > 0; ) {
                left -= channel.write(empty.clear().limit(Math.min(PIECE, left)));
            }
            return new ArrayRing(channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE), 0);
        }
    }

    /**
     * Maps a ring and deletes its file; the worker does it.
     *
     * @param file the file
     * @return the ring
     * @throws IOException if there can be none; then the file is still there
     */
    public static ArrayRing open(Path file) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            var ring = new ArrayRing(channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE), 1);
            Files.delete(file);
            return ring;
        }
    }

    /** Returns whether an array goes through a ring. */
    static boolean takes(ArrayKind kind, int length) {
        return (long) length * kind.width() >= LEAST;
    }

    // Sending, under the lock of the writers

    /** Returns whether a slot is free. From any thread. */
    boolean hasRoom() {
        return sent - (long) COUNTS.getAcquire(memory, outgoing * COUNT_DISTANCE) < SLOTS;
    }

    /** Returns the free slot, to be filled from its beginning. */
    ByteBuffer slot() {
        return outSlots[(int) (sent % SLOTS)].clear();
    }

    /** Records that the slot is filled. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // under the lock of the writers
    void fill() {
        sent++;
    }

    /**
     * Waits until a slot is free. From any thread; not interruptible.
     *
     * @return whether one is; false if the time is over
     */
    boolean awaitRoom(Duration limit) {
        for (int i = 0; i < LOOKS; i++) {
            if (hasRoom()) {
                return true;
            }
            Thread.onSpinWait();
        }
        long end = System.nanoTime() + limit.toNanos();
        boolean interrupted = false;
        for (long pause = FIRST_PAUSE_NANOS; !hasRoom(); pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS)) {
            if (System.nanoTime() - end >= 0) {
                break;
            }
            LockSupport.parkNanos(this, pause);
            interrupted |= Thread.interrupted(); // or there would be no pause
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return hasRoom();
    }

    // Receiving, on the reading thread

    /** Returns the slot with the next piece, whose notice has arrived. */
    ByteBuffer arrived() {
        return inSlots[(int) (received % SLOTS)].clear();
    }

    /** Records that the piece was copied: its slot is free. */
    void taken() {
        received++;
        COUNTS.setRelease(memory, (1 - outgoing) * COUNT_DISTANCE, received);
    }

    /** Returns the ring of the other side, in this process; for tests. */
    ArrayRing otherSide() {
        return new ArrayRing(memory, 1 - outgoing);
    }

    /** Claims to have taken so many pieces, as the other side may; for tests. */
    void claim(long count) {
        COUNTS.setRelease(memory, (1 - outgoing) * COUNT_DISTANCE, count);
    }

    @Override
    public String toString() {
        return "ArrayRing[sent=" + sent + "]";
    }
}
