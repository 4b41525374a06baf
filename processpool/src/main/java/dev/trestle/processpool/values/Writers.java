package dev.trestle.processpool.values;

import dev.trestle.api.SharedArray;
import dev.trestle.processpool.wire.ArrayKind;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationContext;

/** The serializers of what Jackson writes otherwise than we need it. {@link Readers} has the other half. */
final class Writers {

    private Writers() {}

    /** Writes values that the receiver will hash. */
    static void writeHashed(Slot slot, @Nullable Object value, JsonGenerator to, SerializationContext context) {
        Encoding encoding = Encoding.of(context);
        encoding.beforeHashing();
        try {
            slot.write(value, to, context);
        } finally {
            encoding.afterHashing();
        }
    }

    /** A value of the built-in list. */
    static final class OfScalar extends WireSerializer {
        private final Scalar scalar;

        OfScalar(Scalar scalar) {
            this.scalar = scalar;
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            if (scalar == Scalar.URL_ && Encoding.of(context).isHashing()) {
                throw Refusal.hashedUrl();
            }
            if (scalar == Scalar.SHARED_ARRAY) {
                Encoding.of(context).hold().write((SharedArray<?>) value, to);
            } else {
                scalar.write(value, to);
            }
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

    /** Writes collections and maps. The encoding depends on the class of each value, not on the declared class. */
    abstract static class OfContainer<F> extends WireSerializer {
        final ValueCodec codec;
        final JavaType type;
        final Slot head;
        private final Map<Class<?>, F> forms = new ConcurrentHashMap<>(2);

        OfContainer(ValueCodec codec, JavaType type) {
            this.codec = codec;
            this.type = type;
            this.head = codec.slot(Object.class);
        }

        F form(Class<?> of, SerializationContext context) {
            F form = forms.get(of);
            if (form == null) {
                form = newForm(of, context);
                forms.put(of, form);
            }
            return form;
        }

        abstract F newForm(Class<?> of, SerializationContext context);

        /** Returns the type that the reader takes for values of a class that the wire names. */
        JavaType precise(Class<?> named, SerializationContext context) {
            return type.isTypeOrSuperTypeOf(named) ? WireTyping.precise(type, named, context) : type;
        }

        void writeHead(@Nullable Object value, Object of, JsonGenerator to, SerializationContext context) {
            try {
                head.write(value, to, context);
            } catch (JacksonException e) {
                throw e.prependPath(of, value instanceof Comparator<?> ? "comparator()" : "(what it wraps)");
            }
        }

        static RefusedException refused(Class<?> type) {
            Refusal refusal = Refusal.container(type);
            return new RefusedException(type.getName(), refusal.reason(), refusal.remedy());
        }
    }

    /** Collections of one class in places of one type. */
    record CollectionForm(CollectionKind kind, Slot elements) {}

    /** Maps of one class in places of one type. */
    record MapForm(MapKind kind, Slot keys, Slot values) {}

    /** A collection: its elements, after the one value that some kinds have in front of them. */
    static final class OfCollection extends OfContainer<CollectionForm> {

        OfCollection(ValueCodec codec, JavaType type) {
            super(codec, type);
        }

        @Override
        CollectionForm newForm(Class<?> of, SerializationContext context) {
            CollectionKind kind = CollectionKind.index.of(of);
            if (kind == null) {
                throw refused(of);
            }
            JavaType collection = precise(kind == CollectionKind.OWN ? of : kind.type(), context);
            return new CollectionForm(kind, new Slot(WireTyping.contentOf(collection)));
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            CollectionForm form = form(value.getClass(), context);
            Collection<?> collection = (Collection<?>) value;
            to.writeStartArray(value);
            boolean hasElements = !form.kind.isWrapper();
            if (form.kind == CollectionKind.OWN) {
                hasElements = OwnContainer.of(value.getClass()).write(value, to, context, codec);
            } else if (form.kind.hasHead()) {
                writeHead(form.kind.head(collection), value, to, context);
            }
            if (hasElements) {
                boolean isHashed = form.kind == CollectionKind.OWN ? value instanceof Set<?> : form.kind.isHashed();
                int index = 0;
                for (Object each : collection) {
                    try {
                        if (isHashed) {
                            writeHashed(form.elements, each, to, context);
                        } else {
                            form.elements.write(each, to, context);
                        }
                    } catch (RuntimeException e) {
                        wrapAndThrow(context, e, value, index);
                    }
                    index++;
                }
            }
            to.writeEndArray();
        }
    }

    /** A map: keys and values in turn, so that a key may be anything; after the one value that some kinds have. */
    static final class OfMap extends OfContainer<MapForm> {

        OfMap(ValueCodec codec, JavaType type) {
            super(codec, type);
        }

        @Override
        MapForm newForm(Class<?> of, SerializationContext context) {
            MapKind kind = MapKind.index.of(of);
            if (kind == null) {
                throw refused(of);
            }
            JavaType map = precise(kind == MapKind.OWN ? of : kind.type(), context);
            return new MapForm(kind, new Slot(WireTyping.keyOf(map)), new Slot(WireTyping.contentOf(map)));
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            MapForm form = form(value.getClass(), context);
            Map<?, ?> map = (Map<?, ?>) value;
            to.writeStartArray(value);
            boolean hasEntries = !form.kind.isWrapper();
            if (form.kind == MapKind.OWN) {
                hasEntries = OwnContainer.of(value.getClass()).write(value, to, context, codec);
            } else if (form.kind.hasHead()) {
                writeHead(form.kind.head(map), value, to, context);
            }
            if (hasEntries) {
                boolean isHashed = form.kind == MapKind.OWN || form.kind.isHashed();
                for (Map.Entry<?, ?> each : map.entrySet()) {
                    try {
                        if (isHashed) {
                            writeHashed(form.keys, each.getKey(), to, context);
                        } else {
                            form.keys.write(each.getKey(), to, context);
                        }
                    } catch (RuntimeException e) {
                        wrapAndThrow(context, e, value, "(key)");
                    }
                    try {
                        form.values.write(each.getValue(), to, context);
                    } catch (RuntimeException e) {
                        wrapAndThrow(context, e, value, String.valueOf(each.getKey()));
                    }
                }
            }
            to.writeEndArray();
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

    /** A tree of Jackson's, as Jackson writes it, but for nodes that it reads as others. */
    static final class OfTree extends WireSerializer {
        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            var node = (JsonNode) value;
            check(node);
            node.serialize(to, context);
        }

        private static void check(JsonNode node) {
            if (node.isShort() || node.isPojo() || node.isMissingNode()) {
                throw new RefusedException(
                        node.getClass().getName(),
                        "would arrive as a node of another class",
                        "Put a number, a text, a boolean, bytes, an array or an object there.");
            }
            for (JsonNode each : node) {
                check(each);
            }
        }
    }

    /** A constant: its name. */
    static final class OfConstant extends WireSerializer {
        private final Constants constants;

        OfConstant(Constants constants) {
            this.constants = constants;
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            to.writeString(constants.nameOf(value));
        }
    }

    /** A writer for a value that cannot travel; throws when it is written. */
    static final class OfRefused extends WireSerializer {
        private final String reason;
        private final String remedy;

        OfRefused(Refusal refusal) {
            this.reason = refusal.reason();
            this.remedy = refusal.remedy();
        }

        @Override
        public void serialize(Object value, JsonGenerator to, SerializationContext context) {
            throw new RefusedException(value.getClass().getName(), reason, remedy);
        }
    }
}
