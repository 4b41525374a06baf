package dev.trestle.processpool.values;

import com.fasterxml.jackson.annotation.JsonFormat;
import dev.trestle.processpool.wire.ArrayKind;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.Version;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.JacksonModule;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.KeyDeserializer;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.deser.Deserializers;
import tools.jackson.databind.deser.ValueInstantiator;
import tools.jackson.databind.deser.ValueInstantiators;
import tools.jackson.databind.jsontype.TypeDeserializer;
import tools.jackson.databind.jsontype.TypeSerializer;
import tools.jackson.databind.ser.Serializers;
import tools.jackson.databind.ser.ValueSerializerModifier;
import tools.jackson.databind.type.ArrayType;
import tools.jackson.databind.type.CollectionType;
import tools.jackson.databind.type.MapType;
import tools.jackson.databind.type.ReferenceType;
import tools.jackson.databind.type.TypeFactory;

/**
 * Chooses, class by class, the writers and readers of values: those of {@link Writers} and {@link Readers}, those of
 * Jackson, or none if values of the class are refused. Jackson is left strings, numbers, enums, arrays of objects,
 * records and beans.
 */
final class WireModule extends JacksonModule {

    private final ValueCodec codec;

    WireModule(ValueCodec codec) {
        this.codec = codec;
    }

    @Override
    public String getModuleName() {
        return "trestle-wire";
    }

    @Override
    public Version version() {
        return Version.unknownVersion();
    }

    @Override
    public void setupModule(SetupContext context) {
        context.addSerializers(new Writing(codec));
        context.addDeserializers(new Reading(codec));
        context.addSerializerModifier(new BeanCheck(codec));
        context.addValueInstantiators(new CheckedInstantiators());
    }

    private static JavaType anything() {
        return TypeFactory.unknownType();
    }

    private static final class Writing extends Serializers.Base {

        private final ValueCodec codec;

        Writing(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public @Nullable ValueSerializer<?> findSerializer(
                SerializationConfig config,
                JavaType type,
                BeanDescription.Supplier description,
                JsonFormat.@Nullable Value format) {
            Class<?> raw = type.getRawClass();
            Scalar scalar = Scalar.of(raw);
            if (scalar != null) {
                return new Writers.OfScalar(scalar);
            }
            if (ValueCodec.ValuesWriter.handles(raw)) {
                return new ValueCodec.ValuesWriter();
            }
            if (raw == StreamValue.class) {
                return new Writers.OfStream(anything());
            }
            if (Throwable.class.isAssignableFrom(raw)) {
                return new Throwables.Writer(codec);
            }
            if (JavaClasses.isLambda(raw)) {
                return new LambdaValues.Writer(codec);
            }
            if (Map.Entry.class.isAssignableFrom(raw) && JavaClasses.isOfJdk(raw)) {
                Refusal refusal = Refusal.entry(raw);
                if (refusal != null) {
                    return new Writers.OfRefused(refusal);
                }
                JavaType entry = type.findSuperType(Map.Entry.class);
                return new Writers.OfEntry(entry.containedTypeOrUnknown(0), entry.containedTypeOrUnknown(1));
            }
            ValueSerializer<?> constants = constants(raw);
            return constants == null ? refused(raw) : constants;
        }

        private static @Nullable ValueSerializer<?> constants(Class<?> raw) {
            Constants constants = Constants.of(raw);
            return constants == null || Refusal.ofModule(raw) != null ? null : new Writers.OfConstant(constants);
        }

        private @Nullable ValueSerializer<?> refused(Class<?> raw) {
            Refusal refusal = Refusal.of(raw, codec.options());
            return refusal == null ? null : new Writers.OfRefused(refusal);
        }

        @Override
        public @Nullable ValueSerializer<?> findEnumSerializer(
                SerializationConfig config,
                JavaType type,
                BeanDescription.Supplier description,
                JsonFormat.@Nullable Value format) {
            Scalar scalar = Scalar.of(type.getRawClass()); // the natural order is an enum, as it happens
            return scalar == null ? null : new Writers.OfScalar(scalar);
        }

        @Override
        public @Nullable ValueSerializer<?> findArraySerializer(
                SerializationConfig config,
                ArrayType type,
                BeanDescription.Supplier description,
                JsonFormat.@Nullable Value format,
                @Nullable TypeSerializer elementTypes,
                @Nullable ValueSerializer<Object> elements) {
            return type.getContentType().isPrimitive() ? new Writers.OfPrimitives() : null;
        }

        @Override
        public ValueSerializer<?> findCollectionSerializer(
                SerializationConfig config,
                CollectionType type,
                BeanDescription.Supplier description,
                JsonFormat.@Nullable Value format,
                @Nullable TypeSerializer elementTypes,
                @Nullable ValueSerializer<Object> elements) {
            Scalar scalar = Scalar.of(type.getRawClass()); // a path is a collection-like of its names
            if (scalar != null) {
                return new Writers.OfScalar(scalar);
            }
            ValueSerializer<?> constants = constants(type.getRawClass());
            return constants == null ? new Writers.OfCollection(codec, type) : constants;
        }

        @Override
        public ValueSerializer<?> findMapSerializer(
                SerializationConfig config,
                MapType type,
                BeanDescription.Supplier description,
                JsonFormat.@Nullable Value format,
                @Nullable ValueSerializer<Object> keys,
                @Nullable TypeSerializer elementTypes,
                @Nullable ValueSerializer<Object> elements) {
            ValueSerializer<?> constants = constants(type.getRawClass());
            return constants == null ? new Writers.OfMap(codec, type) : constants;
        }

        @Override
        public @Nullable ValueSerializer<?> findReferenceSerializer(
                SerializationConfig config,
                ReferenceType type,
                BeanDescription.Supplier description,
                JsonFormat.@Nullable Value format,
                @Nullable TypeSerializer contentTypes,
                @Nullable ValueSerializer<Object> content) {
            Scalar scalar = Scalar.of(type.getRawClass()); // optionals of numbers
            if (scalar != null) {
                return new Writers.OfScalar(scalar);
            }
            return type.hasRawClass(Optional.class)
                    ? new Writers.OfOptional(type.getReferencedType())
                    : refused(type.getRawClass());
        }
    }

