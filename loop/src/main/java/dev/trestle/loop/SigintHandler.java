package dev.trestle.loop;

import static java.lang.System.Logger.Level.DEBUG;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/**
 * The handler of Ctrl-C while the main thread runs a task: the first Ctrl-C cancels the task, the second one has its
 * usual effect.
 */
final class SigintHandler implements AutoCloseable {

    /*
     * The only way to intercept a signal is sun.misc.Signal, of the module jdk.unsupported. It is found by reflection,
     * so that a program without that module still runs, where Ctrl-C ends it as it ends every JVM.
     *
     * The first signal puts the handler before back in place, so the second one never depends on this code. If the task
     * has ended when the first one is about to cancel it, the signal was not for the task: it is passed on.
     */

    /** The exit code of a program that ends by SIGINT: 128 and the number of the signal. */
    private static final int EXIT_CODE = 130;

    private final @Nullable Signals signals;
    private final @Nullable Task<?> task;
    private @Nullable Object before;
    private volatile boolean pressed;

    /** Written by the loop, read when it has stopped. */
    private boolean cancelled;

    private SigintHandler(@Nullable Signals signals, @Nullable Task<?> task) {
        this.signals = signals;
        this.task = task;
    }

    /** Lets Ctrl-C cancel a task, if this is the main thread and the program has no handler of its own. */
    static SigintHandler cancels(Task<?> task) {
        Signals signals = isMain(Thread.currentThread()) ? Signals.FOUND : null;
        var ctrlC = new SigintHandler(signals, task);
        if (signals != null) {
            ctrlC.install(signals);
        }
        return ctrlC;
    }

    private static boolean isMain(Thread thread) {
        ThreadGroup group = thread.getThreadGroup();
        return thread.getName().equals("main")
                && group != null
                && group.getName().equals("main");
    }

    private synchronized void install(Signals signals) {
        Object handler = signals.newHandler(this::press);
        before = signals.handle(handler);
        if (before != null && !Signals.isOfTheJdk(before)) {
            signals.handle(before);
            before = null;
        }
    }

    /** Called on a thread of the JVM's for signals. */
    private synchronized void press() {
        pressed = true;
        uninstall();
        Task<?> main = task;
        if (main != null) {
            main.loop().sendInline(() -> cancelled = main.cancel());
        }
    }

    private void uninstall() {
        if (signals != null && before != null) {
            Object replaced = signals.handle(before);
            if (replaced != null && !signals.isMine(replaced)) {
                signals.handle(replaced); // the program has set a handler of its own in between
            }
        }
    }

    /** Returns whether Ctrl-C has cancelled the task; called when the loop has stopped. */
    boolean hasCancelled() {
        return cancelled;
    }

    /** Restores the handler from before. */
    @Override
    public synchronized void close() {
        if (!pressed) {
            uninstall();
        } else if (!cancelled && signals != null && before != null) {
            signals.raise();
        }
        before = null;
    }

    /** Arranges that the program ends as by Ctrl-C if this thread ends by an error. */
    static KeyboardInterrupt endsProgram(KeyboardInterrupt error) {
        Thread me = Thread.currentThread();
        Thread.UncaughtExceptionHandler handler = me.getUncaughtExceptionHandler();
        me.setUncaughtExceptionHandler((thread, uncaught) -> {
            if (uncaught == error) {
                System.exit(EXIT_CODE);
            }
            handler.uncaughtException(thread, uncaught);
        });
        return error;
    }

    /** The JDK's signals, by reflection. */
    private record Signals(Class<?> handlerType, Object sigint, Method handleMethod, Method raiseMethod) {

        static final @Nullable Signals FOUND = find();

        private static @Nullable Signals find() {
            try {
                Class<?> signal = Class.forName("sun.misc.Signal");
                Class<?> handler = Class.forName("sun.misc.SignalHandler");
                return new Signals(
                        handler,
                        signal.getConstructor(String.class).newInstance("INT"),
                        signal.getMethod("handle", signal, handler),
                        signal.getMethod("raise", signal));
            } catch (ReflectiveOperationException | IllegalArgumentException e) {
                Log.log(DEBUG, () -> "Ctrl-C ends the program at once: sun.misc.Signal or SIGINT is missing", e);
                return null;
            }
        }

        Object newHandler(Runnable action) {
            return Proxy.newProxyInstance(
                    handlerType.getClassLoader(), new Class<?>[] {handlerType}, (proxy, method, arguments) -> {
                        switch (method.getName()) {
                            case "handle" -> action.run();
                            case "hashCode" -> {
                                return System.identityHashCode(proxy);
                            }
                            case "equals" -> {
                                return proxy == arguments[0];
                            }
                            default -> {
                                return "Ctrl-C cancels the main task";
                            }
                        }
                        return null;
                    });
        }

        boolean isMine(Object handler) {
            return Proxy.isProxyClass(handler.getClass());
        }

        static boolean isOfTheJdk(Object handler) {
            return handler.getClass().getName().startsWith("sun.misc.");
        }

        /** Sets the handler; returns the one before, or null if the JVM refuses handlers of this signal (-Xrs). */
        @Nullable
        Object handle(Object handler) {
            try {
                return handleMethod.invoke(null, sigint, handler);
            } catch (InvocationTargetException e) {
                Log.log(DEBUG, () -> "Ctrl-C cannot be handled", e.getCause());
                return null;
            } catch (IllegalAccessException e) {
                throw new IllegalStateException("sun.misc.Signal is public, but not accessible", e);
            }
        }

        void raise() {
            try {
                raiseMethod.invoke(null, sigint);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("Cannot raise SIGINT again", e);
            }
        }
    }
}
