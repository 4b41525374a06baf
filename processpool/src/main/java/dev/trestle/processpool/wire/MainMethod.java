package dev.trestle.processpool.wire;

import static java.util.Objects.requireNonNull;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The method in which a program begins, as the launcher of Java 25 finds it: {@code main} with an array of strings or
 * else without parameters, static or of an object that a constructor without parameters makes, and not private.
 */
public final class MainMethod {

    private final Class<?> type;
    private final Method method;

    private MainMethod(Class<?> type, Method method) {
        this.type = type;
        this.method = method;
    }

    /**
     * Finds the method of a class.
     *
     * @throws IllegalArgumentException if Java could not start the class
     */
    public static MainMethod of(Class<?> type) {
        Method found = find(type, String[].class);
        if (found == null) {
            found = find(type);
        }
        if (found == null) {
            throw new IllegalArgumentException(type.getName() + " has no main method that can be run. It needs"
                    + " \"static void main(String[] arguments)\" or another form that java starts, which is not private"
                    + " and returns void.");
        }
        if (!Modifier.isStatic(found.getModifiers())) {
            checkConstructor(type, found);
        }
        return new MainMethod(type, found);
    }

    private static void checkConstructor(Class<?> type, Method found) {
        Constructor<?> constructor = null;
        for (Constructor<?> each : type.getDeclaredConstructors()) {
            if (each.getParameterCount() == 0 && !Modifier.isPrivate(each.getModifiers())) {
                constructor = each;
            }
        }
        if (constructor == null || Modifier.isAbstract(type.getModifiers())) {
            throw new IllegalArgumentException(type.getName() + " cannot be run: its main method, " + found
                    + ", is not static, and no object can be made for it. Make the method static, or give the class a"
                    + " constructor without parameters that is not private.");
        }
    }

    private static @Nullable Method find(Class<?> type, Class<?>... parameters) {
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            Method found = declared(each, parameters);
            if (found != null
                    && found.getReturnType() == void.class
                    && !Modifier.isPrivate(found.getModifiers())
                    && !Modifier.isAbstract(found.getModifiers())) {
                return found;
            }
        }
        return null;
    }

    private static @Nullable Method declared(Class<?> type, Class<?>... parameters) {
        try {
            return type.getDeclaredMethod("main", parameters);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    /** Calls the method. */
    public void invoke(String[] arguments) throws ReflectiveOperationException {
        Object receiver = null;
        if (!Modifier.isStatic(method.getModifiers())) {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            receiver = constructor.newInstance();
        }
        method.setAccessible(true);
        if (method.getParameterCount() == 0) {
            var _ = method.invoke(receiver);
        } else {
            var _ = method.invoke(receiver, (Object) arguments);
        }
    }

    /** Returns the exception of the program, with the stack that it would have if the launcher had called it. */
    public Throwable thrownBy(InvocationTargetException thrown) {
        Throwable cause = requireNonNull(thrown.getCause());
        StackTraceElement[] stack = cause.getStackTrace();
        int last = stack.length;
        while (last > 0 && !isHere(stack[last - 1])) {
            last--;
        }
        if (last > 0) {
            cause.setStackTrace(Arrays.copyOf(stack, last));
        }
        return cause;
    }

    private boolean isHere(StackTraceElement frame) {
        return frame.getClassName().equals(method.getDeclaringClass().getName())
                && (frame.getMethodName().equals(method.getName())
                        || frame.getMethodName().equals("<init>"));
    }
}
