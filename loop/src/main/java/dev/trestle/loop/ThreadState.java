package dev.trestle.loop;

import static java.lang.System.Logger.Level.DEBUG;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/**
 * A thread's state that belongs to the code that runs on it: thread locals, scoped values, name and the like. It is put
 * aside while a task runs on the thread of another, and taken away before a thread runs its next task. Only where
 * {@code java.base/java.lang} is opened to this module.
 */
final class ThreadState {

    /*
     * The fields are those of java.lang.Thread that only the thread itself uses. Each step is a plain write, and may be
     * made again: a step that an error has ended halfway is simply repeated.
     *
     * Scoped values need more. The JVM drops a thread's bindings when the stack overflows, and finds them again by
     * walking the stack down to the next call of Thread.runWith or ScopedValue.Carrier.runWith. So a task that runs on
     * top of another is called through Thread.runWith with the bindings of a new thread, and the walk ends there. The
     * cache of scoped values belongs to the carrier, and is emptied at each change. See ADR 470.
     */

    /** A system property: makes a program give each task a thread of its own. */
    private static final String OFF = "dev.trestle.loop.threadPerTask";

    private static final @Nullable Insides INSIDES = Insides.open();

    // Constants, so that the calls are inlined. Null where INSIDES is null.
    private static final @Nullable MethodHandle LOCALS = INSIDES == null ? null : INSIDES.locals;
    private static final @Nullable MethodHandle SET_LOCALS = INSIDES == null ? null : INSIDES.setLocals;
    private static final @Nullable MethodHandle INHERITABLE = INSIDES == null ? null : INSIDES.inheritable;
    private static final @Nullable MethodHandle SET_INHERITABLE = INSIDES == null ? null : INSIDES.setInheritable;
    private static final @Nullable MethodHandle BINDINGS = INSIDES == null ? null : INSIDES.bindings;
    private static final @Nullable MethodHandle SET_BINDINGS = INSIDES == null ? null : INSIDES.setBindings;
    private static final @Nullable MethodHandle SCOPES = INSIDES == null ? null : INSIDES.scopes;
    private static final @Nullable MethodHandle SET_SCOPES = INSIDES == null ? null : INSIDES.setScopes;
    private static final @Nullable MethodHandle SET_CACHE = INSIDES == null ? null : INSIDES.setCache;
    private static final @Nullable MethodHandle RUN_WITH = INSIDES == null ? null : INSIDES.runWith;
    private static final @Nullable Object NEW_BINDINGS = INSIDES == null ? null : INSIDES.newBindings;

    private static final boolean ACCESSIBLE = INSIDES != null && isUsable();

    private final @Nullable Object locals;
    private final @Nullable Object inheritable;
    private final @Nullable Object bindings;
    private final @Nullable Object scopes;
    private final String name;
    private final @Nullable ClassLoader classLoader;
    private final Thread.@Nullable UncaughtExceptionHandler handler;

    private ThreadState(
            Thread me,
            @Nullable Object locals,
            @Nullable Object inheritable,
            @Nullable Object bindings,
            @Nullable Object scopes) {
        this.locals = locals;
        this.inheritable = inheritable;
        this.bindings = bindings;
        this.scopes = scopes;
        this.name = me.getName();
        this.classLoader = me.getContextClassLoader();
        this.handler = me.getUncaughtExceptionHandler();
    }

    /** Returns whether the state of threads can be changed here. If not, no other method may be called. */
    static boolean isAccessible() {
        return ACCESSIBLE;
    }

