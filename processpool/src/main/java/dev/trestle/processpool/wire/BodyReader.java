package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Reads the small bodies of frames; believes no length and no count. Confined to one thread. */
public final class BodyReader {

    private final ByteBuffer body;

    public BodyReader(ByteBuffer body) {
        this.body = body.order(ByteOrder.LITTLE_ENDIAN);
    }

    public byte octet() throws ProtocolException {
        return need(1).get();
    }

    public boolean flag() throws ProtocolException {
        byte value = need(1).get();
        if (value != 0 && value != 1) {
            throw new ProtocolException("A flag is " + value + ", not 0 or 1");
        }
        return value == 1;
    }

    public int number() throws ProtocolException {
        return need(4).getInt();
    }

    public long longNumber() throws ProtocolException {
        return need(8).getLong();
    }

    public long[] longNumbers() throws ProtocolException {
        long[] values = new long[count(Long.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = longNumber();
        }
        return values;
    }

    double fraction() throws ProtocolException {
        return need(8).getDouble();
    }

    public String string() throws ProtocolException {
        return new String(bytes(), UTF_8);
    }

    byte[] bytes() throws ProtocolException {
        byte[] value = nullableBytes();
        if (value == null) {
            throw new ProtocolException("A value is missing that must be there");
        }
        return value;
    }

    @Nullable
    String nullableString() throws ProtocolException {
        byte[] value = nullableBytes();
        return value == null ? null : new String(value, UTF_8);
    }

    byte @Nullable [] nullableBytes() throws ProtocolException {
        int length = number();
        if (length == -1) {
            return null;
        }
        byte[] value = new byte[checked(length, 1)];
        body.get(value);
        return value;
    }

    /** Reads bytes without copying them. */
    public ByteBuffer slice() throws ProtocolException {
        int length = checked(number(), 1);
        ByteBuffer slice = body.slice(body.position(), length);
        body.position(body.position() + length);
        return slice;
    }

    /** Reads the number of elements of a list whose elements have at least so many bytes each. */
    int count(int leastBytesEach) throws ProtocolException {
        return checked(number(), leastBytesEach);
    }

    /** Checks that everything was read. */
    public void end() throws ProtocolException {
        if (body.hasRemaining()) {
            throw new ProtocolException("A frame has " + body.remaining() + " bytes more than its content");
        }
    }

    private int checked(int count, int leastBytesEach) throws ProtocolException {
        if (count < 0 || count > body.remaining() / leastBytesEach) {
            throw new ProtocolException(
                    "A length of " + count + " is impossible: " + body.remaining() + " bytes of the frame are left");
        }
        return count;
    }

    private ByteBuffer need(int bytes) throws ProtocolException {
        if (body.remaining() < bytes) {
            throw new ProtocolException(
                    "A frame is too short: " + bytes + " more bytes were expected, " + body.remaining() + " are left");
        }
        return body;
    }
}
