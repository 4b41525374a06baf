package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.Setup;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.WireOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DatabindContext;

/** One payload in the making: takes what Jackson writes, in pieces, and big arrays. Stops at the limit. */
final class Encoding extends OutputStream {

    private static final int LARGEST_PIECE = 1 << 20;
    private static final int MAX_STATE = 64 << 10;
    private static final int MAX_NESTED = 64;

    /**
     * The share of the heap, one in so many, that one encoded value may take. An encoded value may be much larger than
     * the value: an object that is referred to twice is written twice, and an object that it refers to four times.
     */
    private static final int SHARE_OF_HEAP = 4;

    /** Asked for once: the JVM takes as long to say it as it takes to write a number. */
    private static final long heapLimit = Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP;

    private final long limit;
    private final int outOfBandBytes;
    private final @Nullable Nest nest;
    private final Setup setup;
    private final SharedArrays shared;
    private @Nullable HeldArrays held;
    private final List<ByteBuffer> pieces = new ArrayList<>(2);
    private final List<Object> arrays = new ArrayList<>(0);
    private @Nullable ByteBuffer last;
    private int hashing;
    private long size;
    private long inHeap;

    private Encoding(long limit, int outOfBandBytes, @Nullable Nest nest, Setup setup, SharedArrays shared) {
        this.limit = limit;
        this.outOfBandBytes = outOfBandBytes;
        this.nest = nest;
        this.setup = setup;
        this.shared = shared;
    }

    static Encoding ofPayload(WireOptions options, Setup setup, SharedArrays shared) {
        return new Encoding(options.maxPayloadBytes(), options.outOfBandBytes(), null, setup, shared);
    }

    /**
     * Returns an encoding of the state of an exception: small and in one piece.
     *
     * @param around the encoding that the exception is a value of; null if it is what a call threw
     */
    static Encoding ofState(@Nullable Encoding around, Setup setup) {
        Nest outer = around == null ? null : around.nest;
        return new Encoding(
                MAX_STATE,
                Integer.MAX_VALUE,
                outer == null ? new Nest(1, new AtomicInteger()) : new Nest(outer.depth + 1, outer.exceptions),
                setup,
                SharedArrays.NONE);
    }

    /**
     * Exceptions within exceptions, such as the next of an {@code SQLException}.
     *
     * @param depth the number of exceptions around this one
     * @param exceptions the number of exceptions in the outermost one
     */
    private record Nest(int depth, AtomicInteger exceptions) {}

    static Encoding of(DatabindContext context) {
        return (Encoding) context.getAttribute(Encoding.class);
    }

    /** Returns whether this is the state of an exception. */
    boolean isState() {
        return nest != null;
    }

    /** Returns the listener for what is set up for this. */
    Setup setup() {
        return setup;
    }

    /**
     * Returns whether another exception may be written as a value: within an exception there may be some, not any
     * number.
     */
    boolean takesException() {
        return nest == null
                || (nest.depth < Failure.MAX_DEPTH_OF_STATE && nest.exceptions.incrementAndGet() <= MAX_NESTED);
    }

    /**
     * Records that what is written next will be asked for its hash code by the receiver, or compared, until
     * {@link #afterHashing}.
     */
    void beforeHashing() {
        hashing++;
    }

    void afterHashing() {
        hashing--;
    }

    /** Returns whether what is written will be asked for its hash code, or compared. */
    boolean isHashing() {
        return hashing > 0;
    }

    /** Adds bytes that are not changed afterwards. */
    void share(ByteBuffer bytes) {
        pieces.add(bytes);
        size += bytes.remaining();
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        count(length);
        inHeap += length;
        if (inHeap > heapLimit) {
            throw new TooLargeException("would become larger than " + heapLimit
                    + " bytes, a quarter of the heap of this JVM. An object that is referred to several times is sent"
                    + " each time; so is all that it refers to. Pass less, for example keys instead of objects that"
                    + " share others, or give the JVM a larger heap (-Xmx).");
        }
        int left = length;
        if (last != null) {
            int fitting = Math.min(last.remaining(), length);
            last.put(bytes, offset, fitting);
            left -= fitting;
        }
        if (left > 0) {
            // The first piece is exact: a small call is written once. Then they grow with what is there already.
            int capacity = last == null ? left : (int) Math.max(left, Math.min(size, LARGEST_PIECE));
            seal();
            last = ByteBuffer.allocate(capacity).put(bytes, offset + length - left, left);
        }
    }

    /** Takes an array out of band if it is large enough; returns its number, or -1. */
    int takeArray(Object array, long bytes) throws TooLargeException {
        if (bytes < outOfBandBytes) {
            return -1;
        }
        count(bytes);
        arrays.add(array);
        return arrays.size() - 1;
    }

    /** Returns the shared arrays that are named here, to which more may be added. */
    HeldArrays hold() {
        if (held == null) {
            held = new HeldArrays(shared);
        }
        return held;
    }

    /** Returns the shared arrays that are named here, which the owner of the payload releases; null if none are. */
    @Nullable
    HeldArrays held() {
        return held;
    }

    /** Lets go of the shared arrays that are named here. */
    void release() {
        if (held != null) {
            held.release();
        }
    }

    Payload finish() {
        seal();
        return new Payload(pieces, arrays);
    }

    private void seal() {
        if (last != null) {
            pieces.add(last.flip());
            last = null;
        }
    }

    private void count(long bytes) throws TooLargeException {
        size += bytes;
        if (size > limit) {
            throw new TooLargeException("is larger than " + limit
                    + " bytes, the limit of the pool. Pass less, for example the name of a file, or raise the"
                    + " pool's limit.");
        }
    }

    /** Thrown when a payload reaches the limit, long before memory does. */
    static final class TooLargeException extends IOException {

        private static final long serialVersionUID = 1;

        TooLargeException(String why) {
            super(why);
        }
    }
}
