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
     * @param action what to run
     * @return the coroutine
     */
    static Coroutine<@Nullable Void> asCoroutine(Action action) {
        return new ActionCoroutine(action);
    }
}
