package dev.trestle.processpool.values;

import java.lang.reflect.Modifier;
import java.util.AbstractMap;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The names on the wire. One per class loader. Finding a class does not initialize it.
 *
 * <p>A class that is itself a value, or whose arrays are, has the name of that class and no other. A name says nothing
 * about the encoding: all exceptions are carried alike, and a collection as its {@link CollectionKind}. So what stands
 * in front of a value is short for the JDK's value classes and collections, and the class name for all others.
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
                char.class,
                Character.class,
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

    /** The longest name of a class that a sender may give. */
    private static final int LONGEST = 1024;

    private static final int MAX_DIMENSIONS = 16;

    private final ClassLoader loader;
    private final ClassFiles files;
    private final Map<String, Class<?>> found = new ConcurrentHashMap<>();

    TypeNames(ClassLoader loader) {
        this.loader = loader;
        this.files = new ClassFiles(loader);
    }

    private static void fix(String name, Class<?> type) {
        fixed.put(name, type);
        fixedNames.put(type, name);
    }

    /** Returns the name of how values of this class are carried. */
    static String carriedAs(Class<?> type) {
        return names.get(type);
    }

    /** Returns the name of this very class. */
    static String nameOf(Class<?> type) {
        if (type.isArray()) {
            return nameOf(type.componentType()) + "[]";
        }
        String name = fixedNames.get(type);
        return name == null ? ownName(type) : name;
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

    /** Finds the name of how values of this class are carried; {@link #carriedAs} remembers what was found. */
    static String compute(Class<?> type) {
        if (type.isArray()) {
            return nameOf(type);
        }
        String name = fixedNames.get(type);
        if (name != null) {
            return name;
        }
        Scalar scalar = Scalar.of(type);
        if (scalar != null) {
            return scalar.wireName();
        }
        if (Collection.class.isAssignableFrom(type)) {
            CollectionKind kind = CollectionKind.index.of(type);
            return kind == null || kind == CollectionKind.OWN ? ownName(type) : kind.wireName();
        }
        if (Map.class.isAssignableFrom(type)) {
            MapKind kind = MapKind.index.of(type);
            return kind == null || kind == MapKind.OWN ? ownName(type) : kind.wireName();
        }
        if (Map.Entry.class.isAssignableFrom(type) && JavaClasses.isOfJdk(type)) {
            return isUnmodifiableEntry(type) ? "SimpleImmutableEntry" : "SimpleEntry"; // its map stays behind
        }
        if (Throwable.class.isAssignableFrom(type)) {
            return "Throwable";
        }
        if (JavaClasses.isLambda(type)) {
            return "Lambda";
        }
        return ownName(Enum.class.isAssignableFrom(type) && type.isAnonymousClass() ? type.getSuperclass() : type);
    }

    private static boolean isUnmodifiableEntry(Class<?> type) {
        return type.getName().startsWith("java.util.Collections$Unmodifiable")
                || type.getName().equals("jdk.internal.util.NullableKeyValueHolder"); // of sequenced maps
    }

    /** A name without a dot is one of ours; a class without a package gets one. */
    private static String ownName(Class<?> type) {
        return type.getName().indexOf('.') < 0 ? "." + type.getName() : type.getName();
    }

    /**
     * Returns whether a value that is carried as a class may be in a place of a declared class. A collection may be
     * carried as another class than its own, and all exceptions are carried alike; they are looked at when they are
     * there.
     */
    static boolean mayBeIn(Class<?> declared, Class<?> carrier) {
        if (declared.isAssignableFrom(carrier) || carrier.isAssignableFrom(declared)) {
            return true;
        }
        boolean isMadeLater = isContainer(carrier) || carrier == LambdaValue.class || carrier == StreamValue.class;
        return isMadeLater && (declared.isInterface() || isContainer(declared));
    }

    private static boolean isContainer(Class<?> type) {
        return Collection.class.isAssignableFrom(type) || Map.class.isAssignableFrom(type);
    }

    /** Returns whether a name stands for a class of the built-in list, which every sender may name. */
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
        CollectionKind collection = CollectionKind.index.named(name);
        if (collection != null) {
            return collection.type();
        }
        MapKind map = MapKind.index.named(name);
        return map == null ? null : map.type();
    }

    /** Returns the class with a name from the wire. */
    Class<?> find(String name, Sender sender) throws ClassNotFoundException {
        Class<?> type = builtIn(name);
        if (type == null) {
            type = found.get(name);
        }
        if (type == null) {
            type = isArray(name) ? findArray(name, sender) : findOwn(name, sender);
            found.put(name, type);
        }
        return type;
    }

    /** Returns the class that has a {@linkplain #nameOf name}. */
    Class<?> findClass(String name, Sender sender) throws ClassNotFoundException {
        if (isArray(name)) {
            return find(name, sender);
        }
        Class<?> type = fixed.get(name);
        return type == null ? findOwn(name, sender) : type;
    }

    private static boolean isArray(String name) {
        return name.endsWith("[]");
    }

    private Class<?> findArray(String name, Sender sender) throws ClassNotFoundException {
        String element = name;
        int dimensions = 0;
        while (isArray(element)) {
            element = element.substring(0, element.length() - 2);
            dimensions++;
            if (dimensions > MAX_DIMENSIONS) { // the JVM keeps a class for each
                throw new ClassNotFoundException(name);
            }
        }
        Class<?> type = findClass(element, sender);
        for (int i = 0; i < dimensions; i++) {
            type = type.arrayType();
        }
        return type;
    }

    private Class<?> findOwn(String name, Sender sender) throws ClassNotFoundException {
        String own = name.startsWith(".") ? name.substring(1) : name;
        boolean isAlias = own.length() < name.length() && own.indexOf('.') >= 0;
        if (isAlias || own.length() > LONGEST || !isBinaryName(own)) {
            throw new ClassNotFoundException(name);
        }
        return sender == Sender.POOL ? Class.forName(own, false, loader) : files.find(own);
    }

    /** Returns whether a class file may have this name: those of arrays, and paths, are none. */
    private static boolean isBinaryName(String name) {
        if (name.isEmpty() || name.startsWith(".") || name.endsWith(".") || name.contains("..")) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            if ("/\\[;".indexOf(name.charAt(i)) >= 0) {
                return false;
            }
        }
        return true;
    }

    ClassLoader loader() {
        return loader;
    }
}
