package dev.trestle.processpool.values;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.deser.SettableBeanProperty;
import tools.jackson.databind.deser.ValueInstantiator;
import tools.jackson.databind.deser.bean.BeanDeserializerBase;
import tools.jackson.databind.deser.bean.PropertyValueBuffer;
import tools.jackson.databind.ser.PropertyWriter;
import tools.jackson.databind.ser.bean.BeanSerializerBase;
import tools.jackson.databind.ser.impl.UnknownSerializer;

/** Finds out whether objects of a class of the user's can be made again, before the first one is sent. */
final class Beans {

    private Beans() {}

    /** Returns why the objects that a serializer writes could not be made again with all they hold, or null. */
    static @Nullable Refusal refusal(JavaType type, ValueSerializer<?> serializer, ValueCodec codec) {
        Class<?> raw = type.getRawClass();
        if (JavaClasses.isOfJdk(raw)) {
            return null;
        }
        Class<?> closed = superclassWithHiddenState(raw);
        if (closed != null) {
            return Refusal.notData("it extends " + closed.getName() + " of the JDK, which keeps its state to itself");
        }
        Class<?> serialized = JavaClasses.serializesItself(raw);
        if (serialized != null) {
            return Refusal.serializesItself(serialized);
        }
        if (serializer instanceof UnknownSerializer) {
            return null; // it has no fields
        }
        if (!(serializer instanceof BeanSerializerBase)) {
            return Refusal.notData(
                    "it is a number, an entry, a text or the like, and no more than that would be sent of it");
        }
        Field twin = fieldOfTheSameName(raw);
        if (twin != null) {
            return Refusal.notData("it has two fields named '" + twin.getName() + "', its own and an inherited one");
        }
        ValueDeserializer<?> deserializer;
        try {
            deserializer = codec.asking().findNonContextualValueDeserializer(type);
        } catch (JacksonException e) {
            return Refusal.notData(e.getOriginalMessage());
        }
        return deserializer instanceof BeanDeserializerBase bean ? refusal(raw, serializer, bean) : null;
    }

    private static @Nullable Refusal refusal(
            Class<?> type, ValueSerializer<?> serializer, BeanDeserializerBase deserializer) {
        ValueInstantiator maker = deserializer.getValueInstantiator();
        if (!maker.canCreateUsingDefault()
                && !maker.canCreateFromObjectWith()
                && !maker.canCreateUsingDelegate()
                && !maker.canCreateUsingArrayDelegate()) {
            return Refusal.notData(
                    type, "it has no constructor without arguments, and none annotated with @JsonCreator");
        }
        Iterator<PropertyWriter> properties = serializer.properties();
        while (properties.hasNext()) {
            String name = properties.next().getName();
            if (!deserializer.hasProperty(name)) {
                return Refusal.notData(type, "its field '" + name + "' is final and no constructor takes it");
            }
        }
        return null;
    }

    /**
     * Returns the class of the JDK that a class extends and that has fields which no other class may see; null if there
     * is none.
     */
    private static @Nullable Class<?> superclassWithHiddenState(Class<?> type) {
        for (Class<?> each = JavaClasses.jdkPart(type); each != null; each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())
                        && !(Modifier.isPublic(field.getModifiers()) && Modifier.isPublic(each.getModifiers()))) {
                    return each;
                }
            }
        }
        return null;
    }

    private static @Nullable Field fieldOfTheSameName(Class<?> type) {
        Map<String, Field> known = new HashMap<>();
        for (Field each : JavaClasses.stateFields(type, Object.class)) {
            if (known.put(each.getName(), each) != null) {
                return each;
            }
        }
        return null;
    }

    /**
     * A maker of objects that refuses one whose constructor changed what it was given: the values were those of the
     * original's fields, so the object would not be the original again. Thread-safe.
     */
    static final class CheckedInstantiator extends ValueInstantiator.Delegating {

        private volatile @Nullable Field @Nullable [] fields;

        CheckedInstantiator(ValueInstantiator delegate) {
            super(delegate);
        }

        @Override
        public ValueInstantiator createContextual(
                DeserializationContext context, BeanDescription.Supplier description) {
            return new CheckedInstantiator(delegate().createContextual(context, description));
        }

        @Override
        public Object createFromObjectWith(
                DeserializationContext context, SettableBeanProperty[] properties, PropertyValueBuffer buffer) {
            @Nullable Object[] given = buffer.getParameters(context, properties);
            Object made = delegate().createFromObjectWith(context, given);
            @Nullable Field[] set = fields;
            if (set == null) {
                set = Arrays.stream(properties)
                        .map(each -> fieldOf(made.getClass(), each))
                        .toArray(Field[]::new);
                fields = set;
            }
            for (int i = 0; i < given.length; i++) {
                Field field = set[i];
                if (field != null && !isSame(given[i], valueOf(field, made))) {
                    throw new RefusedException(
                            made.getClass().getName(),
                            "is changed by its own constructor, which sets its field '" + field.getName()
                                    + "' to something else than it was given",
                            "Let the constructor keep what the field of another object holds, and do the rest in a"
                                    + " factory method.");
                }
            }
            return made;
        }

        /** Returns the field that has the name and the type of a parameter; null if none has. */
        private static @Nullable Field fieldOf(Class<?> type, SettableBeanProperty parameter) {
            for (Field each : JavaClasses.stateFields(type, Object.class)) {
                if (each.getName().equals(parameter.getName())
                        && each.getType() == parameter.getType().getRawClass()
                        && each.trySetAccessible()) {
                    return each;
                }
            }
            return null;
        }

        private static @Nullable Object valueOf(Field field, Object of) {
            try {
                return field.get(of);
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e); // it was made accessible
            }
        }

        /**
         * Returns whether a constructor has kept a value, or a copy of it. Asks no class of the program's and no
         * element, since a hostile sender might have chosen what that costs.
         */
        private static boolean isSame(@Nullable Object given, @Nullable Object held) {
            if (given == held) {
                return true;
            }
            if (given == null || held == null || given.getClass() != held.getClass()) {
                return false;
            }
            return switch (given) {
                case Collection<?> elements
                when JavaClasses.isOfJdk(given.getClass()) -> elements.size() == ((Collection<?>) held).size();
                case Map<?, ?> entries
                when JavaClasses.isOfJdk(given.getClass()) -> entries.size() == ((Map<?, ?>) held).size();
                case Comparable<?> scalar when JavaClasses.isOfJdk(given.getClass()) -> scalar.equals(held);
                case Object[] array -> array.length == ((Object[]) held).length;
                default -> !given.getClass().isArray() || Objects.deepEquals(given, held);
            };
        }
    }
}
