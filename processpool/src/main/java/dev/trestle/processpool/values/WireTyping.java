package dev.trestle.processpool.values;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Collection;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.type.WritableTypeId;
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
import tools.jackson.databind.jsontype.TypeIdResolver;
import tools.jackson.databind.jsontype.TypeSerializer;
import tools.jackson.databind.jsontype.impl.DefaultTypeResolverBuilder;
import tools.jackson.databind.type.TypeFactory;

/**
 * The form in which the class of a value is written: {@code [name, value]}, wherever the declared type leaves it open.
 *
 * <p>Jackson's own reader of such values remembers a class once it was allowed; ours asks the policy of the call at
 * hand each time.
 */
final class WireTyping extends DefaultTypeResolverBuilder {

    private static final long serialVersionUID = 1;

    WireTyping() {
        super(new DenyAll(), DefaultTyping.NON_FINAL, JsonTypeInfo.As.WRAPPER_ARRAY);
    }

    /** Returns whether values declared with this type need their class written. */
    @Override
    public boolean useForType(JavaType type) {
        return TypeNames.isNeededFor(type.getRawClass());
    }

    @Override
    public @Nullable TypeSerializer buildTypeSerializer(
            SerializationContext context, JavaType baseType, Collection<NamedType> subtypes) {
        return useForType(baseType) ? new Writer() : null;
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

    /**
     * Returns the type that values of a class have in a place of a declared type: for the writer and for the reader
     * alike.
     */
    static JavaType precise(JavaType declared, Class<?> type, DatabindContext context) {
        return declared.hasGenericTypes() && declared.isTypeOrSuperTypeOf(type)
                ? context.constructSpecializedType(declared, type)
                : context.constructType(type);
    }

    /** Returns the type of the elements of a collection, or of the values of a map. */
    static JavaType contentOf(JavaType container) {
        return isText(container) ? TypeFactory.unknownType() : container.getContentType();
    }

    /** Returns the type of the keys of a map. */
    static JavaType keyOf(JavaType map) {
        return isText(map) ? TypeFactory.unknownType() : map.getKeyType();
    }

    /** Returns whether Jackson takes a map for one of texts, which properties need not be. */
    private static boolean isText(JavaType container) {
        return Properties.class.isAssignableFrom(container.getRawClass());
    }

    /**
     * Writes {@code [name, value]}. Jackson's own class does the same, but its constructor is another one from 3.2 on.
     */
    private static final class Writer extends TypeSerializer {

        @Override
        public TypeSerializer forProperty(SerializationContext context, @Nullable BeanProperty property) {
            return this;
        }

        @Override
        public WritableTypeId writeTypePrefix(JsonGenerator to, SerializationContext context, WritableTypeId id) {
            id.id = TypeNames.carriedAs(id.forValueType == null ? id.forValue.getClass() : id.forValueType);
            return to.writeTypePrefix(id);
        }

        @Override
        public WritableTypeId writeTypeSuffix(JsonGenerator to, SerializationContext context, WritableTypeId id) {
            return to.writeTypeSuffix(id);
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
        public @Nullable TypeIdResolver getTypeIdResolver() {
            return null;
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
            if (!TypeNames.mayBeIn(declared.getRawClass(), type)) {
                throw new RefusedException(name, "came where " + declared.toCanonical() + " is declared", "");
            }
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
                reader = context.findContextualValueDeserializer(precise(declared, type, context), property);
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
        public @Nullable TypeIdResolver getTypeIdResolver() {
            return null;
        }

        @Override
        public @Nullable Class<?> getDefaultImpl() {
            return null;
        }
    }

    /** A validator that denies every type, so that Jackson's own rules type no value. */
    static final class DenyAll extends PolymorphicTypeValidator {

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
