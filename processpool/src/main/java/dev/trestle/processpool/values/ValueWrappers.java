package dev.trestle.processpool.values;

import org.jspecify.annotations.Nullable;

/**
 * The objects in which OpenTest4J keeps what an assertion expected and what it got, as data: the text of the value, and
 * the value itself if it is a text or a number. Other compared values may be of any class, and reports of tests show
 * the text. Known by name only, since programs without tests have no OpenTest4J.
 */
final class ValueWrappers {

    private static final String CLASS = "org.opentest4j.ValueWrapper";

    private ValueWrappers() {}

    static boolean isWrapper(Class<?> type) {
        return type.getName().equals(CLASS);
    }

    /** Returns the text or the number in a wrapper; null if there is another value, or no wrapper. */
    static @Nullable Object value(@Nullable Object wrapper) throws ReflectiveOperationException {
        Object value = wrapper == null
                ? null
                : wrapper.getClass().getMethod("getEphemeralValue").invoke(wrapper);
        return value != null && TypePolicy.textAndNumbers.contains(value.getClass()) ? value : null;
    }

    /** Returns the text of the value in a wrapper; null if there is no wrapper. */
    static @Nullable String text(@Nullable Object wrapper) throws ReflectiveOperationException {
        return wrapper == null
                ? null
                : (String)
                        wrapper.getClass().getMethod("getStringRepresentation").invoke(wrapper);
    }

    /** Makes a wrapper again, with the text as its value if the value did not travel; null if there was none. */
    static @Nullable Object wrapper(Class<?> type, @Nullable Object value, @Nullable Object text)
            throws ReflectiveOperationException {
        if (text == null) {
            return null;
        }
        boolean isNull = value == null && text.equals("null");
        return type.getMethod("create", Object.class, String.class)
                .invoke(null, value == null && !isNull ? text : value, text);
    }
}
