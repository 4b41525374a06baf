package dev.trestle.processpool.values;

import java.lang.reflect.Field;
import java.lang.reflect.GenericSignatureFormatError;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.MalformedParameterizedTypeException;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The state that a class of exceptions adds to {@link Throwable}. Thread-safe. */
final class ThrowableState {

    /*
     * A class of the user's has fields, which can be read and set. A class of the JDK has fields that only the class
     * itself may touch, but the names and types of these fields are known. The fields of one type are visible if they
     * are public, or if the class that declares them has as many public methods without parameters that return the
     * type. If some are not visible, it is unknown whether an exception that was made again is the same, so the class
     * counts as one that cannot be made again: half an exception would lie.
     */

    /** Precedes the name of a part that is the cause. */
    private static final String CAUSE = "=";

    private static final Set<String> ofThrowable =
            Set.of("getMessage", "getLocalizedMessage", "getCause", "toString", "fillInStackTrace", "clone");

    private static final ClassValue<ThrowableState> known = new ClassValue<>() {
        @Override
        protected ThrowableState computeValue(Class<?> type) {
            return new ThrowableState(type);
        }
    };

    /**
     * One value.
     *
     * @param name its name, no other part of the class has it
     * @param type its declared type
     * @param getter the field or the method that gives it
     * @param setter the field or the method that sets it; null if only a constructor does
     */
    private record Part(
            String name,
            Class<?> type,
            Member getter,
            @Nullable Member setter) {

        @Nullable
        Object get(Throwable from) throws ReflectiveOperationException {
            return getter instanceof Field field ? field.get(from) : ((Method) getter).invoke(from);
        }

        void set(Throwable to, @Nullable Object value) throws ReflectiveOperationException {
            if (setter instanceof Field field) {
                field.set(to, value);
            } else if (setter instanceof Method method && !areEqual(get(to), value)) {
                method.invoke(to, value);
            }
        }

        /** Returns its declared type, with type arguments if its class file says them well. */
        Type genericType() {
            try {
                return getter instanceof Field field
                        ? field.getGenericType()
                        : ((Method) getter).getGenericReturnType();
            } catch (TypeNotPresentException | GenericSignatureFormatError | MalformedParameterizedTypeException e) {
                return type; // not all compilers write good signatures; the erased one will do
            }
        }
    }

    private final Map<String, Part> parts = new LinkedHashMap<>();
    private boolean isVisible = true;
    private String hidden = "";

    /** Finds the state of a class; {@link #of(Class)} remembers what was found. */
    ThrowableState(Class<?> type) {
        for (Class<?> each = type; each != Throwable.class && each != null; each = each.getSuperclass()) {
            if (isVisible) {
                hidden = each.getName() + " has fields that are closed";
            }
            if (!JavaClasses.isOfJdk(each)) {
                addFields(each);
                if (JavaClasses.serializesItself(each) == each) {
                    isVisible = false;
                    hidden = each.getName() + " has transient fields that only its Java serialization carries";
                }
            } else if (each != NullPointerException.class) { // it has a message that the JVM makes, and nothing else
                addJdk(each);
            }
        }
        if (isVisible) {
            hidden = "";
        }
    }

    static ThrowableState of(Class<?> type) {
        return known.get(type);
    }

    private static List<Field> fields(Class<?> type) {
        var fields = new ArrayList<Field>();
        for (Field each : type.getDeclaredFields()) {
            if (!Modifier.isStatic(each.getModifiers()) && !each.isSynthetic()) {
                fields.add(each);
            }
        }
        return fields;
    }

    private void addFields(Class<?> type) {
        for (Field each : fields(type)) {
            if (!Modifier.isTransient(each.getModifiers())) {
                try {
                    each.setAccessible(true);
                } catch (InaccessibleObjectException e) {
                    isVisible = false; // its module is closed to us
                }
                add(each.getName(), each, Modifier.isFinal(each.getModifiers()) ? null : each);
            }
        }
    }

    private void addJdk(Class<?> type) {
        List<Field> hidden = fields(type);
        if (hidden.isEmpty()) {
            return;
        }
        if (!Modifier.isPublic(type.getModifiers()) || !type.getModule().isExported(type.getPackageName())) {
            isVisible = false;
            return;
        }
        for (Field each : List.copyOf(hidden)) {
            if (Modifier.isPublic(each.getModifiers())) {
                hidden.remove(each);
                add(each.getName(), each, Modifier.isFinal(each.getModifiers()) ? null : each);
            }
        }
        while (!hidden.isEmpty()) {
            Class<?> of = hidden.getFirst().getType();
            int count = hidden.size();
            hidden.removeIf(each -> each.getType() == of);
            addGetters(type, of, count - hidden.size());
        }
    }

    /** Adds the methods of a class that give values of a type, if they are as many as it has fields of that type. */
    private void addGetters(Class<?> type, Class<?> of, int fields) {
        int found = 0;
        for (Method each : type.getDeclaredMethods()) {
            boolean gives = each.getParameterCount() == 0
                    && each.getReturnType() == of
                    && Modifier.isPublic(each.getModifiers())
                    && !Modifier.isStatic(each.getModifiers());
            if (gives && each.getName().equals("getCause")) {
                found++; // causes are compared anyway
            } else if (gives && !ofThrowable.contains(each.getName())) {
                found++;
                add(propertyName(each), each, setter(type, each));
            }
        }
        isVisible &= found >= fields;
    }

    private static String propertyName(Method getter) {
        String name = getter.getName();
        return name.startsWith("get") ? Character.toLowerCase(name.charAt(3)) + name.substring(4) : name;
    }

