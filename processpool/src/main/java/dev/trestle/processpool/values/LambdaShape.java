package dev.trestle.processpool.values;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A {@link LambdaSite} in a JVM that has its classes: the places of its captured values and of its result. */
final class LambdaShape {

    /**
     * Up to so many captured values are passed one by one. A method handle that takes them from an array is made of
     * classes that the JVM generates, for longer than all the rest of a first call takes.
     */
    static final int FEW = 3;

    private static final MethodType SPREAD = MethodType.methodType(Object.class, Object[].class);

    private final LambdaSite site;
    private final byte[] bytes;
    private final ByteBuffer name;
    private final Slot[] captured;
    private final boolean ofJdk;
    private final Class<?> resultType;
    private final Slot result;
    private final ClassLoader loader;
    private volatile @Nullable MethodHandle target;
    private volatile @Nullable SourceLine source;

    LambdaShape(LambdaSite site, byte[] bytes, ValueCodec codec) {
        this.site = site;
        this.bytes = bytes;
        this.name = ByteBuffer.wrap(bytes);
        this.loader = codec.loader();
        try {
            List<Class<?>> types = site.capturedTypes(loader);
            ofJdk = JavaClasses.isOfJdk(site.capturingClass(loader));
            captured = new Slot[types.size()];
            for (int i = 0; i < captured.length; i++) {
                captured[i] = codec.slot(types.get(i));
            }
            resultType = site.resultType(loader);
            result = codec.resultSlot(resultType);
        } catch (ClassNotFoundException e) {
            throw RefusedException.notFound(String.valueOf(e.getMessage()));
        } catch (TypeNotPresentException e) {
            throw RefusedException.notFound(e.typeName());
        }
    }

    LambdaSite site() {
        return site;
    }

    /** Returns the site as it goes over the wire. */
    byte[] bytes() {
        return bytes;
    }

    /** Returns whether the site is this one, as it goes over the wire. */
    boolean isNamed(ByteBuffer other) {
        return name.equals(other);
    }

    Slot[] captured() {
        return captured;
    }

    Slot result() {
        return result;
    }

    /** Returns whether the lambda is written in a class of the JDK, into which no other code can look. */
    boolean isOfJdk() {
        return ofJdk;
    }

    /** Returns the declared result type of the method. */
    Class<?> resultType() {
        return resultType;
    }

    /** Returns its place in the source, for messages. */
    SourceLine source() {
        SourceLine known = source;
        if (known == null) {
            known = SourceLine.of(site, loader);
            source = known;
        }
        return known;
    }

    /**
     * Returns the method, or null where there is none to ask: of a constructor, or in a module that is closed to us.
     */
    @Nullable
    Method method() {
        try {
            return site.implClass(loader)
                    .getDeclaredMethod(site.implMethod(), site.implType(loader).parameterArray());
        } catch (ReflectiveOperationException | LinkageError e) {
            return null; // inherited or a constructor: its erased result is known anyway
        }
    }

    Object make(@Nullable Object[] values) throws ReflectiveOperationException {
        return Lambdas.make(site, loader, values);
    }

    /**
     * Returns the method itself, taking the captured values one by one if they are {@link #FEW}, as an array otherwise.
     */
    MethodHandle target() throws ReflectiveOperationException {
        MethodHandle known = target;
        if (known == null) {
            MethodHandle found = find().asFixedArity();
            known = captured.length <= FEW
                    ? found.asType(found.type().generic())
                    : found.asSpreader(Object[].class, captured.length).asType(SPREAD);
            target = known;
        }
        return known;
    }

    private MethodHandle find() throws ReflectiveOperationException {
        Class<?> owner = site.implClass(loader);
        MethodType type = site.implType(loader);
        Class<?> caller = site.capturingClass(loader);
        LambdaShape.class
                .getModule()
                .addReads(caller.getModule()); // the program's module: it requires ours, not we its
        MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(caller, MethodHandles.lookup());
        return switch (site.kind()) {
            case MethodHandleInfo.REF_invokeStatic -> lookup.findStatic(owner, site.implMethod(), type);
            case MethodHandleInfo.REF_newInvokeSpecial -> lookup.findConstructor(owner, type);
            case MethodHandleInfo.REF_invokeSpecial -> lookup.findSpecial(owner, site.implMethod(), type, caller);
            case MethodHandleInfo.REF_invokeVirtual, MethodHandleInfo.REF_invokeInterface ->
                lookup.findVirtual(owner, site.implMethod(), type);
            default -> throw new IllegalArgumentException("a lambda of the unknown kind " + site.kind());
        };
    }
}
