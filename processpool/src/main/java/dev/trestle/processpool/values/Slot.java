package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Setup;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DatabindContext;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.jsontype.TypeDeserializer;
import tools.jackson.databind.jsontype.TypeSerializer;

/**
 * A place of a declared type that holds one value: a captured variable, a result, an element, a key. Writes the class
 * of the value when the declared type does not say it. Thread-safe.
 */
final class Slot {

    private final Class<?> declared;
    private volatile @Nullable JavaType type;
    private volatile @Nullable Writing writing;
    private volatile @Nullable Reading reading;

    Slot(JavaType type) {
        this(type.getRawClass());
        this.type = type;
    }

    /** Creates a place without asking Jackson, which may not be needed. */
    Slot(Class<?> declared) {
        this.declared = declared;
    }

    Class<?> declared() {
        return declared;
    }

    private JavaType type(DatabindContext context) {
        JavaType known = type;
        if (known == null) {
            known = context.constructType(declared);
            type = known;
        }
        return known;
    }

    void write(@Nullable Object value, JsonGenerator to, SerializationContext context) {
        if (value == null) {
            to.writeNull();
            return;
        }
        Writing how = writing;
        if (how == null) {
            Setup setup = Encoding.of(context).setup();
            setup.begins();
            try {
                how = new Writing(context.findTypeSerializer(type(context)));
                writing = how;
            } finally {
                setup.ends();
            }
        }
        ValueSerializer<Object> serializer = how.serializer(value.getClass(), type(context), context);
        if (how.typeSerializer == null) {
            serializer.serialize(value, to, context);
        } else {
            serializer.serializeWithType(value, to, context, how.typeSerializer);
        }
    }

    @Nullable
    Object read(JsonParser from, DeserializationContext context) {
        if (from.currentToken() == JsonToken.VALUE_NULL) {
            return null;
        }
        Reading how = reading;
        if (how == null) {
            JavaType exact = type(context);
            how = new Reading(
                    context.findTypeDeserializer(exact), context.findContextualValueDeserializer(exact, null));
            reading = how;
        }
        return how.typeDeserializer == null
                ? how.deserializer.deserialize(from, context)
                : how.deserializer.deserializeWithType(from, context, how.typeDeserializer);
    }

    @Override
    public String toString() {
        JavaType known = type;
        return "Slot[" + (known == null ? declared.getName() : known.toCanonical()) + "]";
    }

    private record Reading(@Nullable TypeDeserializer typeDeserializer, ValueDeserializer<Object> deserializer) {}

    /** Serializers by class, the last one in front: most places hold one class. */
    private static final class Writing {

        private final @Nullable TypeSerializer typeSerializer;
        private final ConcurrentHashMap<Class<?>, ValueSerializer<Object>> serializers = new ConcurrentHashMap<>(4);
        private volatile @Nullable Known last;

        Writing(@Nullable TypeSerializer typeSerializer) {
            this.typeSerializer = typeSerializer;
        }

        ValueSerializer<Object> serializer(Class<?> of, JavaType declared, SerializationContext context) {
            Known known = last;
            if (known != null && known.of == of) {
                return known.serializer;
            }
            ValueSerializer<Object> serializer = serializers.get(of);
            if (serializer == null) {
                serializer = setUp(of, declared, context);
                serializers.put(of, serializer);
            }
            last = new Known(of, serializer);
            return serializer;
        }

        private static ValueSerializer<Object> setUp(Class<?> of, JavaType declared, SerializationContext context) {
            Setup setup = Encoding.of(context).setup();
            setup.begins();
            try {
                return context.findContentValueSerializer(WireTyping.precise(declared, of, context), null);
            } finally {
                setup.ends();
            }
        }
    }

    private record Known(Class<?> of, ValueSerializer<Object> serializer) {}
}
