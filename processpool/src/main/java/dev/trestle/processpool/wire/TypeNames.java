package dev.trestle.processpool.wire;

import java.lang.reflect.Modifier;
import java.util.AbstractMap;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The names that classes have on the wire: short ones for the JDK's value classes and collections, the class name for all
 * others. One per class loader. Finding a class does not initialize it.
 */
final class TypeNames {

    private static final Map<String, Class<?>> fixed = new HashMap<>();
    private static final Map<Class<?>, String> fixedNames = new HashMap<>();
    private static final ClassValue<String> names = new ClassValue<>() {
        @Override
        protected String computeValue(Class<?> type) {
            return compute(type);
        }
    };

    static {
        for (Class<?> each : List.of(
                boolean.class,
                byte.class,
                short.class,
                char.class,
                int.class,
                long.class,
                float.class,
                double.class,
                void.class,
                Boolean.class,
                Byte.class,
                Short.class,
                Integer.class,
                Long.class,
                Float.class,
                Double.class,
                String.class,
                Object.class,
                Number.class,
                Comparable.class,
                CharSequence.class,
                Optional.class,
                EnumSet.class,
                EnumMap.class,
                Throwable.class,
                Map.Entry.class)) {
            fix(each.getSimpleName(), each);
        }
        fix("Map.entry", Map.entry(1, 1).getClass());
        fix("SimpleEntry", AbstractMap.SimpleEntry.class);
        fix("SimpleImmutableEntry", AbstractMap.SimpleImmutableEntry.class);
        fix("Lambda", LambdaValue.class);
        fix("Stream", StreamValue.class);
    }

    private final ClassLoader loader;
    private final Map<String, Class<?>> found = new ConcurrentHashMap<>();

    TypeNames(ClassLoader loader) {
        this.loader = loader;
    }

    private static void fix(String name, Class<?> type) {
        fixed.put(name, type);
        fixedNames.put(type, name);
    }

    /** Returns the name for values of this class. */
    static String nameOf(Class<?> type) {
        return names.get(type);
    }

    /** Returns whether values in a place that is declared with this class need their own class written. */
    static boolean isNeededFor(Class<?> declared) {
        if (declared.isArray()) {
            return isNeededFor(declared.componentType());
        }
        boolean isEnum = Enum.class.isAssignableFrom(declared) && declared != Enum.class;
        return !declared.isPrimitive()
                && !Scalar.isDeclaredAs(declared)
                && !isEnum
                && !Modifier.isFinal(declared.getModifiers());
    }

    private static String compute(Class<?> type) {
        if (type.isArray()) {
            return compute(type.componentType()) + "[]";
        }
        String name = fixedNames.get(type);
        if (name != null) {
            return name;
        }
        Scalar scalar = Scalar.of(type);
        if (scalar != null) {
            return scalar.wireName();
        }
        if (EnumSet.class.isAssignableFrom(type)) {
            return "EnumSet";
        }
        if (Collection.class.isAssignableFrom(type) && !type.isInterface()) {
            CollectionKind kind = CollectionKind.of(type);
            return kind == CollectionKind.OWN ? ownName(type) : kind.wireName();
        }
        if (Map.class.isAssignableFrom(type) && !type.isInterface()) {
            MapKind kind = MapKind.of(type);
            return kind == MapKind.OWN ? ownName(type) : kind.wireName();
        }
        if (Map.Entry.class.isAssignableFrom(type) && JavaClasses.isOfJdk(type)) {
            return "SimpleEntry"; // an entry of a map that stays behind
        }
        if (Throwable.class.isAssignableFrom(type)) {
            return "Throwable";
        }
        if (JavaClasses.isLambda(type)) {
            return "Lambda";
        }
        return ownName(Enum.class.isAssignableFrom(type) && type.isAnonymousClass() ? type.getSuperclass() : type);
    }

    /** A name without a dot is one of ours; a class without a package gets one. */
    private static String ownName(Class<?> type) {
        return type.getName().indexOf('.') < 0 ? "." + type.getName() : type.getName();
    }

    /** Returns whether a name stands for a class of the built-in list, which everybody may name. */
    static boolean isBuiltIn(String name) {
        return builtIn(name) != null;
    }

    private static @Nullable Class<?> builtIn(String name) {
        Class<?> type = fixed.get(name);
        if (type != null) {
            return type;
        }
        Scalar scalar = Scalar.named(name);
        if (scalar != null) {
            return scalar.type();
        }
        CollectionKind collection = CollectionKind.named(name);
        if (collection != null) {
            return collection.type();
        }
        MapKind map = MapKind.named(name);
        return map == null ? null : map.type();
    }

    /** Returns the class with a name from the wire. */
    Class<?> find(String name) throws ClassNotFoundException {
        Class<?> type = builtIn(name);
        if (type == null) {
            type = found.get(name);
        }
        if (type == null) {
            type = name.endsWith("[]")
                    ? find(name.substring(0, name.length() - 2)).arrayType()
                    : Class.forName(name.startsWith(".") ? name.substring(1) : name, false, loader);
            found.put(name, type);
        }
        return type;
    }

    ClassLoader loader() {
        return loader;
    }
}
