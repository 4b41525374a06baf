package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * A {@link Coroutine} that runs under a time limit, and may move it.
 *
 * @param <T> the type of the result
 */
@FunctionalInterface
public interface TimedCoroutine<T extends @Nullable Object> {

    /**
     * Runs the coroutine, on a virtual thread of the loop, while no other code of the loop runs.
     *
     * @param timeout the limit
     * @return the result
     * @throws Exception any exception of the code
     */
    T run(Timeout timeout) throws Exception;
}
