package dev.trestle.processpool.wire;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.BeanProperty;
import tools.jackson.databind.DatabindContext;
import tools.jackson.databind.DefaultTyping;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.jsontype.NamedType;
import tools.jackson.databind.jsontype.PolymorphicTypeValidator;
import tools.jackson.databind.jsontype.TypeDeserializer;
import tools.jackson.databind.jsontype.TypeSerializer;
import tools.jackson.databind.jsontype.impl.AsArrayTypeSerializer;
import tools.jackson.databind.jsontype.impl.DefaultTypeResolverBuilder;
import tools.jackson.databind.jsontype.impl.TypeIdResolverBase;

/**
 * When and how the class of a value is written: {@code [name, value]}, wherever the declared type leaves it open.
 *
 * <p>Jackson's own reader of such values remembers a class once it was allowed; ours asks the policy of the call at hand
 * each time.
 */
final class WireTyping extends DefaultTypeResolverBuilder {

    private static final long serialVersionUID = 1;

    WireTyping() {
        super(new Nobody(), DefaultTyping.NON_FINAL, JsonTypeInfo.As.WRAPPER_ARRAY);
    }

    /** Returns whether values declared with this type need their class written. */
    @Override
    public boolean useForType(JavaType type) {
        return TypeNames.isNeededFor(type.getRawClass());
    }

    @Override
    public @Nullable TypeSerializer buildTypeSerializer(
            SerializationContext context, JavaType baseType, Collection<NamedType> subtypes) {
        return useForType(baseType) ? new AsArrayTypeSerializer(new Ids(baseType), null, null) : null;
    }

    @Override
    public @Nullable TypeDeserializer buildTypeDeserializer(
            DeserializationContext context, JavaType baseType, Collection<NamedType> subtypes) {
        return useForType(baseType) ? new Reader(baseType, null, new ConcurrentHashMap<>()) : null;
    }

    @Override
    public WireTyping withDefaultImpl(Class<?> defaultImpl) {
        return this;
    }

    /** The names of classes; only for writing. */
    private static final class Ids extends TypeIdResolverBase {

        private final Class<?> declared;

        Ids(JavaType declared) {
            super(declared);
            this.declared = declared.getRawClass();
        }

        @Override
        public String idFromValue(DatabindContext context, Object value) {
            return idFromValueAndType(context, value, value.getClass());
        }

        @Override
        public String idFromValueAndType(DatabindContext context, Object value, Class<?> type) {
            if (!(value instanceof EnumSet<?> || value instanceof EnumMap<?, ?>)
                    && (value instanceof Collection<?> || value instanceof Map<?, ?>)) {
                checkArrivesAs(value.getClass());
            }
            return TypeNames.nameOf(type);
        }

        private void checkArrivesAs(Class<?> type) {
            Class<?> arriving = arrivingAs(type);
            if (!declared.isAssignableFrom(arriving)) {
                throw new RefusedException(
                        type.getName(),
                        "can be made here only; it would arrive as " + arriving.getName() + ", but it is declared as "
                                + declared.getName(),
                        "Declare it as the interface.");
            }
        }

        private static Class<?> arrivingAs(Class<?> type) {
            if (Collection.class.isAssignableFrom(type)) {
                CollectionKind kind = CollectionKind.of(type);
                return kind == CollectionKind.OWN ? type : kind.type();
            }
            MapKind kind = MapKind.of(type);
            return kind == MapKind.OWN ? type : kind.type();
        }

        @Override
        public JsonTypeInfo.Id getMechanism() {
            return JsonTypeInfo.Id.CUSTOM;
        }
    }

    /** Reads {@code [name, value]}. */
    private static final class Reader extends TypeDeserializer {

        private final JavaType declared;
        private final @Nullable BeanProperty property;
        private final Map<Class<?>, ValueDeserializer<Object>> readers;

        Reader(JavaType declared, @Nullable BeanProperty property, Map<Class<?>, ValueDeserializer<Object>> readers) {
            this.declared = declared;
            this.property = property;
            this.readers = readers;
        }

        @Override
        public TypeDeserializer forProperty(@Nullable BeanProperty prop) {
            return prop == property ? this : new Reader(declared, prop, readers);
        }

        private @Nullable Object read(JsonParser from, DeserializationContext context) {
            if (!from.isExpectedStartArrayToken() || from.nextToken() != JsonToken.VALUE_STRING) {
                return context.reportInputMismatch(declared, "a value of an open type does not begin with its class");
            }
            String name = from.getString();
            Class<?> type = Decoding.of(context).policy().permitted(name);
            if (from.nextToken() == JsonToken.VALUE_NULL) {
                return context.reportInputMismatch(declared, "a class without a value: %s", name);
            }
            Object value = reader(type, context).deserialize(from, context);
            if (from.nextToken() != JsonToken.END_ARRAY) {
                return context.reportInputMismatch(declared, "something follows the value of %s", name);
            }
            if (value != null && !declared.getRawClass().isInstance(value)) {
                throw new RefusedException(
                        value.getClass().getName(), "came where " + declared.toCanonical() + " is declared", "");
            }
            return value;
        }

        private ValueDeserializer<Object> reader(Class<?> type, DeserializationContext context) {
            ValueDeserializer<Object> reader = readers.get(type);
            if (reader == null) {
                JavaType precise = declared.isTypeOrSuperTypeOf(type) && declared.hasGenericTypes()
                        ? context.constructSpecializedType(declared, type)
                        : context.constructType(type);
                reader = context.findContextualValueDeserializer(precise, property);
                readers.put(type, reader);
            }
            return reader;
        }

        @Override
        public @Nullable Object deserializeTypedFromObject(JsonParser p, DeserializationContext context) {
            return read(p, context);
        }

        @Override
        public @Nullable Object deserializeTypedFromArray(JsonParser p, DeserializationContext context) {
            return read(p, context);
        }

        @Override
        public @Nullable Object deserializeTypedFromScalar(JsonParser p, DeserializationContext context) {
            return read(p, context);
        }

        @Override
        public @Nullable Object deserializeTypedFromAny(JsonParser p, DeserializationContext context) {
            return read(p, context);
        }

        @Override
        public JsonTypeInfo.As getTypeInclusion() {
            return JsonTypeInfo.As.WRAPPER_ARRAY;
        }

        @Override
        public @Nullable String getPropertyName() {
            return null;
        }

        @Override
        public tools.jackson.databind.jsontype.@Nullable TypeIdResolver getTypeIdResolver() {
            return null;
        }

        @Override
        public @Nullable Class<?> getDefaultImpl() {
            return null;
        }
    }

    /** Nothing is valid for typing by Jackson's own rules. */
    static final class Nobody extends PolymorphicTypeValidator {

        private static final long serialVersionUID = 1;

        @Override
        public Validity validateBaseType(DatabindContext context, JavaType baseType) {
            return Validity.DENIED;
        }

        @Override
        public Validity validateSubClassName(DatabindContext context, JavaType baseType, String subClassName) {
            return Validity.DENIED;
        }

        @Override
        public Validity validateSubType(DatabindContext context, JavaType baseType, JavaType subType) {
            return Validity.DENIED;
        }
    }
}
