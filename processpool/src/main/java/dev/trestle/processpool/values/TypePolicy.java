package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.WireOptions;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Which classes the sender of a payload may name. Thread-safe.
 *
 * <p>A worker takes what its pool sends: it runs the pool's code anyway. A pool takes from a worker, for each call:
 * <ul>
 *   <li>the built-in list: the JDK's value classes, collections and public enums;
 *   <li>what the declared result of the call leads to: its class, type arguments, fields, components, permitted
 *   subclasses;
 *   <li>records and enums of the program, which are data by their nature, and what their components lead to;
 *   <li>what the pool's options allow;
 *   <li>arrays of all these.
 * </ul>
 * A class is looked at without being initialized, and made only when it is permitted.
 */
final class TypePolicy {

    private final TypeNames names;
    private final WireOptions options;
    private final boolean trusting;
    private final List<Type> roots;
    private volatile @Nullable Set<Class<?>> reachable;
    private final Map<String, Class<?>> permitted = new ConcurrentHashMap<>();

    private TypePolicy(TypeNames names, WireOptions options, boolean trusting, List<Type> roots) {
        this.names = names;
        this.options = options;
        this.trusting = trusting;
        this.roots = roots;
    }

    /** Returns the policy of a worker. */
    static TypePolicy trusting(TypeNames names, WireOptions options) {
        return new TypePolicy(names, options, true, List.of());
    }

    /** Returns the policy of a pool for calls whose results are declared as these types. */
    static TypePolicy forResult(TypeNames names, WireOptions options, List<Type> declared) {
        return new TypePolicy(names, options, false, List.copyOf(declared));
    }

    /** Returns whether the sender is one of us. */
    boolean isTrusting() {
        return trusting;
    }

    ClassLoader loader() {
        return names.loader();
    }

    /** Returns the class that carries values with a name from the wire, if the sender may name it. */
    Class<?> permitted(String name) {
        Class<?> known = permitted.get(name);
        if (known != null) {
            return known;
        }
        Class<?> type;
        try {
            type = names.find(name);
        } catch (ClassNotFoundException | LinkageError e) {
            throw RefusedException.notFound(name);
        }
        if (!trusting && !TypeNames.isBuiltIn(name) && !(type.isArray() ? permitsClass(type) : permits(type))) {
            throw refused(name, type);
        }
        permitted.put(name, type);
        return type;
    }

    /**
     * Returns the class with a name from the wire, which is itself a value and makes none, if the sender may name it.
     */
    Class<?> permittedClass(String name) {
        Class<?> type;
        try {
            type = names.findClass(name);
        } catch (ClassNotFoundException | LinkageError e) {
            throw RefusedException.notFound(name);
        }
        if (!trusting && !permitsClass(type)) {
            throw refused(name, type);
        }
        return type;
    }

    private static RefusedException refused(String name, Class<?> type) {
        return new RefusedException(
                name,
                "may not be part of this result: it is neither a record nor an enum, and the declared type of the"
                        + " result does not lead to it",
                "Declare the result with it, or add it to the pool's allowed types: allow(" + simpleName(type)
                        + ".class).");
    }

    /** Returns whether a class, or arrays of it, may be in a result: no object of it is made by that. */
    private boolean permitsClass(Class<?> type) {
        Class<?> element = type;
        while (element.isArray()) {
            element = element.componentType();
        }
        return element.isPrimitive()
                || Throwable.class.isAssignableFrom(element)
                || permits(element)
                || (element.getModule() == Object.class.getModule()
                        && Modifier.isPublic(element.getModifiers())
                        && element.getModule().isExported(element.getPackageName()));
    }

    private boolean permits(Class<?> element) {
        if (TypeNames.isBuiltIn(TypeNames.nameOf(element)) || options.allows(element)) {
            return true;
        }
        if (JavaClasses.isOfJdk(element)) {
            return element.isEnum()
                    && element.getModule() == Object.class.getModule()
                    && element.getModule().isExported(element.getPackageName());
        }
        if (element.isRecord() || ValueClass.isProduct(element)) {
            reachClass(element, reachable()); // its components' types come with it
            return true;
        }
        return element.isEnum() || isKotlinObject(element) || reachable().contains(element);
    }

    /** An object of Kotlin, such as its empty list, is to it what an enum with one constant is. */
    private static boolean isKotlinObject(Class<?> type) {
        return ValueClass.isOfKotlin(type) && Constants.of(type) != null;
    }

    private static String simpleName(Class<?> type) {
        return type.getSimpleName().isEmpty() ? type.getName() : type.getSimpleName();
    }

    private Set<Class<?>> reachable() {
        Set<Class<?>> known = reachable;
        if (known == null) {
            known = ConcurrentHashMap.newKeySet();
            for (Type each : roots) {
                reach(each, known);
            }
            reachable = known;
        }
        return known;
    }

    private static void reach(@Nullable Type type, Set<Class<?>> into) {
        switch (type) {
            case null -> {}
            case Class<?> plain -> reachClass(plain, into);
            case ParameterizedType generic -> {
                reach(generic.getRawType(), into);
                reachAll(generic.getActualTypeArguments(), into);
            }
            case GenericArrayType array -> reach(array.getGenericComponentType(), into);
            case WildcardType wildcard -> reachAll(wildcard.getUpperBounds(), into);
            case TypeVariable<?> variable -> reachAll(variable.getBounds(), into);
            default -> throw new IllegalStateException("unknown kind of type: " + type);
        }
    }

    private static void reachAll(Type[] types, Set<Class<?>> into) {
        for (Type each : types) {
            // A variable may be bounded by itself: T extends Comparable<T>. Its erasure says enough.
            if (!(each instanceof ParameterizedType generic) || !isRecursive(generic)) {
                reach(each, into);
            } else if (generic.getRawType() instanceof Class<?> raw) {
                reachClass(raw, into);
            }
        }
    }

    private static boolean isRecursive(ParameterizedType type) {
        for (Type each : type.getActualTypeArguments()) {
            if (each instanceof TypeVariable<?>) {
                return true;
            }
        }
        return false;
    }

    private static void reachClass(Class<?> type, Set<Class<?>> into) {
        if (type.isArray()) {
            reachClass(type.componentType(), into);
            return;
        }
        if (type.isPrimitive() || JavaClasses.isOfJdk(type) || !into.add(type)) {
            return;
        }
        if (type.isSealed()) {
            for (Class<?> each : type.getPermittedSubclasses()) {
                reachClass(each, into);
            }
        }
        if (type.isRecord()) {
            for (RecordComponent each : type.getRecordComponents()) {
                reach(each.getGenericType(), into);
            }
        }
        for (Field each : JavaClasses.stateFields(type, Object.class)) {
            reach(each.getGenericType(), into);
        }
        reach(type.getGenericSuperclass(), into);
    }

    @Override
    public String toString() {
        return trusting ? "TypePolicy[trusting]" : "TypePolicy[" + roots + "]";
    }
}
