package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * The values of {@link ContextVar}s, which follow the work and not the thread: Python's {@code contextvars.Context}.
 *
 * <p>Every task has a context of its own, a copy of the one in which it was created; so has every callback, a copy of
 * the one in which it was scheduled or added. A value set in a context is seen only there, and by the tasks and
 * callbacks that its code creates afterwards. Where Python takes a {@code context} argument, so does this module, and
 * then the given context is used as it is. Outside of loops, each thread has a context, empty at first.
 *
 * <p>A context may be used on any thread: {@link #call} carries it there. A copy costs one small object.
 */
public final class Context {

    /*
     * The map is never changed, only replaced, so copies share it. Null stands for the empty context, in a task, a
     * handle and a thread. The current context is kept in the Task for a coroutine, in the loop for a callback, and in
     * a thread local for a foreign thread. A coroutine in a blocking call is a foreign thread, and gets a copy.
     */

    private static final ThreadLocal<@Nullable Context> OF_THREAD = new ThreadLocal<>();

    private volatile Map<ContextVar<?>, @Nullable Object> values;

    /** Creates an empty context. */
    public Context() {
        this(Map.of());
    }

    private Context(Map<ContextVar<?>, @Nullable Object> values) {
        this.values = values;
    }

    /**
     * Returns a copy of the current context: of the task, the callback or the thread that calls.
     *
     * @return the copy
     */
    public static Context copyContext() {
        Context current = current();
        return current == null ? new Context() : current.copy();
    }

    /**
     * Returns a copy, which has the same values now.
     *
     * @return the copy
     */
    public Context copy() {
        return new Context(values);
    }

    /**
     * Runs code in this context, on the calling thread. In a coroutine the code may await; other coroutines keep their
     * own contexts.
     *
     * @param callable the code; the values that it sets stay in this context
     * @param <T> the type of the result
     * @return its result
     * @throws Exception any exception of the code
     */
    public <T extends @Nullable Object> T call(Callable<T> callable) throws Exception {
        requireNonNull(callable, "callable");
        Context before = current();
        enter(this);
        try {
            return callable.call();
        } finally {
            enter(before);
        }
    }

    /**
     * Runs code without a result in this context; see {@link #call}.
     *
     * @param action the code to run
     */
    public void run(Runnable action) {
        requireNonNull(action, "action");
        Context before = current();
        enter(this);
        try {
            action.run();
        } finally {
            enter(before);
        }
    }

    /**
     * Returns the value of a variable in this context.
     *
     * @param variable the variable
     * @param <T> the type of its values
     * @return the value
     * @throws NoSuchElementException if it is not set here; a default does not count
     */
    public <T extends @Nullable Object> T get(ContextVar<T> variable) {
        Map<ContextVar<?>, @Nullable Object> now = values;
        if (!now.containsKey(variable)) {
            throw new NoSuchElementException(variable + " is not set in " + this);
        }
        return valueIn(now, variable);
    }

    /**
     * Returns whether a variable is set in this context.
     *
     * @param variable the variable
     * @return whether it is
     */
    public boolean contains(ContextVar<?> variable) {
        return values.containsKey(variable);
    }

    /**
     * Returns all variables that are set, with their values.
     *
     * @return a copy that cannot be changed
     */
    public Map<ContextVar<?>, @Nullable Object> values() {
        return Collections.unmodifiableMap(values);
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // what is in the map was put there for this variable
    private static <T extends @Nullable Object> T valueIn(
            Map<ContextVar<?>, @Nullable Object> values, ContextVar<T> variable) {
        return (T) values.get(variable);
    }

    // The variables' side

    /** Changes a value; returns the map as it was before. */
    synchronized Map<ContextVar<?>, @Nullable Object> put(ContextVar<?> variable, @Nullable Object value) {
        Map<ContextVar<?>, @Nullable Object> before = values;
        var changed = new HashMap<ContextVar<?>, @Nullable Object>(before);
        changed.put(variable, value);
        values = changed;
        return before;
    }

    /** Gives a variable the value that it had in an earlier map. */
    synchronized void restore(ContextVar<?> variable, Map<ContextVar<?>, @Nullable Object> earlier) {
        var changed = new HashMap<ContextVar<?>, @Nullable Object>(values);
        if (earlier.containsKey(variable)) {
            changed.put(variable, earlier.get(variable));
        } else {
            changed.remove(variable);
        }
        values = changed;
    }

    // The current one

    /** Returns the context of the calling code; null if it is empty and was never asked for. */
    static @Nullable Context current() {
        EventLoop loop = EventLoop.here();
        return loop == null ? OF_THREAD.get() : loop.context();
    }

    /** Returns the context of the calling code, and creates it if there is none. */
    static Context currentToChange() {
        Context current = current();
        if (current == null) {
            current = new Context();
            enter(current);
        }
        return current;
    }

    private static void enter(@Nullable Context context) {
        EventLoop loop = EventLoop.here();
        if (loop != null) {
            loop.enter(context);
        } else if (context != null) {
            OF_THREAD.set(context);
        } else {
            OF_THREAD.remove();
        }
    }

    /** Returns a copy, null for an empty one. */
    static @Nullable Context copyOf(@Nullable Context context) {
        return context == null || context.values.isEmpty() ? null : context.copy();
    }

    /** Makes a call in a context of its own on a thread without one. */
    static <T extends @Nullable Object> T callIn(@Nullable Context context, Callable<T> callable) throws Exception {
        if (context != null) {
            return context.call(callable);
        }
        try {
            return callable.call();
        } finally {
            OF_THREAD.remove(); // with the values that the call has set
        }
    }

    @Override
    public String toString() {
        return "Context" + values;
    }
}
