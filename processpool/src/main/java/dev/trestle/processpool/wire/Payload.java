package dev.trestle.processpool.wire;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The data of a call or of a result: bytes, and big primitive arrays out of band.
 *
 * <p>A payload is immutable, but a large array of the sender's goes out of band: it is not copied, it is read when the
 * frame is written. A caller that submits a big array must not change it until the call is done.
 */
public final class Payload {

    public static final Payload EMPTY = new Payload(List.of(), List.of());

    private final List<ByteBuffer> body;
    private final List<Object> arrays;
    private final int bodySize;
    private final long size;

    /**
     * Creates a payload.
     *
     * @param body the bytes, in pieces, to which no code writes any more
     * @param arrays primitive arrays
     */
    public Payload(List<ByteBuffer> body, List<Object> arrays) {
        this.body = List.copyOf(body);
        this.arrays = List.copyOf(arrays);
        long bytes = 0;
        for (int i = 0; i < this.body.size(); i++) { // a small payload needs no memory for iterators
            bytes += this.body.get(i).remaining();
        }
        this.bodySize = Math.toIntExact(bytes);
        for (int i = 0; i < this.arrays.size(); i++) {
            bytes += ArrayKind.of(this.arrays.get(i)).bytes(this.arrays.get(i));
        }
        this.size = bytes;
    }

    /**
     * Returns the size of this payload in bytes, out-of-band arrays included.
     *
     * @return the size in bytes
     */
    public long size() {
        return size;
    }

    /** Returns the size without the arrays. */
    public int bodySize() {
        return bodySize;
    }

    /** Returns the pieces of the body; a reader duplicates them. */
    public List<ByteBuffer> body() {
        return body;
    }

    /** Returns the out-of-band arrays. */
    public List<Object> arrays() {
        return arrays;
    }

    /** Returns the body as one heap buffer, which it is already when it has arrived or is small. */
    public ByteBuffer wholeBody() {
        if (body.size() == 1 && body.getFirst().hasArray()) {
            return body.getFirst().duplicate();
        }
        ByteBuffer whole = ByteBuffer.allocate(bodySize);
        for (ByteBuffer each : body) {
            whole.put(each.duplicate());
        }
        return whole.flip();
    }

    @Override
    public String toString() {
        return "Payload[size=%d, arrays=%d]".formatted(size, arrays.size());
    }
}
