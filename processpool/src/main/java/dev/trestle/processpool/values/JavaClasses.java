package dev.trestle.processpool.values;

import java.io.Externalizable;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamField;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Questions about classes, answered without initializing them. */
final class JavaClasses {

    private JavaClasses() {}

    /** Returns whether a class is the JDK's: known to both sides, and nothing that Jackson may look into. */
    static boolean isOfJdk(Class<?> type) {
        ClassLoader loader = type.getClassLoader();
        return loader == null || loader == ClassLoader.getPlatformClassLoader();
    }

    /** Returns the class itself if it is the JDK's, otherwise its nearest superclass that is. */
    static Class<?> jdkPart(Class<?> type) {
        Class<?> each = type;
        while (!isOfJdk(each)) {
            each = each.getSuperclass();
        }
        return each;
    }

    /**
     * Returns whether a class is anonymous and adds neither methods nor state to its superclass, which is the JDK's.
     */
    static boolean isPlainAnonymous(Class<?> type) {
        if (!type.isAnonymousClass() || !isOfJdk(type.getSuperclass())) {
            return false;
        }
        for (Method each : type.getDeclaredMethods()) {
            if (!each.isSynthetic()) {
                return false;
            }
        }
        for (Field each : type.getDeclaredFields()) {
            if (!each.isSynthetic() && !Modifier.isStatic(each.getModifiers())) {
                return false;
            }
        }
        return true;
    }

    /** Returns whether an object of the class is a lambda or a method reference. */
    static boolean isLambda(Class<?> type) {
        return type.isHidden() && type.isSynthetic() && type.getName().contains("$$Lambda");
    }

    /** Returns the constructor without arguments of a class of the user's; null if it has none that we may call. */
    static @Nullable Constructor<?> ownNoArgConstructor(Class<?> type) {
        if (isOfJdk(type)
                || type.isAnonymousClass()
                || type.isInterface()
                || Modifier.isAbstract(type.getModifiers())) {
            return null;
        }
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor;
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null; // the question is whether there is one that we may call: there is not
        }
    }

    /** Makes an object of a class that has a {@link #ownNoArgConstructor}. */
    static Object newInstance(Class<?> type) {
        Constructor<?> constructor = ownNoArgConstructor(type);
        if (constructor == null) {
            throw new IllegalArgumentException(type.getName() + " has no constructor without arguments here");
        }
        try {
            return constructor.newInstance();
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof VirtualMachineError error) {
                throw error;
            }
            throw new IllegalArgumentException(
                    "the constructor of " + constructor.getDeclaringClass().getName() + " threw " + e.getCause(), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(
                    "the constructor of " + constructor.getDeclaringClass().getName() + " cannot be called", e);
        }
    }

    /**
     * Returns the fields that hold the state of an object: of its class and those above it, down to a class excluded.
     */
    static List<Field> stateFields(Class<?> type, Class<?> excluded) {
        var fields = new ArrayList<Field>();
        for (Class<?> each = type; each != null && each != excluded && !isOfJdk(each); each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                int modifiers = field.getModifiers();
                if (!Modifier.isStatic(modifiers) && !Modifier.isTransient(modifiers) && !field.isSynthetic()) {
                    fields.add(field);
                }
            }
        }
        return fields;
    }

    /**
     * Returns the class, this one or one above it, that has transient fields and says by a method of Java serialization
     * what becomes of them; null if there is none. The transient fields are state, and only the code of the class can
     * carry it.
     */
    static @Nullable Class<?> serializesItself(Class<?> type) {
        for (Class<?> each = type; each != null && !isOfJdk(each); each = each.getSuperclass()) {
            if (hasTransient(each) && hasOwnSerialForm(each)) {
                return each;
            }
        }
        return null;
    }

    private static boolean hasTransient(Class<?> type) {
        return Arrays.stream(type.getDeclaredFields())
                .mapToInt(Field::getModifiers)
                .anyMatch(each -> Modifier.isTransient(each) && !Modifier.isStatic(each));
    }

    private static boolean hasOwnSerialForm(Class<?> type) {
        return Externalizable.class.isAssignableFrom(type)
                || Arrays.stream(type.getDeclaredMethods()).anyMatch(JavaClasses::isOfSerialForm)
                || Arrays.stream(type.getDeclaredFields())
                        .anyMatch(each -> each.getName().equals("serialPersistentFields")
                                && each.getType() == ObjectStreamField[].class);
    }

    private static boolean isOfSerialForm(Method method) {
        List<Class<?>> parameters = List.of(method.getParameterTypes());
        return (method.getName().equals("writeObject") && parameters.equals(List.of(ObjectOutputStream.class)))
                || (method.getName().equals("readObject") && parameters.equals(List.of(ObjectInputStream.class)));
    }

    /** Returns a class's name as a person writes it, with an article. */
    static String aOrAn(String typeName) {

        boolean vowel = !typeName.isEmpty() && "AEIOUaeiou".indexOf(typeName.charAt(0)) >= 0;
        return (vowel ? "an " : "a ") + typeName;
    }
}
