package dev.trestle.processpool.values;

import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Takes serializable lambdas apart and makes them again, without serializing anything. Thread-safe. */
final class Lambdas {

    private static final MethodType TAKE_APART = MethodType.methodType(Object.class, Object.class);

    /** The method {@code writeReplace} of each class of lambdas; empty if it may not be called by reflection. */
    private static final ClassValue<Optional<MethodHandle>> accessors = new ClassValue<>() {
        @Override
        protected Optional<MethodHandle> computeValue(Class<?> type) {
            try {
                Method writeReplace = type.getDeclaredMethod("writeReplace");
                writeReplace.setAccessible(true);
                return Optional.of(
                        MethodHandles.lookup().unreflect(writeReplace).asType(TAKE_APART));
            } catch (ReflectiveOperationException | InaccessibleObjectException e) {
                return Optional.empty(); // its module is not open to us: the slow way works without reflection
            }
        }
    };

    private Lambdas() {}

    /** Returns whether an object is a lambda that can be taken apart. */
    static boolean canTakeApart(Object object) {
        return object instanceof Serializable && JavaClasses.isLambda(object.getClass());
    }

    /** Returns whether two objects are equal, or lambdas that the same place in the program made of the same values. */
    static boolean areSame(@Nullable Object one, @Nullable Object other) {
        if (Objects.equals(one, other)) {
            return true;
        }
        if (one == null || other == null || one.getClass() != other.getClass() || !canTakeApart(one)) {
            return false;
        }
        SerializedLambda first = takeApart(one);
        SerializedLambda second = takeApart(other);
        for (int i = 0; i < first.getCapturedArgCount(); i++) {
            if (!areSame(first.getCapturedArg(i), second.getCapturedArg(i))) {
                return false;
            }
        }
        return true;
    }

    /** Returns the parts of a lambda. */
    static SerializedLambda takeApart(Object lambda) {
        Optional<MethodHandle> accessor = accessors.get(lambda.getClass());
        if (accessor.isEmpty()) {
            return Interception.of(lambda);
        }
        try {
            return (SerializedLambda) (Object) accessor.get().invokeExact(lambda);
        } catch (Throwable e) { // the JDK's own method; it allocates one object
            throw new IllegalStateException("cannot take apart " + lambda, e);
        }
    }

    /** Makes a lambda again, with the method that its compiler put next to it for that purpose. */
    static Object make(LambdaSite site, ClassLoader loader, @Nullable Object[] captured)
            throws ReflectiveOperationException {
        Class<?> capturing = site.capturingClass(loader);
        var parts = new SerializedLambda(
                capturing,
                site.interfaceClass(),
                site.interfaceMethod(),
                site.interfaceDescriptor(),
                site.kind(),
                site.implClass(),
                site.implMethod(),
                site.implDescriptor(),
                site.instantiatedDescriptor(),
                captured);
        Method maker = capturing.getDeclaredMethod("$deserializeLambda$", SerializedLambda.class);
        maker.setAccessible(true);
        try {
            return maker.invoke(null, parts);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(
                    "the class " + capturing.getName() + " does not have the lambda " + site.implMethod()
                            + "; pool and workers have different versions of it",
                    e);
        }
    }

    /** Makes Java serialization call {@code writeReplace}, which it always may, and keeps the returned object. */
    private static final class Interception extends ObjectOutputStream {

        private @Nullable SerializedLambda found;

        private Interception() throws IOException {
            super(OutputStream.nullOutputStream());
            enableReplaceObject(true);
        }

        static SerializedLambda of(Object lambda) {
            try (var interception = new Interception()) {
                interception.writeObject(lambda);
                SerializedLambda found = interception.found;
                if (found == null) {
                    throw new NotSerializableException(lambda.getClass().getName());
                }
                return found;
            } catch (IOException e) {
                throw new IllegalStateException("cannot take apart " + lambda, e);
            }
        }

        @Override
        protected @Nullable Object replaceObject(Object object) {
            if (object instanceof SerializedLambda lambda) {
                found = lambda;
                return null;
            }
            return object;
        }
    }
}
