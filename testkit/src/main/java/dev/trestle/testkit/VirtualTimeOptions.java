package dev.trestle.testkit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.OptionalLong;

/**
 * The options of a run in {@link VirtualTime}.
 *
 * @param end the virtual time at which the run fails if the coroutine has not ended; at most 73 years
 * @param shuffleSeed if present, each turn of the loop runs what is ready in an order drawn from a generator with this
 *     seed; if empty, in the order in which it became ready
 */
public record VirtualTimeOptions(Duration end, OptionalLong shuffleSeed) {

    /** Checks the values. */
    public VirtualTimeOptions {
        requireNonNull(shuffleSeed, "shuffleSeed");
        if (!end.isPositive()) {
            throw new IllegalArgumentException("The end of virtual time must be positive, and is " + end
                    + ". Give the longest virtual time that the coroutine may take.");
        }
    }

    /** Virtual time that ends after 73 years, and no shuffling. */
    public VirtualTimeOptions() {
        this(ChronoUnit.FOREVER.getDuration(), OptionalLong.empty());
    }

    /**
     * Returns these options with another end of time: for a coroutine that may wait in vain while something in its loop
     * goes on forever, such as a heartbeat.
     *
     * @param value the longest virtual time that the coroutine may take
     * @return the options
     * @throws IllegalArgumentException if it is not positive
     */
    public VirtualTimeOptions withEnd(Duration value) {
        return new VirtualTimeOptions(value, shuffleSeed);
    }

    /**
     * Returns these options with shuffling.
     *
     * @param seed decides the order
     * @return the options
     */
    public VirtualTimeOptions withShuffle(long seed) {
        return new VirtualTimeOptions(end, OptionalLong.of(seed));
    }
}
