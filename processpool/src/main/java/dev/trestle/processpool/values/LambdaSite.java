package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.ProtocolException;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The place in the program where a lambda or a method reference is written: all of a {@link SerializedLambda} but the
 * captured values. Class names are as in class files, with slashes.
 *
 * @param capturingClass the class that it is written in
 * @param interfaceClass the functional interface
 * @param interfaceMethod the interface's method
 * @param interfaceDescriptor that method's descriptor
 * @param kind the kind of {@code implMethod}: a constant {@code REF_...} of {@link MethodHandleInfo}
 * @param implClass the class whose method it runs
 * @param implMethod the method: of a lambda, the one that the compiler made of its body
 * @param implDescriptor that method's descriptor
 * @param instantiatedDescriptor the interface's method with its type arguments
 * @param captured the number of values that it captures
 */
record LambdaSite(
        String capturingClass,
        String interfaceClass,
        String interfaceMethod,
        String interfaceDescriptor,
        int kind,
        String implClass,
        String implMethod,
        String implDescriptor,
        String instantiatedDescriptor,
        int captured) {

    static LambdaSite of(SerializedLambda lambda) {
        return new LambdaSite(
                lambda.getCapturingClass(),
                lambda.getFunctionalInterfaceClass(),
                lambda.getFunctionalInterfaceMethodName(),
                lambda.getFunctionalInterfaceMethodSignature(),
                lambda.getImplMethodKind(),
                lambda.getImplClass(),
                lambda.getImplMethodName(),
                lambda.getImplMethodSignature(),
                lambda.getInstantiatedMethodType(),
                lambda.getCapturedArgCount());
    }

    void write(BodyWriter to) {
        to.string(capturingClass);
        to.string(interfaceClass);
        to.string(interfaceMethod);
        to.string(interfaceDescriptor);
        to.number(kind);
        to.string(implClass);
        to.string(implMethod);
        to.string(implDescriptor);
        to.string(instantiatedDescriptor);
        to.number(captured);
    }

    static LambdaSite read(BodyReader from) throws ProtocolException {
        return new LambdaSite(
                from.string(),
                from.string(),
                from.string(),
                from.string(),
                from.number(),
                from.string(),
                from.string(),
                from.string(),
                from.string(),
                from.number());
    }

    /** Returns whether the method is called on the first captured value. */
    boolean hasReceiver() {
        return captured > 0 && isInstanceMethod();
    }

    /** Returns whether the method is called on an object. */
    boolean isInstanceMethod() {
        return kind != MethodHandleInfo.REF_invokeStatic && kind != MethodHandleInfo.REF_newInvokeSpecial;
    }

    /** Returns whether this is a lambda with a body of its own, not a method reference. */
    boolean isLambdaBody() {
        return enclosingMethod() != null && implClass.equals(capturingClass);
    }

    /**
     * Returns the method around a lambda; null for a method reference. Java's {@code lambda$count$0} is in
     * {@code count}, and so is Kotlin's {@code count$lambda$0}.
     */
    @Nullable
    String enclosingMethod() {
        int mark = implMethod.indexOf("lambda$");
        if (mark > 1 && implMethod.charAt(mark - 1) == '$') {
            return implMethod.substring(0, mark - 1);
        }
        if (mark != 0) {
            return null;
        }
        int start = "lambda$".length();
        int end = implMethod.indexOf('$', start);
        String name = end < 0 ? implMethod : implMethod.substring(start, end);
        return name.equals("new") ? "<init>" : name.equals("static") ? "<clinit>" : name;
    }

    /** Returns whether the lambda's first captured value is the {@code this} around it. */
    boolean capturesThis() {
        return hasReceiver() && isLambdaBody();
    }

    String implClassName() {
        return implClass.replace('/', '.');
    }

    /** Returns the declared types of the captured values. */
    List<Class<?>> capturedTypes(ClassLoader loader) throws ClassNotFoundException {
        var types = new ArrayList<Class<?>>();
        if (isInstanceMethod()) {
            types.add(implClass(loader));
        }
        types.addAll(implType(loader).parameterList());
        if (captured > types.size()) {
            throw new IllegalArgumentException(this + " captures more than it can take");
        }
        return types.subList(0, captured);
    }

    /** Returns the type of the method's result; of a constructor, its class. */
    Class<?> resultType(ClassLoader loader) throws ClassNotFoundException {
        return kind == MethodHandleInfo.REF_newInvokeSpecial
                ? implClass(loader)
                : implType(loader).returnType();
    }

    MethodType implType(ClassLoader loader) {
        return MethodType.fromMethodDescriptorString(implDescriptor, loader);
    }

    Class<?> implClass(ClassLoader loader) throws ClassNotFoundException {
        return Class.forName(implClassName(), false, loader);
    }

    /**
     * Returns the classes that the code of the lambda is in: the one of its body, and the one that makes the lambda
     * again.
     */
    Class<?>[] code(ClassLoader loader) throws ClassNotFoundException {
        return new Class<?>[] {implClass(loader), capturingClass(loader)};
    }

    Class<?> capturingClass(ClassLoader loader) throws ClassNotFoundException {
        return Class.forName(capturingClass.replace('/', '.'), false, loader);
    }
}
