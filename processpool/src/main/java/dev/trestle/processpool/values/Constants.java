package dev.trestle.processpool.values;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The constants of a class of the user's whose objects are known by their identity: a singleton, or one of a few
 * objects that its class makes. Such an object is sent as the name of its constant, and is the object of that name on
 * the other side. Thread-safe.
 */
final class Constants {

    /*
     * The identity of objects matters where their class has readResolve() or writeReplace(), which Java serialization
     * would ask for another object than a copy, and where nothing but identity tells them apart: they have no state,
     * and only their class makes them. The constants are the static final fields of the class, of its superclasses, and
     * of the class around it, where Kotlin has companions.
     */

    private static final ClassValue<Optional<Constants>> known = new ClassValue<>() {
        @Override
        protected Optional<Constants> computeValue(Class<?> type) {
            try {
                return Optional.ofNullable(find(type));
            } catch (LinkageError e) {
                return Optional
                        .empty(); // the type of a field or a method is missing: Jackson says so, or does without it
            }
        }
    };

    private final Class<?> type;
    private final @Nullable String replacement;
    private final Map<String, Field> fields;

    private Constants(Class<?> type, @Nullable String replacement, Map<String, Field> fields) {
        this.type = type;
        this.replacement = replacement;
        this.fields = fields;
    }

    /** Returns the constants of a class, or null if its objects are known by what they hold. Does not initialize it. */
    static @Nullable Constants of(Class<?> type) {
        return known.get(type).orElse(null);
    }

    private static @Nullable Constants find(Class<?> type) {
        if (JavaClasses.isOfJdk(type)
                || type.isInterface()
                || type.isArray()
                || Enum.class.isAssignableFrom(type)
                || Throwable.class.isAssignableFrom(type)
                || JavaClasses.isLambda(type)) {
            return null;
        }
        Map<String, Field> fields = fields(type);
        String replacement = replacement(type);
        boolean isKnownByIdentity =
                replacement != null || (!fields.isEmpty() && isMadeByItself(type) && !hasState(type));
        return isKnownByIdentity ? new Constants(type, replacement, fields) : null;
    }

    private static Map<String, Field> fields(Class<?> type) {
        var fields = new LinkedHashMap<String, Field>();
        for (Class<?> each = type; each != null && !JavaClasses.isOfJdk(each); each = each.getSuperclass()) {
            addFields(each, type, fields);
        }
        Class<?> around = type.getEnclosingClass();
        if (around != null) {
            addFields(around, type, fields);
        }
        return fields;
    }

    private static void addFields(Class<?> owner, Class<?> type, Map<String, Field> to) {
        for (Field each : owner.getDeclaredFields()) {
            int modifiers = each.getModifiers();
            if (Modifier.isStatic(modifiers) && Modifier.isFinal(modifiers) && canBe(each.getType(), type)) {
                to.putIfAbsent(owner.getName() + "." + each.getName(), each);
            }
        }
    }

    private static boolean canBe(Class<?> declared, Class<?> type) {
        return declared.isAssignableFrom(type) && !JavaClasses.isOfJdk(declared);
    }

    /** Returns the method by which a class has Java serialization replace its objects, or null. */
    private static @Nullable String replacement(Class<?> type) {
        for (Class<?> each = type; each != null && !JavaClasses.isOfJdk(each); each = each.getSuperclass()) {
            for (Method method : each.getDeclaredMethods()) {
                boolean isInherited = each == type || !Modifier.isPrivate(method.getModifiers());
                if ((method.getName().equals("readResolve") || method.getName().equals("writeReplace"))
                        && method.getParameterCount() == 0
                        && method.getReturnType() == Object.class
                        && !Modifier.isStatic(method.getModifiers())
                        && isInherited) {
                    return method.getName();
                }
            }
        }
        return null;
    }

    private static boolean isMadeByItself(Class<?> type) {
        for (Constructor<?> each : type.getDeclaredConstructors()) {
            if (!Modifier.isPrivate(each.getModifiers()) && !each.isSynthetic()) {
                return false;
            }
        }
        return true;
    }

    private static boolean hasState(Class<?> type) {
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Returns the name of the constant that an object is. */
    String nameOf(Object object) {
        for (Map.Entry<String, Field> each : fields.entrySet()) {
            if (value(each.getValue()) == object) {
                return each.getKey();
            }
        }
        throw new RefusedException(
                type.getName(),
                replacement == null
                        ? "has no state, is made by its class only, and is not one of its constants"
                        : "has a method " + replacement
                                + "(), so its class would replace a copy, and it is not the value of a"
                                + " static final field of its class",
                "Pass what the worker needs to make or to find it there, or make it a record or an enum.");
    }

    /** Returns the constant with a name from the wire. */
    Object named(String name) {
        Field field = fields.get(name);
        Object value = field == null ? null : value(field);
        if (value == null || value.getClass() != type) {
            throw new RefusedException(type.getName(), "has no constant " + name + " here", "");
        }
        return value;
    }

    private @Nullable Object value(Field field) {
        try {
            field.setAccessible(true);
            return field.get(null);
        } catch (IllegalAccessException | RuntimeException | LinkageError e) {
            throw new RefusedException(
                    type.getName(),
                    "has a constant " + field.getName() + " that cannot be read: " + e,
                    "Make it a record or an enum.");
        }
    }

    @Override
    public String toString() {
        return "Constants" + fields.keySet();
    }
}
