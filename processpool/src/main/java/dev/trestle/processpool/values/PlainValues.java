package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.ProtocolException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Documents of nothing but null, numbers, booleans, characters and short texts, which is what most small calls take and
 * return. They do without Jackson, which a JVM that has just started needs longer to set up than for everything else.
 */
final class PlainValues {

    /* The first byte tells the two kinds of documents apart: Smile's begin with a colon. */

    private static final byte MARK = 1;
    private static final int MOST = 16;
    private static final int LONGEST_TEXT = 100;

    /** The bytes of the largest number with its kind. */
    private static final int LARGEST_NUMBER = 1 + Long.BYTES;

    /** Kinds of values, by their first byte. */
    private enum Kind {
        NULL(Void.class, void.class),
        BOOLEAN(Boolean.class, boolean.class),
        BYTE(Byte.class, byte.class),
        SHORT(Short.class, short.class),
        CHARACTER(Character.class, char.class),
        INTEGER(Integer.class, int.class),
        LONG(Long.class, long.class),
        FLOAT(Float.class, float.class),
        DOUBLE(Double.class, double.class),
        TEXT(String.class, String.class);

        private static final Kind[] kinds = values();

        private final Class<?> type;
        private final Class<?> primitive;

        Kind(Class<?> type, Class<?> primitive) {
            this.type = type;
            this.primitive = primitive;
        }

        static @Nullable Kind of(@Nullable Object value) {
            if (value instanceof String text) {
                return isShortText(text) ? TEXT : null;
            }
            for (Kind each : kinds) {
                if (value == null ? each == NULL : value.getClass() == each.type) {
                    return each;
                }
            }
            return null;
        }

        boolean fits(Class<?> declared) {
            return this == NULL || declared == primitive || declared.isAssignableFrom(type);
        }
    }

    private PlainValues() {}

    /** Writes values, if all of them are plain; returns whether they are. */
    static boolean write(@Nullable Object[] values, Encoding to) {
        BodyWriter document = document(values);
        if (document == null) {
            return false;
        }
        try {
            to.write(document.toArray());
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e); // it is too large
        }
    }

    /**
     * Returns a payload of values, without what an {@link Encoding} takes; null if they are not plain, or together
     * larger than a limit.
     *
     * @param before the bytes in front of the values; null if there are none
     */
    static @Nullable Payload payload(@Nullable ByteBuffer before, @Nullable Object[] values, long limit) {
        BodyWriter document = document(values);
        if (document == null) {
            return null;
        }
        ByteBuffer written = document.written();
        var payload = new Payload(before == null ? List.of(written) : List.of(before, written), List.of());
        return payload.size() <= limit ? payload : null;
    }

    /** Returns a document of values; null if they are not plain. */
    private static @Nullable BodyWriter document(@Nullable Object[] values) {
        if (values.length > MOST) {
            return null;
        }
        int size = 1;
        for (Object each : values) {
            size += LARGEST_NUMBER + (each instanceof String text ? Math.min(text.length(), LONGEST_TEXT) : 0);
        }
        var body = new BodyWriter(size);
        body.octet(MARK);
        for (Object each : values) {
            Kind kind = Kind.of(each);
            if (kind == null) {
                return null;
            }
            write(kind, each, body);
        }
        return body;
    }

    @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
    private static void write(Kind kind, @Nullable Object value, BodyWriter to) {
        to.octet((byte) kind.ordinal());
        if (value == null) {
            return;
        }
        switch (kind) {
            case NULL -> {}
            case BOOLEAN -> to.flag((Boolean) value);
            case BYTE -> to.octet((Byte) value);
            case SHORT -> to.number((Short) value);
            case CHARACTER -> to.number((Character) value);
            case INTEGER -> to.number((Integer) value);
            case LONG -> to.longNumber((Long) value);
            case FLOAT -> to.number(Float.floatToRawIntBits((Float) value));
            case DOUBLE -> to.longNumber(Double.doubleToRawLongBits((Double) value));
            case TEXT -> to.string((String) value);
        }
    }

    /** Returns whether a text is short, and text: half a character is refused, by Jackson. */
    private static boolean isShortText(String text) {
        if (text.length() > LONGEST_TEXT) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    /** Returns whether a payload is one of these, as a result is that consists of plain values. */
    static boolean isPlain(Payload payload) {
        return payload.body().size() == 1 && isPlain(payload.body().getFirst());
    }

    /** Returns whether a document is one of these. */
    static boolean isPlain(ByteBuffer document) {
        return document.hasRemaining() && document.get(document.position()) == MARK;
    }

    /**
     * Reads as many values as there are places, and checks that they fit.
     *
     * @throws IllegalArgumentException if they do not, or are no values
     */
    static @Nullable Object[] read(ByteBuffer document, Slot... places) {
        try {
            var from = new BodyReader(document);
            from.octet();
            var values = new @Nullable Object[places.length];
            for (int i = 0; i < values.length; i++) {
                values[i] = read(from, places[i].declared());
            }
            from.end();
            return values;
        } catch (ProtocolException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static @Nullable Object read(BodyReader from, Class<?> declared) throws ProtocolException {
        int number = from.octet();
        if (number < 0 || number >= Kind.kinds.length) {
            throw new ProtocolException("There is no value of kind " + number);
        }
        Kind kind = Kind.kinds[number];
        if (!kind.fits(declared)) {
            throw new ProtocolException(
                    JavaClasses.aOrAn(kind.type.getName()) + " came where " + declared.getName() + " is declared");
        }
        return switch (kind) {
            case NULL -> null;
            case BOOLEAN -> from.flag();
            case BYTE -> from.octet();
            case SHORT -> (short) from.number();
            case CHARACTER -> (char) from.number();
            case INTEGER -> from.number();
            case LONG -> from.longNumber();
            case FLOAT -> Float.intBitsToFloat(from.number());
            case DOUBLE -> Double.longBitsToDouble(from.longNumber());
            case TEXT -> from.string();
        };
    }
}
