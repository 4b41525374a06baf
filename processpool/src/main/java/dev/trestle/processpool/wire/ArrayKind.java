package dev.trestle.processpool.wire;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A kind of primitive arrays, which writes their elements as bytes and reads them back. */
public enum ArrayKind {
    BYTE(byte.class, 1) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.put((byte[]) array, from, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.get((byte[]) array, at, count);
        }
    },
    BOOLEAN(boolean.class, 1) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            boolean[] values = (boolean[]) array;
            for (int i = from; i < from + count; i++) {
                to.put((byte) (values[i] ? 1 : 0));
            }
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            boolean[] values = (boolean[]) array;
            for (int i = at; i < at + count; i++) {
                values[i] = from.get() != 0;
            }
        }
    },
    SHORT(short.class, 2) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.asShortBuffer().put((short[]) array, from, count);
            advance(to, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.asShortBuffer().get((short[]) array, at, count);
            advance(from, count);
        }
    },
    CHAR(char.class, 2) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.asCharBuffer().put((char[]) array, from, count);
            advance(to, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.asCharBuffer().get((char[]) array, at, count);
            advance(from, count);
        }
    },
    INT(int.class, 4) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.asIntBuffer().put((int[]) array, from, count);
            advance(to, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.asIntBuffer().get((int[]) array, at, count);
            advance(from, count);
        }
    },
    LONG(long.class, 8) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.asLongBuffer().put((long[]) array, from, count);
            advance(to, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.asLongBuffer().get((long[]) array, at, count);
            advance(from, count);
        }
    },
    FLOAT(float.class, 4) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.asFloatBuffer().put((float[]) array, from, count);
            advance(to, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.asFloatBuffer().get((float[]) array, at, count);
            advance(from, count);
        }
    },
    DOUBLE(double.class, 8) {
        @Override
        public void put(Object array, int from, int count, ByteBuffer to) {
            to.asDoubleBuffer().put((double[]) array, from, count);
            advance(to, count);
        }

        @Override
        public void get(ByteBuffer from, Object array, int at, int count) {
            from.asDoubleBuffer().get((double[]) array, at, count);
            advance(from, count);
        }
    };

    private static final ArrayKind[] kinds = values();
    private static final Map<Class<?>, ArrayKind> byArrayClass = new HashMap<>();

    static {
        for (ArrayKind kind : kinds) {
            byArrayClass.put(kind.element.arrayType(), kind);
        }
    }

    private final Class<?> element;
    private final int width;

    ArrayKind(Class<?> element, int width) {
        this.element = element;
        this.width = width;
    }

    /** Writes elements; the buffer has room for them. */
    public abstract void put(Object array, int from, int count, ByteBuffer to);

    /** Reads elements; the buffer has them. */
    public abstract void get(ByteBuffer from, Object array, int at, int count);

    void advance(ByteBuffer buffer, int count) {
        buffer.position(buffer.position() + count * width);
    }

    public Object allocate(int length) {
        return Array.newInstance(element, length);
    }

    public Class<?> arrayClass() {
        return element.arrayType();
    }

    /** Returns the number of this kind on the wire. */
    @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
    int number() {
        return ordinal();
    }

    public int width() {
        return width;
    }

    public long bytes(Object array) {
        return (long) Array.getLength(array) * width;
    }

    public static ArrayKind of(Object array) {
        return ofArrayClass(array.getClass());
    }

    public static ArrayKind ofArrayClass(Class<?> type) {
        ArrayKind kind = byArrayClass.get(type);
        if (kind == null) {
            throw new IllegalArgumentException("not a primitive array: " + type.getTypeName());
        }
        return kind;
    }

    /** Returns the kind with a number from the wire, or null if there is none. */
    public static @Nullable ArrayKind at(int number) {
        return number >= 0 && number < kinds.length ? kinds[number] : null;
    }
}