    private static @Nullable Method setter(Class<?> type, Method getter) {
        try {
            return type.getMethod(getter.getName().replaceFirst("get", "set"), getter.getReturnType());
        } catch (NoSuchMethodException e) {
            return null; // only a constructor takes it
        }
    }

    private void add(String name, Member getter, @Nullable Member setter) {
        String unique = parts.containsKey(name) ? getter.getDeclaringClass().getName() + "." + name : name;
        Class<?> type = getter instanceof Field field ? field.getType() : ((Method) getter).getReturnType();
        parts.put(unique, new Part(unique, type, getter, setter));
    }

    /** Returns whether two values are equal; of URLs, whose own answer depends on the network, the texts. */
    static boolean areEqual(@Nullable Object one, @Nullable Object other) {
        if (one == other) {
            return true;
        }
        if (one instanceof URL first && other instanceof URL second) {
            return first.toExternalForm().equals(second.toExternalForm());
        }
        return Objects.deepEquals(one, other);
    }

    /** Returns the names of the parts, for messages. */
    String names() {
        return String.join(", ", parts.keySet());
    }

    /** Returns the name of a class whose state cannot be seen; empty if all can. */
    String hidden() {
        return hidden;
    }

    /** Returns whether exceptions of the class have anything that not every exception has. */
    boolean isEmpty() {
        return isVisible && parts.isEmpty();
    }

    /**
     * Returns the state of an exception, by name and without its cause; null if a part of the state cannot be seen.
     *
     * @throws ReflectiveOperationException if one of its methods throws
     */
    @Nullable
    Map<String, @Nullable Object> of(Throwable exception) throws ReflectiveOperationException {
        if (!isVisible) {
            return null;
        }
        var values = new LinkedHashMap<String, @Nullable Object>();
        Throwable cause = parts.isEmpty() ? null : exception.getCause();
        for (Part each : parts.values()) {
            Object value = each.get(exception);
            if (value == null || value != cause) {
                values.put(each.name, value);
            }
        }
        return values;
    }

    /*
     * On the wire: the names of all parts in one text; the message that the constructor was given, where the class
     * composes its own; then the values of the parts, each in a place of its declared type. A wrapper of OpenTest4J is
     * two values, see ValueWrappers.
     */

    /**
     * The state of an exception that has travelled.
     *
     * @param values by name, as {@link ThrowableState#of} returned them
     * @param given the message that the constructor was given; null if {@code getMessage()} returns it
     */
    record Sent(
            Map<String, @Nullable Object> values, @Nullable String given) {}

    /** Returns the declared types of the parts, which are all that a sender may put into them. */
    List<Type> types() {
        return parts.values().stream()
                .map(each -> ValueWrappers.isWrapper(each.type) ? Object.class : each.genericType())
                .toList();
    }

    /** Returns the name of a place of what {@link #pack} returns, for messages. */
    String place(int index) {
        int at = 2;
        for (Part each : parts.values()) {
            at += ValueWrappers.isWrapper(each.type) ? 2 : 1;
            if (index < at) {
                return "this." + each.name;
            }
        }
        return "this";
    }

    /** Returns the places of what {@link #pack} returns. */
    Slot[] places(ValueCodec codec) {
        Slot text = codec.slot(String.class);
        var places = new ArrayList<>(List.of(text, text));
        for (Part each : parts.values()) {
            if (ValueWrappers.isWrapper(each.type)) {
                places.add(codec.slot(Object.class));
                places.add(text);
            } else {
                places.add(codec.slot(each.type));
            }
        }
        return places.toArray(Slot[]::new);
    }

    /**
     * Returns the result of {@link #of} as the values that travel.
     *
     * @throws ReflectiveOperationException if a wrapper cannot be read
     */
    @Nullable
    Object[] pack(Map<String, @Nullable Object> values, @Nullable String given) throws ReflectiveOperationException {
        var names = new StringBuilder();
        for (String each : parts.keySet()) {
            names.append(values.containsKey(each) ? each : CAUSE + each).append('\n');
        }
        var packed = new ArrayList<@Nullable Object>();
        packed.add(names.toString());
        packed.add(given);
        for (Part each : parts.values()) {
            Object value = values.get(each.name);
            if (ValueWrappers.isWrapper(each.type)) {
                packed.add(ValueWrappers.value(value));
                packed.add(ValueWrappers.text(value));
            } else {
                packed.add(value);
            }
        }
        return packed.toArray();
    }

    /**
     * Returns the state that has travelled; null if the class has other parts here.
     *
     * @throws ReflectiveOperationException if a wrapper cannot be made
     */
    @Nullable
    Sent unpack(@Nullable Object[] packed) throws ReflectiveOperationException {
        String[] names = String.valueOf(packed[0]).split("\n", parts.size() + 1);
        if (names.length != parts.size() + 1 || !names[names.length - 1].isEmpty()) {
            return null;
        }
        var values = new LinkedHashMap<String, @Nullable Object>();
        int at = 2;
        int count = 0;
        for (Part each : parts.values()) {
            boolean isWrapper = ValueWrappers.isWrapper(each.type);
            String name = names[count++];
            if (name.equals(each.name)) {
                values.put(
                        each.name,
                        isWrapper ? ValueWrappers.wrapper(each.type, packed[at], packed[at + 1]) : packed[at]);
            } else if (!name.equals(CAUSE + each.name)) {
                return null;
            }
            at += isWrapper ? 2 : 1;
        }
        return new Sent(values, (@Nullable String) packed[1]);
    }

    /** Sets the values of an exception that can be set. */
    void set(Throwable exception, Map<String, @Nullable Object> values, @Nullable Throwable cause)
            throws ReflectiveOperationException {
        for (Part each : parts.values()) {
            each.set(exception, values.containsKey(each.name) ? values.get(each.name) : cause);
        }
    }
}
