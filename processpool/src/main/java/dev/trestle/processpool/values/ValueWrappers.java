package dev.trestle.processpool.values;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The objects in which OpenTest4J keeps what an assertion expected and what it got, as data: the value and its text.
 * Known by name only, since programs without tests have no OpenTest4J.
 */
final class ValueWrappers {

    private static final String CLASS = "org.opentest4j.ValueWrapper";

    /** Follows the name of a field in the name of the text. No field has such a name. */
    private static final String TEXT = " as text";

    private ValueWrappers() {}

    /**
     * Returns a copy of the state of an exception, with data in the place of wrappers.
     *
     * @throws ReflectiveOperationException if a wrapper is not what it is known to be
     */
    static Map<String, @Nullable Object> plain(Map<String, @Nullable Object> state)
            throws ReflectiveOperationException {
        var plain = new LinkedHashMap<String, @Nullable Object>();
        for (Map.Entry<String, @Nullable Object> each : state.entrySet()) {
            Object value = each.getValue();
            if (value != null && value.getClass().getName().equals(CLASS)) {
                Class<?> wrapper = value.getClass();
                plain.put(each.getKey(), wrapper.getMethod("getEphemeralValue").invoke(value));
                plain.put(
                        each.getKey() + TEXT,
                        wrapper.getMethod("getStringRepresentation").invoke(value));
            } else {
                plain.put(each.getKey(), value);
            }
        }
        return plain;
    }

    /** Returns a copy of the state of an exception, with wrappers where the fields have that type. */
    static Map<String, @Nullable Object> wrapped(Map<String, @Nullable Object> plain, ThrowableState type)
            throws ReflectiveOperationException {
        var state = new LinkedHashMap<String, @Nullable Object>();
        for (Map.Entry<String, @Nullable Object> each : plain.entrySet()) {
            String name = each.getKey();
            Class<?> wrapper = type.typeOf(name);
            if (wrapper != null && wrapper.getName().equals(CLASS) && plain.containsKey(name + TEXT)) {
                state.put(
                        name,
                        wrapper.getMethod("create", Object.class, String.class)
                                .invoke(null, each.getValue(), plain.get(name + TEXT)));
            } else if (!isText(name, plain)) {
                state.put(name, each.getValue());
            }
        }
        return state;
    }

    private static boolean isText(String name, Map<String, @Nullable Object> plain) {
        return name.endsWith(TEXT) && plain.containsKey(name.substring(0, name.length() - TEXT.length()));
    }
}
