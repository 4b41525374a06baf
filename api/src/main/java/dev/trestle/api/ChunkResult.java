package dev.trestle.api;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The result of a call that {@link FutureExecutor#map} has submitted: a result or a failure for each input of its
 * chunk, up to the first input that failed.
 *
 * <p>An executor that runs calls in its own process returns the chunk result as it is. An executor that sends results
 * to another process sends {@link #toData} in its place, which consists of a list, a number, exceptions and the
 * results; {@code map} takes either. If that data cannot be sent, {@link #refuse} replaces the results to blame by
 * failures, so that the other results arrive.
 *
 * <p>Confined to one thread at a time.
 */
public final class ChunkResult {

    /** The results, with null in the place of a failure. */
    private final List<@Nullable Object> outcomes;

    /** The failures, each under the index of its input. */
    private final SortedMap<Integer, Throwable> failures = new TreeMap<>();

    private final long nanos;

    private ChunkResult(List<@Nullable Object> outcomes, long nanos) {
        this.outcomes = outcomes;
        this.nanos = nanos;
    }

    /** Applies a function to inputs, up to the first that fails. */
    static <A extends @Nullable Object, R extends @Nullable Object> ChunkResult of(
            CallFunction<A, R> fn, List<A> inputs) {
        long start = System.nanoTime();
        var outcomes = new ArrayList<@Nullable Object>(inputs.size());
        Throwable failure = null;
        for (Iterator<A> each = inputs.iterator(); failure == null && each.hasNext(); ) {
            try {
                outcomes.add(fn.apply(each.next()));
            } catch (Throwable e) { // reported for its input
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                failure = e;
            }
        }
        var result = new ChunkResult(outcomes, System.nanoTime() - start);
        if (failure != null) {
            result.add(failure);
        }
        return result;
    }

    /** Returns the outcome of a chunk that failed as a whole: the same failure for each of its inputs. */
    static ChunkResult failed(Throwable failure, int inputs) {
        var result = new ChunkResult(new ArrayList<>(inputs), 0);
        for (int i = 0; i < inputs; i++) {
            result.add(failure);
        }
        return result;
    }

    /** Returns the chunk result that an executor has returned as it is, or sent as data. */
    static ChunkResult from(Object returned) {
        if (returned instanceof ChunkResult result) {
            return result;
        }
        var data = (List<?>) returned;
        var result =
                new ChunkResult(new ArrayList<@Nullable Object>(data.subList(2, data.size())), (Long) data.getFirst());
        for (Iterator<?> each = ((List<?>) data.get(1)).iterator(); each.hasNext(); ) {
            result.failures.put((Integer) each.next(), (Throwable) each.next());
        }
        return result;
    }

    private void add(Throwable failure) {
        failures.put(outcomes.size(), failure);
        outcomes.add(null);
    }

    /**
     * Returns this as a mutable list of plain data: the nanoseconds it took, a list of failures, each after the index
     * of its input, and the results, with null in the place of a failure.
     *
     * @return the data
     */
    public List<@Nullable Object> toData() {
        var failed = new ArrayList<Object>();
        failures.forEach((index, failure) -> {
            failed.add(index);
            failed.add(failure);
        });
        var data = new ArrayList<@Nullable Object>(outcomes.size() + 2);
        data.add(nanos);
        data.add(failed);
        data.addAll(outcomes);
        return data;
    }

    /**
     * Replaces results that cannot be sent by failures that say so.
     *
     * @param problem returns the failure for a result, or for a failure that cannot be sent either; null if it can be
     *     sent
     */
    public void refuse(Function<@Nullable Object, @Nullable Throwable> problem) {
        for (int i = 0; i < outcomes.size(); i++) {
            Throwable failure = failures.get(i);
            Throwable refused = problem.apply(failure == null ? outcomes.get(i) : failure);
            if (refused != null) {
                outcomes.set(i, null);
                failures.put(i, refused);
            }
        }
    }

    /**
     * Returns the error of the virtual machine, other than a stack overflow, that ended the chunk. A process in which
     * it was thrown must not be trusted any more.
     *
     * @return the error; null if there was none
     */
    public @Nullable VirtualMachineError fatalError() {
        return !failures.isEmpty()
                        && failures.get(failures.lastKey()) instanceof VirtualMachineError error
                        && !(error instanceof StackOverflowError)
                ? error
                : null;
    }

    /** Returns the number of inputs that have an outcome. */
    int size() {
        return outcomes.size();
    }

    /** Returns the nanoseconds that the inputs took. */
    long nanos() {
        return nanos;
    }

    boolean hasFailures() {
        return !failures.isEmpty();
    }

    /** Returns the outcomes one after the other. Each is forgotten when it has been returned. */
    Outcomes outcomes() {
        return new Outcomes();
    }

    /** An iteration over the outcomes. */
    final class Outcomes {

        private int next;

        boolean hasNext() {
            return next < outcomes.size();
        }

        /**
         * Returns the failure that is the next outcome, and goes on to the one after it; null if the next is a result.
         */
        @Nullable
        Throwable nextFailure() {
            Throwable failure = failures.isEmpty() ? null : failures.remove(next);
            if (failure != null) {
                next++;
            }
            return failure;
        }

        @Nullable
        Object nextResult() {
            if (!hasNext()) {
                throw new NoSuchElementException("all " + next + " outcomes have been taken");
            }
            return outcomes.set(next++, null);
        }
    }

    @Override
    public String toString() {
        return "ChunkResult[" + outcomes.size() + " outcomes in " + nanos + " ns]";
    }
}
