package dev.trestle.api;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The futures of a {@code waitUntil}, divided into those that are done and those that are pending. Both sets are
 * unmodifiable and keep the order of the input.
 *
 * @param <F> the type of the futures
 * @param done the futures that are done: with a result, with an exception or cancelled
 * @param pending the others
 */
public record DoneAndPending<F>(Set<F> done, Set<F> pending) {

    /** Copies the sets. */
    public DoneAndPending {
        done = copy(done);
        pending = copy(pending);
    }

    private static <F> Set<F> copy(Collection<F> futures) {
        return Collections.unmodifiableSet(new LinkedHashSet<>(futures));
    }
}
