package dev.trestle.processpool.wire;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.PriorityBlockingQueue;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.SerializationContext;

/** The serializers of what Jackson writes otherwise than we need it. {@link Readers} has the other half. */
final class Writers {

    private Writers() {}

    /** A value of the built-in list. */
    static final class OfScalar extends WireSerializer {
        private final Scalar scalar;

        OfScalar(Scalar scalar) {
            this.scalar = scalar;
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            scalar.write(value, to);
        }
    }

    /** A primitive array: its bytes, or the number of an out-of-band array. */
    static final class OfPrimitives extends WireSerializer {
        @Override
        public void serialize(Object array, JsonGenerator to, SerializationContext context) {
            ArrayKind kind = ArrayKind.of(array);
            long bytes = kind.bytes(array);
            int number;
            try {
                number = Encoding.of(context).takeArray(array, bytes);
            } catch (Encoding.TooLargeException e) {
                throw JacksonIOException.construct(e, to);
            }
            if (number >= 0) {
                to.writeNumber(number);
            } else if (array instanceof byte[] plain) {
                to.writeBinary(plain);
            } else {
                ByteBuffer buffer = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
                kind.put(array, 0, Array.getLength(array), buffer);
                to.writeBinary(buffer.array());
            }
        }
    }

    /** A collection: its elements, after the comparator of a sorted one. */
    static final class OfCollection extends WireSerializer {
        private final Slot elements;
        private final boolean sorted;
        private final Slot order;

        OfCollection(JavaType elementType, boolean sorted, JavaType anything) {
            this.elements = new Slot(elementType);
            this.sorted = sorted;
            this.order = new Slot(anything);
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            to.writeStartArray(value);
            if (sorted) {
                writeOrder(comparator((Collection<?>) value), value, order, to, context);
            }
            int index = 0;
            for (Object each : (Collection<?>) value) {
                try {
                    elements.write(each, to, context);
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, value, index);
                }
                index++;
            }
            to.writeEndArray();
        }

        private static @Nullable Comparator<?> comparator(Collection<?> collection) {
            return switch (collection) {
                case SortedSet<?> set -> set.comparator();
                case PriorityQueue<?> queue -> queue.comparator();
                case PriorityBlockingQueue<?> queue -> queue.comparator();
                default -> null;
            };
        }
    }

    /** A map: keys and values in turn, so that a key may be anything; after the comparator of a sorted one. */
    static final class OfMap extends WireSerializer {
        private final Slot keys;
        private final Slot values;
        private final boolean sorted;
        private final Slot order;

        OfMap(JavaType keyType, JavaType valueType, boolean sorted, JavaType anything) {
            this.keys = new Slot(keyType);
            this.values = new Slot(valueType);
            this.sorted = sorted;
            this.order = new Slot(anything);
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            to.writeStartArray(value);
            if (sorted) {
                writeOrder(value instanceof SortedMap<?, ?> map ? map.comparator() : null, value, order, to, context);
            }
            for (Map.Entry<?, ?> each : ((Map<?, ?>) value).entrySet()) {
                try {
                    keys.write(each.getKey(), to, context);
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, value, "(key)");
                }
                try {
                    values.write(each.getValue(), to, context);
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, value, String.valueOf(each.getKey()));
                }
            }
            to.writeEndArray();
        }
    }

    private static void writeOrder(
            @Nullable Comparator<?> comparator, Object of, Slot slot, JsonGenerator to, SerializationContext context) {
        try {
            slot.write(comparator, to, context);
        } catch (JacksonException e) {
            throw e.prependPath(of, "comparator()");
        }
    }

    /** An entry of a map. */
    static final class OfEntry extends WireSerializer {
        private final Slot key;
        private final Slot value;

        OfEntry(JavaType keyType, JavaType valueType) {
            this.key = new Slot(keyType);
            this.value = new Slot(valueType);
        }

        @Override
        public void serialize(Object entry, JsonGenerator to, SerializationContext context) {
            to.writeStartArray(entry);
            key.write(((Map.Entry<?, ?>) entry).getKey(), to, context);
            value.write(((Map.Entry<?, ?>) entry).getValue(), to, context);
            to.writeEndArray();
        }
    }

    /** An optional: an array of none or one, so that no optional and an empty one are two things. */
    static final class OfOptional extends WireSerializer {
        private final Slot content;

        OfOptional(JavaType contentType) {
            this.content = new Slot(contentType);
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            to.writeStartArray(value);
            Optional<?> optional = (Optional<?>) value;
            if (optional.isPresent()) {
                try {
                    content.write(optional.get(), to, context);
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, value, "get()");
                }
            }
            to.writeEndArray();
        }
    }

    /** A set of enum constants: the enum, then the names. */
    static final class OfEnumSet extends WireSerializer {
        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            to.writeStartArray(value);
            to.writeString(TypeNames.nameOf(EnumTypes.of((EnumSet<?>) value)));
            for (Enum<?> each : (EnumSet<?>) value) {
                to.writeString(each.name());
            }
            to.writeEndArray();
        }
    }

    /** A map of enum constants: the enum, then names and values in turn. */
    static final class OfEnumMap extends WireSerializer {
        private final Slot values;

        OfEnumMap(JavaType valueType) {
            this.values = new Slot(valueType);
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            to.writeStartArray(value);
            EnumMap<?, ?> map = (EnumMap<?, ?>) value;
            to.writeString(TypeNames.nameOf(EnumTypes.of(map)));
            for (Map.Entry<? extends Enum<?>, ?> each : map.entrySet()) {
                to.writeString(each.getKey().name());
                try {
                    values.write(each.getValue(), to, context);
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, value, each.getKey().name());
                }
            }
            to.writeEndArray();
        }
    }

    /** A stream that was read. */
    static final class OfStream extends WireSerializer {
        private final Slot elements;

        OfStream(JavaType anything) {
            this.elements = new Slot(anything);
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            elements.write(((StreamValue) value).elements(), to, context);
        }
    }

    /** A value that no one can send; says so when somebody tries. */
    static final class OfRefused extends WireSerializer {
        private final String reason;
        private final String wayOut;

        OfRefused(Refusal refusal) {
            this.reason = refusal.reason();
            this.wayOut = refusal.wayOut();
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            throw new RefusedException(value.getClass().getName(), reason, wayOut);
        }
    }
}
