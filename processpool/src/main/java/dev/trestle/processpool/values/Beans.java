package dev.trestle.processpool.values;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.deser.ValueInstantiator;
import tools.jackson.databind.deser.bean.BeanDeserializerBase;
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
}
