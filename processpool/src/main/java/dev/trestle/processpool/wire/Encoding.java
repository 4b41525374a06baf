package dev.trestle.processpool.wire;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DatabindContext;

/** One payload in the making: takes what Jackson writes, in pieces, and big arrays. Stops at the limit. */
final class Encoding extends OutputStream {

    private static final int LARGEST_PIECE = 1 << 20;
    private static final int MAX_STATE = 64 << 10;

    private final long limit;
    private final int outOfBandBytes;
    private final boolean ofState;
    private final List<ByteBuffer> pieces = new ArrayList<>(2);
    private final List<Object> arrays = new ArrayList<>(0);
    private @Nullable ByteBuffer last;
    private long size;

    private Encoding(long limit, int outOfBandBytes, boolean ofState) {
        this.limit = limit;
        this.outOfBandBytes = outOfBandBytes;
        this.ofState = ofState;
    }

    static Encoding ofPayload(WireOptions options) {
        return new Encoding(options.maxPayloadBytes(), options.outOfBandBytes(), false);
    }

    /** Returns an encoding of the state of an exception: small, in one piece, and without further exceptions. */
    static Encoding ofState() {
        return new Encoding(MAX_STATE, Integer.MAX_VALUE, true);
    }

    static Encoding of(DatabindContext context) {
        return (Encoding) context.getAttribute(Encoding.class);
    }

    boolean isOfState() {
        return ofState;
    }

    /** Adds bytes that nobody will change. */
    void share(byte[] bytes) {
        pieces.add(ByteBuffer.wrap(bytes));
        size += bytes.length;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        count(length);
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
            throw new TooLargeException(limit);
        }
    }

    /** Thrown when a payload reaches the limit, long before memory does. */
    static final class TooLargeException extends IOException {

        private static final long serialVersionUID = 1;

        TooLargeException(long limit) {
            super("larger than " + limit + " bytes");
        }
    }
}
