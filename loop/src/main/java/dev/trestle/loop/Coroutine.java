package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * Code that runs in an event loop and may await: Python's coroutine function without arguments.
 *
 * @param <T> the type of the result
 */
@FunctionalInterface
public interface Coroutine<T extends @Nullable Object> {

    /**
     * Runs the coroutine, on a virtual thread of the loop, while no other code of the loop runs.
     *
     * @return the result
     * @throws Exception any exception of the code
     */
    T run() throws Exception;
}