    /** Returns the state of the calling thread. */
    @SuppressWarnings("NullAway") // called only where INSIDES is there
    static ThreadState of(Thread me) {
        try {
            return new ThreadState(
                    me,
                    (Object) LOCALS.invokeExact(me),
                    (Object) INHERITABLE.invokeExact(me),
                    (Object) BINDINGS.invokeExact(me),
                    (Object) SCOPES.invokeExact(me));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Gives the calling thread this state again. If this fails, it is to be called again. */
    void putBack(Thread me) {
        set(me, locals, inheritable, bindings, scopes);
        if (!me.getName().equals(name)) {
            me.setName(name);
        }
        setOwners(me, classLoader, handler);
    }

    /**
     * Gives the calling thread the state of a new one. If this fails, it is to be called again.
     *
     * @param classLoader the context class loader
     * @param handler the handler of what its code throws
     */
    static void renew(Thread me, ClassLoader classLoader, Thread.UncaughtExceptionHandler handler) {
        set(me, null, null, NEW_BINDINGS, null);
        if (!me.getName().isEmpty()) {
            me.setName("");
        }
        setOwners(me, classLoader, handler);
    }

    /** Returns whether code of the calling thread has begun scopes of structured concurrency, and not ended them. */
    @SuppressWarnings("NullAway") // called only where INSIDES is there
    static boolean hasOpenScopes(Thread me) {
        try {
            return (Object) SCOPES.invokeExact(me) != null;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs code on top of what the calling thread runs, which has the state of a new thread, as a new thread would. */
    @SuppressWarnings("NullAway") // called only where INSIDES is there
    static void runAsNew(Thread me, Runnable code) {
        try {
            RUN_WITH.invokeExact(me, NEW_BINDINGS, code);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("NullAway") // called only where INSIDES is there
    private static void set(
            Thread me,
            @Nullable Object locals,
            @Nullable Object inheritable,
            @Nullable Object bindings,
            @Nullable Object scopes) {
        try {
            if ((Object) LOCALS.invokeExact(me) != locals) {
                SET_LOCALS.invokeExact(me, locals);
            }
            if ((Object) INHERITABLE.invokeExact(me) != inheritable) {
                SET_INHERITABLE.invokeExact(me, inheritable);
            }
            if ((Object) BINDINGS.invokeExact(me) != bindings) {
                SET_BINDINGS.invokeExact(me, bindings);
            }
            if ((Object) SCOPES.invokeExact(me) != scopes) { // a volatile field, dear to write
                SET_SCOPES.invokeExact(me, scopes);
            }
            SET_CACHE.invokeExact((Object[]) null);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static void setOwners(
            Thread me, @Nullable ClassLoader classLoader, Thread.@Nullable UncaughtExceptionHandler handler) {
        if (me.getContextClassLoader() != classLoader) {
            me.setContextClassLoader(classLoader);
        }
        if (me.getUncaughtExceptionHandler() != handler) {
            me.setUncaughtExceptionHandler(handler);
        }
    }

    /** Makes each step once, which links it: a loop uses the steps where stack and memory may be short. */
    private static boolean isUsable() {
        try {
            Thread other = Thread.ofVirtual().unstarted(() -> {});
            ThreadState state = of(other);
            renew(other, ClassLoader.getSystemClassLoader(), (_, _) -> {});
            state.putBack(other);
            boolean[] run = {hasOpenScopes(other)};
            runAsNew(other, () -> run[0] = true);
            return run[0];
        } catch (Throwable e) {
            Log.log(
                    DEBUG,
                    () -> "java.lang is opened, but the state of threads cannot be changed; going on without",
                    e);
            return false;
        }
    }

    /** The parts of {@link Thread} that are closed without the flag. */
    private record Insides(
            MethodHandle locals,
            MethodHandle setLocals,
            MethodHandle inheritable,
            MethodHandle setInheritable,
            MethodHandle bindings,
            MethodHandle setBindings,
            MethodHandle scopes,
            MethodHandle setScopes,
            MethodHandle setCache,
            MethodHandle runWith,
            Object newBindings) {

        static @Nullable Insides open() {
            if (Boolean.getBoolean(OFF) || HandOver.Jdk.INSIDES == null) {
                return null;
            }
            try {
                MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup());
                Class<?> map = Class.forName("java.lang.ThreadLocal$ThreadLocalMap");
                Class<?> scope = Class.forName("jdk.internal.vm.StackableScope");
                return new Insides(
                        getter(lookup, "threadLocals", map),
                        setter(lookup, "threadLocals", map),
                        getter(lookup, "inheritableThreadLocals", map),
                        setter(lookup, "inheritableThreadLocals", map),
                        getter(lookup, "scopedValueBindings", Object.class),
                        setter(lookup, "scopedValueBindings", Object.class),
                        getter(lookup, "headStackableScopes", scope),
                        setter(lookup, "headStackableScopes", scope),
                        lookup.findStatic(
                                Thread.class, "setScopedValueCache", MethodType.methodType(void.class, Object[].class)),
                        lookup.findVirtual(
                                Thread.class,
                                "runWith",
                                MethodType.methodType(void.class, Object.class, Runnable.class)),
                        lookup.findStaticGetter(Thread.class, "NEW_THREAD_BINDINGS", Object.class)
                                .invoke());
            } catch (Throwable e) { // another JDK, other insides: each task has a thread of its own
                Log.log(DEBUG, () -> "java.lang is opened, but threads have another state; going on without", e);
                return null;
            }
        }

        private static MethodHandle getter(MethodHandles.Lookup lookup, String field, Class<?> type)
                throws ReflectiveOperationException {
            return lookup.findGetter(Thread.class, field, type)
                    .asType(MethodType.methodType(Object.class, Thread.class));
        }

        private static MethodHandle setter(MethodHandles.Lookup lookup, String field, Class<?> type)
                throws ReflectiveOperationException {
            return lookup.findSetter(Thread.class, field, type)
                    .asType(MethodType.methodType(void.class, Thread.class, Object.class));
        }
    }
}
