package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/** A {@link Coroutine} without a result. */
@FunctionalInterface
public interface Action {

    /**
     * Runs the coroutine, on a thread of the loop, holding its baton.
     *
     * @throws Exception whatever it throws
     */
    void run() throws Exception;

    /**
     * Returns the coroutine that runs an action and returns null.
     *
     * @param action what the coroutine runs
     * @return the coroutine
     */
    static Coroutine<@Nullable Void> asCoroutine(Action action) {
        java.util.Objects.requireNonNull(action, "action");
        return () -> {
            action.run();
            return null;
        };
    }
}
