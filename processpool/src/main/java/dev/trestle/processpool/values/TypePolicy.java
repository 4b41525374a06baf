package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.WireOptions;
import java.io.Serializable;
import java.lang.constant.Constable;
import java.lang.constant.ConstantDesc;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The classes that the sender of a payload may name. Thread-safe.
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
 * Of the state of an exception it takes less: text, numbers, and what the fields of the exception's class lead to.
 *
 * A class is looked at without being initialized, and made only when it is permitted.
 */
final class TypePolicy {

    static final Set<Class<?>> textAndNumbers = Set.of(
            String.class,
            Boolean.class,
            Character.class,
            Byte.class,
            Short.class,
            Integer.class,
            Long.class,
            Float.class,
            Double.class,
            BigInteger.class,
            BigDecimal.class);

    /** Types that nearly all classes have, so that a field of such a type leads to none of them. */
    private static final Set<Class<?>> saysNothing = Set.of(
            Object.class,
            Serializable.class,
            Comparable.class,
            Cloneable.class,
            CharSequence.class,
            Constable.class,
            ConstantDesc.class,
            Record.class,
            Enum.class);

    private final TypeNames names;
    private final WireOptions options;
    private final Sender sender;
    private final List<Type> roots;
    private volatile @Nullable Set<Class<?>> reachable;
    private final Map<String, Class<?>> permitted = new ConcurrentHashMap<>();

    private TypePolicy(TypeNames names, WireOptions options, Sender sender, List<Type> roots) {
        this.names = names;
        this.options = options;
        this.sender = sender;
        this.roots = roots;
    }

    /** Returns the policy of a worker. */
    static TypePolicy trusting(TypeNames names, WireOptions options) {
        return new TypePolicy(names, options, Sender.POOL, List.of());
    }

    /** Returns the policy of a pool for calls whose results are declared as these types. */
    static TypePolicy forResult(TypeNames names, WireOptions options, List<Type> declared) {
        return new TypePolicy(names, options, Sender.WORKER_RESULT, List.copyOf(declared));
    }

    /** Returns the policy of a pool for the state of an exception whose fields are declared as these types. */
    static TypePolicy forState(TypeNames names, WireOptions options, List<Type> declared) {
        return new TypePolicy(names, options, Sender.WORKER_EXCEPTION, List.copyOf(declared));
    }

    /** Returns whether the sender is one of us. */
    boolean isTrusting() {
        return sender == Sender.POOL;
    }

    Sender sender() {
        return sender;
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
            type = names.find(name, sender);
        } catch (ClassNotFoundException | LinkageError e) {
            throw RefusedException.notFound(name);
        }
        boolean isPermitted = switch (sender) {
            case POOL -> true;
            case WORKER_RESULT -> TypeNames.isBuiltIn(name) || (type.isArray() ? permitsClass(type) : permits(type));
            case WORKER_EXCEPTION -> permitsInState(type);
        };
        if (!isPermitted) {
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
            type = names.findClass(name, sender);
        } catch (ClassNotFoundException | LinkageError e) {
            throw RefusedException.notFound(name);
        }
        boolean isPermitted = switch (sender) {
            case POOL -> true;
            case WORKER_RESULT -> permitsClass(type);
            case WORKER_EXCEPTION ->
                reachable().contains(Class.class) ? permitsClass(type) : type.isEnum() && permitsInState(type);
        };
        if (!isPermitted) {
            throw refused(name, type);
        }
        return type;
    }

    private RefusedException refused(String name, Class<?> type) {
        if (sender == Sender.WORKER_EXCEPTION) {
            return new RefusedException(
                    name,
                    "may not be part of this exception: it is neither text nor a number, and no field of the"
                            + " exception's class leads to it",
                    "Declare the field with it, or add it to the pool's allowed types: allow(" + simpleName(type)
                            + ".class).");
        }
        return new RefusedException(
                name,
                "may not be part of this result: it is neither a record nor an enum, and the declared type of the"
                        + " result does not lead to it",
                "Declare the result with it, or add it to the pool's allowed types: allow(" + simpleName(type)
                        + ".class).");
    }

    /** Returns whether a class, or arrays of it, may be in a result: no object of it is made by that. */
    private boolean permitsClass(Class<?> type) {
        Class<?> element = elementOf(type);
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
                    && isPublic(element)
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

    /**
     * Returns whether the state of an exception may have values of a class: text, numbers, what the fields of the
     * exception's class lead to, and collections if one of these is a collection or may be anything.
     */
    private boolean permitsInState(Class<?> type) {
        Class<?> element = elementOf(type);
        Set<Class<?>> declared = reachable();
        if (element.isPrimitive()
                || textAndNumbers.contains(element)
                || options.allows(element)
                || declared.contains(element)) {
            return true;
        }
        boolean isOfJdk = JavaClasses.isOfJdk(element);
        if (isOfJdk && (isCollection(element) || element == Comparator.class || element == Class.class)) {
            // An order goes before the elements of a sorted set, and an enum before those of an enum set
            return declared.contains(Object.class) || declared.stream().anyMatch(TypePolicy::isCollection);
        }
        if (element == Throwable.class) {
            return declared.stream().anyMatch(Throwable.class::isAssignableFrom);
        }
        boolean isData = isOfJdk
                ? TypeNames.isBuiltIn(TypeNames.carriedAs(element)) || permits(element)
                : element.isRecord() || element.isEnum();
        boolean isDeclared =
                declared.stream().anyMatch(each -> !saysNothing.contains(each) && each.isAssignableFrom(element));
        if (isData && isDeclared && !isOfJdk) {
            reachClass(element, declared); // its components' types come with it
        }
        return isData && isDeclared;
    }

    private static Class<?> elementOf(Class<?> type) {
        return type.isArray() ? elementOf(type.componentType()) : type;
    }

    private static boolean isCollection(Class<?> type) {
        return (Iterable.class.isAssignableFrom(type) && !Path.class.isAssignableFrom(type))
                || Map.class.isAssignableFrom(type);
    }

    /** Returns whether a class is public, as are those that it is nested in. */
    private static boolean isPublic(Class<?> type) {
        for (Class<?> each = type; each != null; each = each.getEnclosingClass()) {
            if (!Modifier.isPublic(each.getModifiers())) {
                return false;
            }
        }
        return true;
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
        if (type.isPrimitive() || !into.add(type) || JavaClasses.isOfJdk(type)) {
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
        return isTrusting() ? "TypePolicy[trusting]" : "TypePolicy[" + roots + "]";
    }
}
