package dev.trestle.processpool.wire;

import java.lang.reflect.Field;
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

/** Finds out whether objects of a class of the user's can be made again, before the first one is sent. */
final class Beans {

    private Beans() {}

    /** Returns why the objects that a serializer writes could not be made again with all they hold, or null. */
    static @Nullable Refusal refusal(JavaType type, ValueSerializer<?> serializer, ValueCodec codec) {
        if (!(serializer instanceof BeanSerializerBase)) {
            return null;
        }
        Class<?> raw = type.getRawClass();
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
        return deserializer instanceof BeanDeserializerBase bean ? refusal(serializer, bean) : null;
    }

    private static @Nullable Refusal refusal(ValueSerializer<?> serializer, BeanDeserializerBase deserializer) {
        ValueInstantiator maker = deserializer.getValueInstantiator();
        if (!maker.canCreateUsingDefault()
                && !maker.canCreateFromObjectWith()
                && !maker.canCreateUsingDelegate()
                && !maker.canCreateUsingArrayDelegate()) {
            return Refusal.notData("it has no constructor without arguments, and none annotated with @JsonCreator");
        }
        Iterator<PropertyWriter> properties = serializer.properties();
        while (properties.hasNext()) {
            String name = properties.next().getName();
            if (!deserializer.hasProperty(name)) {
                return Refusal.notData("its field '" + name + "' is final and no constructor takes it");
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
