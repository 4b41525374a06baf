package dev.trestle.api;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Carries a part of what a thread has around with it, such as the entries of a logging system or the span of a trace,
 * along with a call: from the thread that submits the call, or adds a callback, to the thread that runs it, in this JVM
 * or in a worker of a process pool.
 *
 * <p>A service: providers are found by {@link java.util.ServiceLoader}, once, with the class loader of this interface.
 * {@link MdcCarrier} is there without that, where SLF4J is. A carrier must be thread-safe. A carrier whose context is
 * to reach worker processes must be a class with a constructor without parameters: the worker makes its own.
 *
 * <p>Code that runs with a context sees exactly that context: {@link #restore} replaces what the thread has, also by an
 * empty context if the submitting thread carried nothing, and {@link Scope#close} brings the thread's own back. An
 * exception of a carrier is logged; the call then runs without its context.
 *
 * {@snippet class="dev.trestle.api.JavadocExamplesTest" region="carrier"}
 */
public interface ContextCarrier {

    /**
     * Returns the context of the calling thread as text, for another process. Called by each submission to a process
     * pool, so it should be quick where there is nothing.
     *
     * @return names and values; empty if there is nothing. Entries with null are left out
     */
    Map<String, String> capture();

    /**
     * Gives the calling thread a context, in place of its own.
     *
     * @param context the result of {@link #capture}, in this process or another; empty if the thread is to have nothing
     * @return brings the thread's own context back
     */
    Scope restore(Map<String, String> context);

    /**
     * Returns the context of the calling thread, for another thread of this JVM. It may hold objects that text cannot
     * express. Takes the text of {@link #capture} by default.
     *
     * @return null if there is nothing
     */
    default @Nullable Snapshot snapshot() {
        Map<String, String> context = capture();
        return context.isEmpty() ? null : () -> restore(context);
    }

    /** The context of a thread at some moment. Thread-safe; may be restored any number of times, or never. */
    @FunctionalInterface
    interface Snapshot {

        /**
         * Gives the calling thread this context, in place of its own.
         *
         * @return brings the thread's own context back
         */
        Scope restore();
    }

    /** The time for which a thread has a context that is not its own. */
    @FunctionalInterface
    interface Scope extends AutoCloseable {

        /** Brings the thread's own context back. Called once, on the thread that has the context. */
        @Override
        void close();
    }
}
