package dev.trestle.processpool.values;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A class whose objects are equal if their fields are, and which has a constructor that takes these fields: a data
 * class of Kotlin, a case class of Scala, a {@code @Value} of Lombok. It is carried as a record is. Thread-safe.
 */
final class ValueClass {

    /*
     * A record says which parameter of its constructor is which component; such a class does not. The compilers of
     * Kotlin, Scala and Lombok write fields and parameters in the same order. So the types must be the same in this
     * order, and one of three must show that no two of the same type are exchanged: the names of the parameters; the
     * methods component1, component2, ... of Kotlin, or the interface Product of Scala, which these compilers make from
     * the constructor; or that all types differ. See ADR 333.
     */

    private static final ClassValue<Optional<ValueClass>> known = new ClassValue<>() {
        @Override
        protected Optional<ValueClass> computeValue(Class<?> type) {
            return find(type);
        }
    };

    private final Constructor<?> constructor;
    private final List<Field> fields;
    private final boolean isProduct;

    private ValueClass(Constructor<?> constructor, List<Field> fields, boolean isProduct) {
        this.constructor = constructor;
        this.fields = fields;
        this.isProduct = isProduct;
    }

    /** Returns the description of a class of values; null if the class is none, or a record. */
    static @Nullable ValueClass of(Class<?> type) {
        return known.get(type).orElse(null);
    }

    /** Returns whether a class is a data class of Kotlin or a case class of Scala: what a record is to Java. */
    static boolean isProduct(Class<?> type) {
        ValueClass found = of(type);
        return found != null && found.isProduct;
    }

    /** Returns whether Kotlin's compiler has made a class. */
    static boolean isOfKotlin(Class<?> type) {
        return Arrays.stream(type.getAnnotations())
                .anyMatch(each -> each.annotationType().getName().equals("kotlin.Metadata"));
    }

    boolean isMadeBy(Member candidate) {
        return constructor.equals(candidate);
    }

    /** Returns the name of the field that a parameter of the constructor sets. */
    String nameOf(int parameter) {
        return fields.get(parameter).getName();
    }

    private static Optional<ValueClass> find(Class<?> type) {
        if (JavaClasses.isOfJdk(type)
                || type.isRecord()
                || type.isEnum()
                || type.isHidden()
                || Modifier.isAbstract(type.getModifiers())
                || Throwable.class.isAssignableFrom(type)
                || JavaClasses.jdkPart(type) != Object.class
                || !declares(type, "equals", Object.class)
                || !declares(type, "hashCode")) {
            return Optional.empty();
        }
        List<Field> fields = Arrays.stream(type.getDeclaredFields())
                .filter(each -> !Modifier.isStatic(each.getModifiers()) && !each.isSynthetic())
                .toList();
        boolean whole = fields.equals(JavaClasses.stateFields(type, Object.class)); // none is transient or inherited
        if (!whole || fields.stream().noneMatch(ValueClass::isFinal)) {
            return Optional.empty();
        }
        int components = components(type, fields);
        boolean isProduct = components > 0 || implementsProduct(type);
        List<Field> taken = components > 0 ? fields.subList(0, components) : fields;
        if (fields.subList(taken.size(), fields.size()).stream().anyMatch(ValueClass::isFinal)) {
            return Optional.empty(); // nothing could set it
        }
        return Arrays.stream(type.getDeclaredConstructors())
                .filter(each -> !each.isSynthetic() && takes(each, taken, isProduct))
                .findFirst()
                .map(each -> new ValueClass(each, taken, isProduct));
    }

    private static boolean isFinal(Field field) {
        return Modifier.isFinal(field.getModifiers());
    }

    private static boolean declares(Class<?> type, String method, Class<?>... parameters) {
        try {
            var _ = type.getDeclaredMethod(method, parameters);
            return true;
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    /** Returns the number of methods component1, component2, ... that give the first fields; 0 if one gives another. */
    private static int components(Class<?> type, List<Field> fields) {
        var found = new ArrayList<Class<?>>();
        while (true) {
            String name = "component" + (found.size() + 1);
            Optional<Method> next = Arrays.stream(type.getDeclaredMethods())
                    .filter(each -> each.getParameterCount() == 0 && !Modifier.isStatic(each.getModifiers()))
                    .filter(each -> isNamed(each, name))
                    .findFirst();
            if (next.isEmpty()) {
                return found.size();
            }
            if (found.size() == fields.size()
                    || fields.get(found.size()).getType() != next.get().getReturnType()) {
                return 0;
            }
            found.add(next.get().getReturnType());
        }
    }

    /** Kotlin adds the name of a module to internal methods, and a hash to those of inline classes. */
    private static boolean isNamed(Method method, String name) {
        String own = method.getName();
        return own.equals(name) || own.startsWith(name + "$") || own.startsWith(name + "-");
    }

    private static boolean implementsProduct(Class<?> type) {
        for (Class<?> each = type; each != Object.class; each = each.getSuperclass()) {
            if (Arrays.stream(each.getInterfaces())
                    .anyMatch(its -> its.getName().equals("scala.Product"))) {
                return true;
            }
        }
        return false;
    }

    private static boolean takes(Constructor<?> constructor, List<Field> fields, boolean isProduct) {
        List<Class<?>> types = fields.stream().<Class<?>>map(Field::getType).toList();
        if (!List.of(constructor.getParameterTypes()).equals(types)) {
            return false;
        }
        List<Parameter> parameters = List.of(constructor.getParameters());
        if (parameters.stream().allMatch(Parameter::isNamePresent)) {
            return parameters.stream()
                    .map(Parameter::getName)
                    .toList()
                    .equals(fields.stream().map(Field::getName).toList());
        }
        Set<Class<?>> different = new HashSet<>(types);
        return isProduct || different.size() == types.size();
    }
}
