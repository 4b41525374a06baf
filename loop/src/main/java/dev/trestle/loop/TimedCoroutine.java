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
     * Runs the coroutine, on a thread of the loop, holding its baton.
     *
     * @param timeout the limit
     * @return the result
     * @throws Exception whatever it throws
     */
    T run(Timeout timeout) throws Exception;
}
