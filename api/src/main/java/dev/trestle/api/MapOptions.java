package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;

/**
 * The options of {@link FutureExecutor#map(CallFunction, Iterable, MapOptions)}: order, chunks, look-ahead, errors and
 * time limit.
 *
 * @param order in which order results come
 * @param onError the consequence of an item's exception for the items after it
 * @param chunkSize the number of inputs in one call; 0 lets the executor choose from the measured time per item
 * @param lookAhead the number of inputs that may be taken beyond the last consumed result; 0 lets the executor choose.
 *     The bound makes endless inputs work
 * @param timeout the time for all results together, counted from the call of {@code map}; empty for no limit
 */
public record MapOptions(Order order, OnError onError, int chunkSize, int lookAhead, Optional<Duration> timeout) {

    /** The order of the results of a map. */
    public enum Order {
        /** The order of the inputs. */
        INPUT,
        /** The order in which the calls complete. */
        COMPLETION
    }

    /** The consequence of an item's exception for the other items. */
    public enum OnError {
        /** The exception ends the stream: the remaining calls are cancelled. */
        STOP,
        /**
         * The exception is thrown when its place is reached; an iterator or spliterator of the stream can be asked for
         * the next result afterwards.
         */
        CONTINUE
    }

    /** Results in input order, ended by the first error, everything else chosen by the executor. */
    public static final MapOptions DEFAULT = new MapOptions(Order.INPUT, OnError.STOP, 0, 0, Optional.empty());

    /** Checks the values. */
    public MapOptions {
        requireNonNull(order, "order");
        requireNonNull(onError, "onError");
        requireNonNull(timeout, "timeout");
        if (chunkSize < 0) {
            throw new IllegalArgumentException("chunkSize must be 1 or more, or 0 for automatic: " + chunkSize);
        }
        if (lookAhead < 0) {
            throw new IllegalArgumentException("lookAhead must be 1 or more, or 0 for automatic: " + lookAhead);
        }
        if (timeout.isPresent() && timeout.get().isNegative()) {
            throw new IllegalArgumentException("timeout must not be negative: " + timeout.get());
        }
    }

    /**
     * Returns these options with another order.
     *
     * @param value the order of the results
     * @return the new options
     */
    public MapOptions withOrder(Order value) {
        return new MapOptions(value, onError, chunkSize, lookAhead, timeout);
    }

    /**
     * Returns these options with another treatment of errors.
     *
     * @param value the consequence of an item's exception
     * @return the new options
     */
    public MapOptions withOnError(OnError value) {
        return new MapOptions(order, value, chunkSize, lookAhead, timeout);
    }

    /**
     * Returns these options with a fixed chunk size.
     *
     * @param value the number of inputs per call, or 0 for automatic
     * @return the new options
     */
    public MapOptions withChunkSize(int value) {
        return new MapOptions(order, onError, value, lookAhead, timeout);
    }

    /**
     * Returns these options with a fixed look-ahead.
     *
     * @param value the number of inputs in flight, or 0 for automatic
     * @return the new options
     */
    public MapOptions withLookAhead(int value) {
        return new MapOptions(order, onError, chunkSize, value, timeout);
    }

    /**
     * Returns these options with a time limit for all results together.
     *
     * @param value the time limit
     * @return the new options
     */
    public MapOptions withTimeout(Duration value) {
        return new MapOptions(order, onError, chunkSize, lookAhead, Optional.of(value));
    }
}
