package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A growing buffer for the small bodies of frames. Confined to one thread. */
public final class BodyWriter {

    private static final int USUAL = 256;

    private byte[] bytes;
    private int size;

    public BodyWriter() {
        this(USUAL);
    }

    /**
     * Creates a writer.
     *
     * @param capacity the number of bytes that will probably be written
     */
    public BodyWriter(int capacity) {
        this.bytes = new byte[capacity];
    }

    public void octet(byte value) {
        ensureRoom(1);
        bytes[size++] = value;
    }

    public void flag(boolean value) {
        octet((byte) (value ? 1 : 0));
    }

    public void number(int value) {
        ensureRoom(Integer.BYTES);
        bytes[size++] = (byte) value;
        bytes[size++] = (byte) (value >>> 8);
        bytes[size++] = (byte) (value >>> 16);
        bytes[size++] = (byte) (value >>> 24);
    }

    public void longNumber(long value) {
        number((int) value);
        number((int) (value >>> Integer.SIZE));
    }

    public void longNumbers(long[] values) {
        number(values.length);
        for (long each : values) {
            longNumber(each);
        }
    }

    void fraction(double value) {
        longNumber(Double.doubleToRawLongBits(value));
    }

    public void string(String value) {
        bytes(value.getBytes(UTF_8));
    }

    public void bytes(byte[] value) {
        number(value.length);
        ensureRoom(value.length);
        System.arraycopy(value, 0, bytes, size, value.length);
        size += value.length;
    }

    void nullableString(@Nullable String value) {
        nullableBytes(value == null ? null : value.getBytes(UTF_8));
    }

    void nullableBytes(byte @Nullable [] value) {
        if (value == null) {
            number(-1);
        } else {
            bytes(value);
        }
    }

    /** Returns the bytes that were written. */
    public ByteBuffer written() {
        return ByteBuffer.wrap(bytes, 0, size);
    }

    public byte[] toArray() {
        return Arrays.copyOf(bytes, size);
    }

    private void ensureRoom(int count) {
        if (bytes.length - size < count) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + count));
        }
    }
}
