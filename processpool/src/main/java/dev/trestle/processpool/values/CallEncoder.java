package dev.trestle.processpool.values;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.Call;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.Setup;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.WireOptions;
import java.lang.invoke.SerializedLambda;
import java.lang.ref.WeakReference;
import java.lang.reflect.GenericSignatureFormatError;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.concurrent.Future;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Makes payloads of calls, in the pool. One per pool; thread-safe. */
public final class CallEncoder {

    private final WireOptions options;
    private final BiFunction<Failure, String, Throwable> unknown;
    private final Function<Class<?>, Optional<String>> missing;
    private final SharedArrays shared;
    /** Kept by the sites of their class loaders. */
    @GuardedBy("codecs")
    private final Map<ClassLoader, WeakReference<ValueCodec>> codecs = new WeakHashMap<>();

    /** Kept by the classes themselves, which may be unloaded while the pool lives. */
    private final ClassValue<Known> sites = new ClassValue<>() {
        @Override
        protected Known computeValue(Class<?> type) {
            return new Known();
        }
    };

    /** The entries of classes that are still loaded, so that {@link #forget} can clear the sites in them. */
    @GuardedBy("codecs")
    private final Map<Known, Boolean> allKnown = new WeakHashMap<>();

    /** True if the pool has terminated; then no site is kept any more. */
    @GuardedBy("codecs")
    private boolean forgetful;

    /** The site of a class, when it has been made. */
    private static final class Known {
        private volatile @Nullable CallSite site;
    }

    /**
     * Creates an encoder.
     *
     * @param options the options of the connection
     * @param unknown makes the exception that stands for a failure whose own class cannot be made: without a cause,
     *     stack or suppressed exceptions, which are set afterwards
     */
    public CallEncoder(WireOptions options, BiFunction<Failure, String, Throwable> unknown) {
        this(options, unknown, type -> Optional.empty(), SharedArrays.NONE);
    }

    /**
     * Creates an encoder for workers that may not have all classes that this JVM has.
     *
     * @param options the options of the connection
     * @param unknown as above
     * @param missing says why the workers cannot find a class, and what to do about it; empty if they can
     * @param shared the arrays that calls may name
     */
    public CallEncoder(
            WireOptions options,
            BiFunction<Failure, String, Throwable> unknown,
            Function<Class<?>, Optional<String>> missing,
            SharedArrays shared) {
        this.shared = shared;
        this.options = options;
        this.unknown = unknown;
        this.missing = missing;
    }

    /**
     * Encodes a call. The captured values are copied now, except arrays that go out of band (see {@link Payload}).
     *
     * @param call a serializable lambda or method reference, or a record or bean that is
     * {@link java.util.concurrent.Callable}
     *     or {@link Runnable}
     * @return the call
     * @throws NotEncodableException if it, or something in it, cannot travel
     */
    public EncodedCall encode(Object call) throws NotEncodableException {
        Class<?> type = call.getClass();
        if (call instanceof Future<?>) {
            throw new NotEncodableException(
                    "The task " + type.getName() + " cannot travel: it is itself the future of a task in"
                            + " this process, made by CompletableFuture's async methods, ExecutorCompletionService or a"
                            + " decorator of executors. Give the pool the call alone, and compose what it returns:"
                            + " pool.submit(() -> ...).toCompletableFuture(), which pool.supplyAsync(() -> ...) is"
                            + " short for, or Futures.asCompleted(...).",
                    "",
                    type.getName(),
                    null);
        }
        if (!JavaClasses.isLambda(type)) {
            return encodeObject(call, type);
        }
        if (!Lambdas.canTakeApart(call)) {
            throw new NotEncodableException(
                    "The lambda " + type.getName() + " cannot travel: it is not serializable. Write it in the call of"
                            + " submit itself, or declare its variable as Call, RunnableCall or CallFunction.",
                    "",
                    type.getName(),
                    null);
        }
        Known known = sites.get(type);
        CallSite site = known.site;
        if (site == null) {
            refuseInHiddenClass(type);
        }
        SerializedLambda parts = Lambdas.takeApart(call);
        if (site == null) {
            site = lambdaSite(call, parts);
            keep(known, site);
        }
        var values = new @Nullable Object[site.places().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = parts.getCapturedArg(i);
        }
        return site.encode(values);
    }

    /**
     * Returns the remedy for a refused task that a library has made around the program's call.
     *
     * @param task the task that was refused
     * @return the end of a message; empty if the task is the program's own call
     */
    public static String remedyForAWrapper(Object task) {
        boolean own = task instanceof Call<?> || task instanceof RunnableCall;
        return own || task instanceof Future<?>
                ? ""
                : " If a library has wrapped the call, as decorators of executors and of tasks do, give the pool the"
                        + " call itself, pool.submit(() -> ...), and let the library have the future: pool.submit(() ->"
                        + " ...).toCompletableFuture().";
    }

