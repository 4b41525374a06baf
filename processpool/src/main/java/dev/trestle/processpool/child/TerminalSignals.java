package dev.trestle.processpool.child;

import java.lang.reflect.InvocationTargetException;
import java.util.List;

/**
 * The signals that a terminal sends to all processes of a program: they are for the program, which may still want
 * results.
 */
final class TerminalSignals {

    private TerminalSignals() {}

    /**
     * Ignores them from now on, here and in processes that calls start. Where {@code sun.misc.Signal} is missing, or
     * {@code -Xrs} leaves signals to the system, they end this JVM.
     */
    static void ignore() {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object ignoring = handler.getField("SIG_IGN").get(null);
            for (String each : List.of("INT", "HUP")) {
                ignore(signal, handler, each, ignoring);
            }
        } catch (ReflectiveOperationException e) {
            // A runtime without the module jdk.unsupported. The lifeline ends this worker with its program all the
            // same.
        }
    }

    private static void ignore(Class<?> signal, Class<?> handler, String name, Object ignoring)
            throws ReflectiveOperationException {
        try {
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), ignoring);
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof IllegalArgumentException)) { // unknown to this system, or taken by -Xrs
                throw e;
            }
        }
    }
}
