package dev.trestle.api;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * A function of one argument that can travel to another process and may throw any exception; {@link FutureExecutor#map}
 * applies it.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface CallFunction<A extends @Nullable Object, R extends @Nullable Object> extends Serializable {

    /**
     * Applies this function.
     *
     * @param argument the argument
     * @return the result
     * @throws Exception any exception of the function
     */
    R apply(A argument) throws Exception;
}