    private static final class Reading extends Deserializers.Base {

        private final ValueCodec codec;

        Reading(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public boolean hasDeserializerFor(DeserializationConfig config, Class<?> type) {
            return Scalar.of(type) != null;
        }

        @Override
        public @Nullable ValueDeserializer<?> findBeanDeserializer(
                JavaType type, DeserializationConfig config, BeanDescription.Supplier description) {
            Class<?> raw = type.getRawClass();
            Scalar scalar = Scalar.of(raw);
            if (scalar != null) {
                return new Readers.OfScalar(scalar);
            }
            if (ValueCodec.ValuesWriter.handles(raw)) {
                return new ValueCodec.ValuesReader();
            }
            if (raw == StreamValue.class) {
                return new Readers.OfStream(anything());
            }
            if (Throwable.class.isAssignableFrom(raw)) {
                return new Throwables.Reader(codec);
            }
            if (raw == LambdaValue.class) {
                return new LambdaValues.Reader(codec);
            }
            if (Map.Entry.class.isAssignableFrom(raw) && JavaClasses.isOfJdk(raw)) {
                JavaType entry = type.findSuperType(Map.Entry.class);
                return new Readers.OfEntry(raw, entry.containedTypeOrUnknown(0), entry.containedTypeOrUnknown(1));
            }
            if (raw == Object.class || type.isAbstract()) {
                return null;
            }
            ValueDeserializer<?> constants = constants(raw);
            if (constants != null) {
                return constants;
            }
            Refusal refusal = Refusal.of(raw, codec.options());
            return refusal == null ? null : new Readers.OfRefused(type, refusal);
        }

        private static @Nullable ValueDeserializer<?> constants(Class<?> raw) {
            Constants constants = Constants.of(raw);
            return constants == null ? null : new Readers.OfConstant(constants);
        }

        @Override
        public @Nullable ValueDeserializer<?> findArrayDeserializer(
                ArrayType type,
                DeserializationConfig config,
                BeanDescription.Supplier description,
                @Nullable TypeDeserializer elementTypes,
                @Nullable ValueDeserializer<?> elements) {
            return type.getContentType().isPrimitive()
                    ? new Readers.OfPrimitives(ArrayKind.ofArrayClass(type.getRawClass()))
                    : null;
        }

        @Override
        public ValueDeserializer<?> findCollectionDeserializer(
                CollectionType type,
                DeserializationConfig config,
                BeanDescription.Supplier description,
                @Nullable TypeDeserializer elementTypes,
                @Nullable ValueDeserializer<?> elements) {
            ValueDeserializer<?> constants = constants(type.getRawClass());
            return constants == null ? new Readers.OfCollection(codec, type) : constants;
        }

        @Override
        public ValueDeserializer<?> findMapDeserializer(
                MapType type,
                DeserializationConfig config,
                BeanDescription.Supplier description,
                @Nullable KeyDeserializer keys,
                @Nullable TypeDeserializer elementTypes,
                @Nullable ValueDeserializer<?> elements) {
            ValueDeserializer<?> constants = constants(type.getRawClass());
            return constants == null ? new Readers.OfMap(codec, type) : constants;
        }

        @Override
        public @Nullable ValueDeserializer<?> findReferenceDeserializer(
                ReferenceType type,
                DeserializationConfig config,
                BeanDescription.Supplier description,
                @Nullable TypeDeserializer contentTypes,
                @Nullable ValueDeserializer<?> content) {
            Scalar scalar = Scalar.of(type.getRawClass()); // optionals of numbers
            if (scalar != null) {
                return new Readers.OfScalar(scalar);
            }
            if (type.hasRawClass(Optional.class)) {
                return new Readers.OfOptional(type.getReferencedType());
            }
            Refusal refusal = Refusal.of(type.getRawClass(), codec.options());
            return refusal == null ? null : new Readers.OfRefused(type, refusal);
        }
    }

    private static final class CheckedInstantiators extends ValueInstantiators.Base {
        @Override
        public ValueInstantiator modifyValueInstantiator(
                DeserializationConfig config, BeanDescription.Supplier description, ValueInstantiator instantiator) {
            return instantiator.canCreateFromObjectWith() ? new Beans.CheckedInstantiator(instantiator) : instantiator;
        }
    }

    /** Refuses beans that cannot be made again with all their state. */
    private static final class BeanCheck extends ValueSerializerModifier {

        private static final long serialVersionUID = 1;

        private final transient ValueCodec codec;

        BeanCheck(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public ValueSerializer<?> modifySerializer(
                SerializationConfig config, BeanDescription.Supplier description, ValueSerializer<?> serializer) {
            if (serializer instanceof WireSerializer || Enum.class.isAssignableFrom(description.getBeanClass())) {
                return serializer;
            }
            if (JsonNode.class.isAssignableFrom(description.getBeanClass())) {
                return new Writers.OfTree();
            }
            Refusal refusal = Beans.refusal(description.getType(), serializer, codec);
            return refusal == null ? serializer : new Writers.OfRefused(refusal);
        }
    }
}
