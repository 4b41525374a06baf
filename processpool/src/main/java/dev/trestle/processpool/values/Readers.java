package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.ArrayKind;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ValueDeserializer;

/** The deserializers of what {@link Writers} writes. */
final class Readers {

    private Readers() {}

    /** A value of the built-in list. */
    static final class OfScalar extends ValueDeserializer<Object> {
        private final Scalar scalar;

        OfScalar(Scalar scalar) {
            this.scalar = scalar;
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            if (scalar == Scalar.URL_ && Decoding.of(context).isHashing()) {
                throw Refusal.hashedUrl();
            }
            return scalar == Scalar.SHARED_ARRAY ? Decoding.of(context).hold().read(from) : scalar.read(from, context);
        }
    }

    /** A constant. */
    static final class OfConstant extends ValueDeserializer<Object> {
        private final Constants constants;

        OfConstant(Constants constants) {
            this.constants = constants;
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            return constants.named(from.getString());
        }
    }

    /** A primitive array. */
    static final class OfPrimitives extends ValueDeserializer<Object> {
        private final ArrayKind kind;

        OfPrimitives(ArrayKind kind) {
            this.kind = kind;
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            if (from.currentToken() == JsonToken.VALUE_NUMBER_INT) {
                return Decoding.of(context).array(from.getIntValue(), kind.arrayClass());
            }
            byte[] bytes = binary(from);
            if (kind == ArrayKind.BYTE) {
                return bytes;
            }
            Object array = kind.allocate(bytes.length / kind.width());
            kind.get(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), array, 0, Array.getLength(array));
            return array;
        }
    }

    /** A collection. */
    static final class OfCollection extends ValueDeserializer<Object> {
        private final ValueCodec codec;
        private final Class<?> type;
        private final @Nullable CollectionKind kind;
        private final Slot elements;

        OfCollection(ValueCodec codec, JavaType type) {
            this.codec = codec;
            this.type = type.getRawClass();
            this.kind = this.type.isInterface() ? null : CollectionKind.index.of(this.type);
            this.elements = new Slot(WireTyping.contentOf(type));
        }

        @Override
        @SuppressWarnings("unchecked") // its own elements
        public Object deserialize(JsonParser from, DeserializationContext context) {
            start(from, context, type);
            if (kind == null) {
                throw refused(type);
            }
            if (kind == CollectionKind.OWN) {
                OwnContainer own = OwnContainer.of(type);
                Map<String, @Nullable Object> fields = own.read(from, context, codec);
                Object made = own.make();
                fill((Collection<@Nullable Object>) made, made instanceof Set<?>, from, context);
                own.set(made, fields);
                return made;
            }
            Object head = kind.hasHead() ? readHead(codec, from, context) : null;
            kind.charge(head, Decoding.of(context));
            Collection<@Nullable Object> filled = kind.create(head);
            fill(filled, kind.isHashed(), from, context);
            kind.checkComparisons(filled, Decoding.of(context));
            return kind.finish(filled, head);
        }

        private void fill(
                Collection<@Nullable Object> filled,
                boolean isHashed,
                JsonParser from,
                DeserializationContext context) {
            Decoding decoding = Decoding.of(context);
            boolean isCounted = isHashed && !decoding.policy().isTrusting();
            Collection<@Nullable Object> read = isCounted ? new ArrayList<>() : filled;
            while (more(from, context, type)) {
                decoding.checkWanted();
                read.add(isHashed ? readHashed(elements, from, context, decoding) : elements.read(from, context));
            }
            if (isCounted) {
                checkComparisons(filled, (List<@Nullable Object>) read, decoding);
                for (Object each : read) {
                    decoding.checkWanted();
                    filled.add(each);
                }
            }
        }

        private void checkComparisons(Collection<?> filled, List<@Nullable Object> read, Decoding decoding) {
            if (filled instanceof SortedSet<?>) {
                return;
            }
            Comparisons.checkEqualHashes(requireNonNull(kind).hashedParts(read), type, decoding);
            CollectionKind ofJdk = kind == CollectionKind.OWN ? CollectionKind.index.ofJdkPart(type) : null;
            if (ofJdk != null) {
                ofJdk.checkComparisons(read, decoding);
            }
        }
    }

    /** A map. */
    static final class OfMap extends ValueDeserializer<Object> {
        private final ValueCodec codec;
        private final Class<?> type;
        private final @Nullable MapKind kind;
        private final Slot keys;
        private final Slot values;

        OfMap(ValueCodec codec, JavaType type) {
            this.codec = codec;
            this.type = type.getRawClass();
            this.kind = this.type.isInterface() ? null : MapKind.index.of(this.type);
            this.keys = new Slot(WireTyping.keyOf(type));
            this.values = new Slot(WireTyping.contentOf(type));
        }

        @Override
        @SuppressWarnings("unchecked") // its own entries
        public Object deserialize(JsonParser from, DeserializationContext context) {
            start(from, context, type);
            if (kind == null) {
                throw refused(type);
            }
            if (kind == MapKind.OWN) {
                OwnContainer own = OwnContainer.of(type);
                Map<String, @Nullable Object> fields = own.read(from, context, codec);
                Object made = own.make();
                fill((Map<@Nullable Object, @Nullable Object>) made, true, from, context);
                own.set(made, fields);
                return made;
            }
            Object head = kind.hasHead() ? readHead(codec, from, context) : null;
            kind.charge(head, Decoding.of(context));
            Map<@Nullable Object, @Nullable Object> filled = kind.create(head);
            fill(filled, kind.isHashed(), from, context);
            kind.checkComparisons(filled.keySet(), Decoding.of(context));
            return kind.finish(filled, head);
        }

        private void fill(
                Map<@Nullable Object, @Nullable Object> filled,
                boolean isHashed,
                JsonParser from,
                DeserializationContext context) {
            Decoding decoding = Decoding.of(context);
            boolean isCounted = isHashed && !decoding.policy().isTrusting();
            List<@Nullable Object> readKeys = new ArrayList<>(0);
            List<@Nullable Object> readValues = new ArrayList<>(0);
            while (more(from, context, type)) {
                decoding.checkWanted();
                Object key = isHashed ? readHashed(keys, from, context, decoding) : keys.read(from, context);
                next(from, context, type);
                Object value = values.read(from, context);
                if (isCounted) {
                    readKeys.add(key);
                    readValues.add(value);
                } else {
                    filled.put(key, value);
                }
            }
            checkComparisons(filled, readKeys, decoding);
            for (int i = 0; i < readKeys.size(); i++) {
                decoding.checkWanted();
                filled.put(readKeys.get(i), readValues.get(i));
            }
        }

        private void checkComparisons(Map<?, ?> filled, List<@Nullable Object> keys, Decoding decoding) {
            if (filled instanceof SortedMap<?, ?>) {
                return;
            }
            Comparisons.checkEqualHashes(keys, type, decoding);
            MapKind ofJdk = kind == MapKind.OWN ? MapKind.index.ofJdkPart(type) : null;
            if (ofJdk != null) {
                ofJdk.checkComparisons(keys, decoding);
            }
        }
    }

    /** Reads a value that will be asked for its hash code. */
    static @Nullable Object readHashed(Slot slot, JsonParser from, DeserializationContext context, Decoding decoding) {
        decoding.beforeHashing();
        try {
            return slot.read(from, context);
        } finally {
            decoding.afterHashing();
        }
    }

    private static @Nullable Object readHead(ValueCodec codec, JsonParser from, DeserializationContext context) {
        next(from, context, Object.class);
        return codec.slot(Object.class).read(from, context);
    }

    private static RefusedException refused(Class<?> container) {
        Refusal refusal = Refusal.container(container);
        return new RefusedException(container.getName(), refusal.reason(), refusal.remedy());
    }

    /** An entry of a map. */
    static final class OfEntry extends ValueDeserializer<Object> {
        private final Class<?> type;
        private final Slot key;
        private final Slot value;

        OfEntry(Class<?> type, JavaType keyType, JavaType valueType) {
            this.type = type;
            this.key = new Slot(keyType);
            this.value = new Slot(valueType);
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            start(from, context, type);
            next(from, context, type);
            Object first = key.read(from, context);
            next(from, context, type);
            Object second = value.read(from, context);
            end(from, context, type);
            if (type == AbstractMap.SimpleEntry.class) {
                return new AbstractMap.SimpleEntry<@Nullable Object, @Nullable Object>(first, second);
            }
            return first == null || second == null || type == AbstractMap.SimpleImmutableEntry.class
                    ? new AbstractMap.SimpleImmutableEntry<@Nullable Object, @Nullable Object>(first, second)
                    : Map.entry(first, second);
        }
    }

    /** An optional. */
    static final class OfOptional extends ValueDeserializer<Object> {
        private final Slot content;

        OfOptional(JavaType contentType) {
            this.content = new Slot(contentType);
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            start(from, context, Optional.class);
            if (from.nextToken() == JsonToken.END_ARRAY) {
                return Optional.empty();
            }
            Object value = content.read(from, context);
            end(from, context, Optional.class);
            return Optional.ofNullable(value);
        }
    }

    /** A stream that was read. */
    static final class OfStream extends ValueDeserializer<Object> {
        private final Slot elements;

        OfStream(JavaType anything) {
            this.elements = new Slot(anything);
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            Object read = elements.read(from, context);
            if (read == null) {
                throw new IllegalArgumentException("a stream without elements");
            }
            return new StreamValue(read);
        }
    }

    /** A value of a class that cannot travel. */
    static final class OfRefused extends ValueDeserializer<Object> {
        private final JavaType type;
        private final Refusal refusal;

        OfRefused(JavaType type, Refusal refusal) {
            this.type = type;
            this.refusal = refusal;
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            throw new RefusedException(type.getRawClass().getName(), refusal.reason(), refusal.remedy());
        }
    }

    /** Returns binary data; text that could be read as such is none. */
    static byte[] binary(JsonParser from) {
        if (from.currentToken() != JsonToken.VALUE_EMBEDDED_OBJECT) {
            throw new IllegalArgumentException("binary data is expected, not " + from.currentToken());
        }
        return from.getBinaryValue();
    }

    static void start(JsonParser from, DeserializationContext context, Class<?> type) {
        if (!from.isExpectedStartArrayToken()) {
            context.handleUnexpectedToken(type, from);
        }
    }

    /** Goes to the next value or to the end; returns whether there is a value. */
    static boolean more(JsonParser from, DeserializationContext context, Class<?> type) {
        JsonToken token = from.nextToken();
        if (token == null) {
            context.handleUnexpectedToken(type, from);
        }
        return token != JsonToken.END_ARRAY;
    }

    /** Goes to the next value, which must be there. */
    static void next(JsonParser from, DeserializationContext context, Class<?> type) {
        JsonToken token = from.nextToken();
        if (token == null || token == JsonToken.END_ARRAY) {
            context.handleUnexpectedToken(type, from);
        }
    }

    static void end(JsonParser from, DeserializationContext context, Class<?> type) {
        if (from.nextToken() != JsonToken.END_ARRAY) {
            context.handleUnexpectedToken(type, from);
        }
    }
}
