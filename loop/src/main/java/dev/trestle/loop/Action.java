package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/** A {@link Coroutine} without a result. */
@FunctionalInterface
public interface Action {

    /**
     * Runs the coroutine, on a virtual thread of the loop, while no other code of the loop runs.
     *
     * @throws Exception any exception of the code
     */
    void run() throws Exception;

    /**
     * Returns the coroutine that runs an action and returns null.
     *
     * @param action the code to run
     * @return the coroutine
     */
    static Coroutine<@Nullable Void> asCoroutine(Action action) {
        return new ActionCoroutine(action);
    }
}
