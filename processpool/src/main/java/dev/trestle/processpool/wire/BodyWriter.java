package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** A growing buffer for the small bodies of frames. Confined to one thread. */
public final class BodyWriter {

    private ByteBuffer buffer = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);

    public void octet(byte value) {
        room(1).put(value);
    }

    public void flag(boolean value) {
        room(1).put((byte) (value ? 1 : 0));
    }

    public void number(int value) {
        room(4).putInt(value);
    }

    public void longNumber(long value) {
        room(8).putLong(value);
    }

    public void longNumbers(long[] values) {
        number(values.length);
        for (long each : values) {
            longNumber(each);
        }
    }

    void fraction(double value) {
        room(8).putDouble(value);
    }

    public void string(String value) {
        bytes(value.getBytes(UTF_8));
    }

    public void bytes(byte[] value) {
        room(4 + value.length).putInt(value.length).put(value);
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
        return buffer.duplicate().flip();
    }

    public byte[] toArray() {
        byte[] bytes = new byte[buffer.position()];
        buffer.get(0, bytes);
        return bytes;
    }

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            int capacity = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
            buffer =
                    ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
        }
        return buffer;
    }
}
