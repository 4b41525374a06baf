package dev.trestle.processpool.values;

import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
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
     * A class of the user's has fields, which can be read and set. A class of the JDK has fields that only itself may
     * touch, but their names and types can be asked for. Those of one type are visible if they are public, or if the
     * class that declares them has as many public methods without parameters that return the type. If some are not,
     * nobody can tell whether an exception that was made again is the same, so the class counts as one that cannot be:
     * half an exception would lie.
     */

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
     * @param getter the field or the method that gives it
     * @param setter the field or the method that sets it; null if only a constructor does
     */
    private record Part(
            String name, Member getter, @Nullable Member setter) {

        @Nullable
        Object get(Throwable from) throws ReflectiveOperationException {
            return getter instanceof Field field ? field.get(from) : ((Method) getter).invoke(from);
        }

        void set(Throwable to, @Nullable Object value) throws ReflectiveOperationException {
            if (setter instanceof Field field) {
                field.set(to, value);
            } else if (setter instanceof Method method && !Objects.deepEquals(get(to), value)) {
                method.invoke(to, value);
            }
        }
    }

    private final Map<String, Part> parts = new LinkedHashMap<>();
    private boolean isVisible = true;
    private String hidden = "";

    private ThrowableState(Class<?> type) {
        for (Class<?> each = type; each != Throwable.class && each != null; each = each.getSuperclass()) {
            if (isVisible) {
                hidden = each.getName() + " has fields that are closed";
            }
            if (!JavaClasses.isOfJdk(each)) {
                addFields(each);
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
        parts.put(unique, new Part(unique, getter, setter));
    }

    /** Returns the type of the field that a part is; null if it is none. */
    @Nullable
    Class<?> typeOf(String name) {
        Part part = parts.get(name);
        return part != null && part.getter() instanceof Field field ? field.getType() : null;
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
     * Returns what an exception has, by name, but for what is its cause; null if not all of that can be seen.
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

    /** Gives an exception the values that it can be given. */
    void set(Throwable exception, Map<String, @Nullable Object> values, @Nullable Throwable cause)
            throws ReflectiveOperationException {
        for (Part each : parts.values()) {
            each.set(exception, values.containsKey(each.name) ? values.get(each.name) : cause);
        }
    }
}
