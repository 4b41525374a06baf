package dev.trestle.processpool.values;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.EnumSet;
import org.jspecify.annotations.Nullable;

/** The enums behind enum sets and maps, which keep them to themselves. */
final class EnumTypes {

    private EnumTypes() {}

    static <E extends Enum<E>> Class<E> of(EnumSet<E> set) {
        EnumSet<E> other = set.isEmpty() ? EnumSet.complementOf(set) : set;
        if (other.isEmpty()) {
            throw new RefusedException(
                    set.getClass().getName(), "is a set of an enum without constants", "Pass null instead.");
        }
        return other.iterator().next().getDeclaringClass();
    }

    static Class<?> of(EnumMap<?, ?> map) {
        return map.isEmpty() ? KeyType.of(map) : map.keySet().iterator().next().getDeclaringClass();
    }

    /** Returns the enum that came as a value. */
    @SuppressWarnings("rawtypes") // which enum is known only here
    static Class checked(@Nullable Object head) {
        if (!(head instanceof Class<?> type) || !type.isEnum()) {
            String what = head instanceof Class<?> other
                    ? other.getName()
                    : head == null ? "null" : "A " + head.getClass().getName();
            throw new RefusedException(what, "is no enum, but came as one", "");
        }
        return type;
    }

    /** Counts what a set or a map of the enum takes that came as a value. */
    static void charge(@Nullable Object head, Decoding decoding) {
        decoding.charge(EnumMap.class, 8L * checked(head).getEnumConstants().length);
    }

    /**
     * The only public way to the key type of an empty map: writing it by Java serialization names all classes in it.
     * The written bytes are dropped.
     */
    private static final class KeyType extends ObjectOutputStream {

        private @Nullable Class<?> enumType;

        private KeyType() throws IOException {
            super(OutputStream.nullOutputStream());
        }

        static Class<?> of(EnumMap<?, ?> map) {
            try (KeyType search = new KeyType()) {
                search.writeObject(map);
                return search.found();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        protected void annotateClass(Class<?> type) {
            if (type.isEnum()) {
                enumType = type;
            }
        }

        private Class<?> found() {
            if (enumType == null) {
                throw new RefusedException(
                        EnumMap.class.getName(), "is empty and does not show its enum", "Pass Map.of() instead.");
            }
            return enumType;
        }
    }
}
