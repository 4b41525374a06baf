package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.NonNull;
import org.jspecify.annotations.Nullable;

/**
 * A variable with a value in each {@link Context}: of a task, a callback or a thread. As a rule, a static constant.
 * Python's {@code contextvars.ContextVar}.
 *
 * <p>For a value that is bound for a block of code in one task, {@link ScopedValue} does as well, and holds across
 * awaits. But tasks and callbacks do not inherit a {@code ScopedValue}.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="context-var"}
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="context"}
 *
 * @param <T> the type of the values
 */
public final class ContextVar<T extends @Nullable Object> {

    private final String name;
    private final @Nullable T defaultValue;
    private final boolean hasDefault;

    /**
     * Creates a variable without a default.
     *
     * @param name for messages
     */
    public ContextVar(String name) {
        this.name = requireNonNull(name, "name");
        this.defaultValue = null;
        this.hasDefault = false;
    }

    /**
     * Creates a variable.
     *
     * @param name for messages
     * @param defaultValue its value where none is set
     */
    public ContextVar(String name, T defaultValue) {
        this.name = requireNonNull(name, "name");
        this.defaultValue = defaultValue;
        this.hasDefault = true;
    }

    /**
     * Returns the name.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Returns the value in the current context, or the default.
     *
     * @return the value
     * @throws NoSuchElementException if it is not set, and has no default
     */
    @SuppressWarnings("NullAway") // a default that may be null is one that T allows to be
    public T get() {
        Context current = Context.current();
        if (current != null && current.contains(this)) {
            return current.get(this);
        }
        if (!hasDefault) {
            throw new NoSuchElementException(
                    this + " has no value here, and no default. A value is seen where it was set,"
                            + " and by tasks and callbacks created afterwards; or use orElse(fallback).");
        }
        return defaultValue;
    }

    /**
     * Returns the value in the current context, or a fallback; never the default.
     *
     * @param fallback the value to return if the variable is not set
     * @return the value
     */
    public T orElse(T fallback) {
        Context current = Context.current();
        return current != null && current.contains(this) ? current.get(this) : fallback;
    }

    /**
     * Sets the value in the current context.
     *
     * @param value the value
     * @return a token that takes the change back, by {@link #reset} or at the end of a {@code try}
     */
    public Token<T> set(T value) {
        Context current = Context.currentToChange();
        return new Token<>(this, current, current.put(this, value));
    }

    /**
     * Gives this variable the value that it had before it was set.
     *
     * @param token the token that {@link #set} returned
     * @throws IllegalArgumentException if it was set in another context, or is another variable's token
     * @throws IllegalStateException if the token was used before
     */
    public void reset(Token<T> token) {
        if (token.variable != this) {
            throw new IllegalArgumentException(token + " was made by another variable than " + this);
        }
        token.use();
    }

    @Override
    public String toString() {
        return "ContextVar[" + name + "]";
    }

    /**
     * A token that takes one {@link ContextVar#set} back, once, in the context in which the value was set.
     *
     * @param <T> the type of the values
     */
    public static final class Token<T extends @Nullable Object> implements AutoCloseable {

        private final ContextVar<T> variable;
        private final Context context;
        private final Map<ContextVar<?>, @Nullable Object> before;
        private boolean used;

        private Token(ContextVar<T> variable, Context context, Map<ContextVar<?>, @Nullable Object> before) {
            this.variable = variable;
            this.context = context;
            this.before = before;
        }

        /**
         * Returns the variable that was set.
         *
         * @return the variable
         */
        public ContextVar<T> variable() {
            return variable;
        }

        /**
         * Returns the value from before the change.
         *
         * @return the value, empty if there was none, or it was null
         */
        @SuppressWarnings("unchecked") // what is in the map was put there for this variable
        public Optional<@NonNull T> oldValue() {
            return Optional.ofNullable((@Nullable T) before.get(variable));
        }

        /** Gives the variable the value that it had before; see {@link ContextVar#reset}. Once only. */
        @Override
        public void close() {
            use();
        }

        private void use() {
            if (used) {
                throw new IllegalStateException(this + " has been used already: a token takes one set(..) back, once");
            }
            if (Context.current() != context) {
                throw new IllegalArgumentException(
                        this + " was made in another context than the one that is current on " + Thread.currentThread()
                                + ". Reset a variable in the task or callback that has set it.");
            }
            used = true;
            context.restore(variable, before);
        }

        @Override
        public String toString() {
            return "Token[" + variable + (used ? ", used" : "") + "]";
        }
    }
}