    private void keep(Known known, CallSite site) {
        synchronized (codecs) {
            if (!forgetful) {
                allKnown.put(known, true);
                known.site = site;
            }
        }
    }

    /**
     * Forgets all that is known about classes, since the pool has terminated. The site of one class may refer to values
     * of other classes, and so keep their class loaders alive. Idempotent.
     */
    public void forget() {
        synchronized (codecs) {
            forgetful = true;
            allKnown.keySet().forEach(each -> each.site = null);
            allKnown.clear();
            codecs.clear();
        }
    }

    private EncodedCall encodeObject(Object call, Class<?> type) throws NotEncodableException {
        Known known = sites.get(type);
        CallSite site = known.site;
        if (site == null) {
            if (Refusal.of(type, options) == null) {
                refuseIfMissing(type, type::getName);
            }
            ValueCodec codec = codec(type);
            try {
                site = CallSite.ofObject(codec, type, declaredResults(type));
            } catch (RefusedException e) {
                throw refused(type.getName(), e);
            }
            keep(known, site);
        }
        return site.encode(new Object[] {call});
    }

    private CallSite lambdaSite(Object call, SerializedLambda parts) throws NotEncodableException {
        Class<?> type = call.getClass();
        ValueCodec codec = codec(type);
        Supplier<String> source =
                () -> SourceLine.of(LambdaSite.of(parts), codec.loader()).text();
        refuseIfMissing(type.getNestHost(), source);
        LambdaShape shape;
        try {
            shape = codec.shapeOf(call, parts);
        } catch (RefusedException e) {
            throw refused(source.get(), e);
        }
        return CallSite.ofLambda(codec, shape, declaredResults(shape));
    }

    private static NotEncodableException refused(String call, RefusedException e) {
        return new NotEncodableException(
                "The call " + call + " cannot travel: " + e.typeName() + " " + e.reason() + ". " + e.remedy(),
                "",
                e.typeName(),
                e);
    }

    /** Refuses a lambda that is written in a hidden class: such a lambda cannot even be taken apart. */
    private static void refuseInHiddenClass(Class<?> lambda) throws NotEncodableException {
        Class<?> around = lambda.getNestHost();
        if (around.isHidden()) {
            throw new NotEncodableException(
                    "The lambda " + lambda.getName() + " cannot travel: it is written in " + around.getName()
                            + ", a hidden class, which no other process can find. Write it in a class that has a class"
                            + " file.",
                    "",
                    around.getName(),
                    null);
        }
    }

    private void refuseIfMissing(Class<?> type, Supplier<String> call) throws NotEncodableException {
        Optional<String> why = missing.apply(type);
        if (why.isPresent()) {
            throw new NotEncodableException(
                    "The call " + call.get() + " cannot travel: " + why.get(), "", type.getName(), null);
        }
    }

    private ValueCodec codec(Class<?> type) {
        ClassLoader own = type.getClassLoader();
        ClassLoader loader = own == null ? ClassLoader.getSystemClassLoader() : own;
        synchronized (codecs) {
            WeakReference<ValueCodec> known = codecs.get(loader);
            ValueCodec codec = known == null ? null : known.get();
            if (codec == null) {
                codec = newCodec(loader);
                if (!forgetful) {
                    codecs.put(loader, new WeakReference<>(codec));
                }
            }
            return codec;
        }
    }

    private ValueCodec newCodec(ClassLoader loader) {
        try {
            return new ValueCodec(options, loader, unknown, Setup.IGNORED, shared);
        } catch (LinkageError e) { // the JVM verifies a class before its methods run
            throw JacksonVersions.mismatch(e);
        }
    }

    /** Returns the result type of a lambda's method, with type arguments where it has them. */
    private static List<Type> declaredResults(LambdaShape shape) {
        List<Type> types = new ArrayList<>(List.of(shape.resultType()));
        Method method = shape.method();
        if (method != null) {
            try {
                types.add(method.getGenericReturnType());
            } catch (TypeNotPresentException | GenericSignatureFormatError e) {
                return types; // not all compilers write good signatures (Groovy's); the erased one will do
            }
        }
        return types;
    }

    /** Returns the result types of the methods of a call object. */
    private static List<Type> declaredResults(Class<?> type) {
        List<Type> types = new ArrayList<>();
        for (Method each : type.getMethods()) {
            if (each.getName().equals("call") && each.getParameterCount() == 0 && !each.isBridge()) {
                types.add(each.getGenericReturnType());
            }
        }
        return types;
    }

    @Override
    public String toString() {
        return "CallEncoder[" + options + "]";
    }
}
