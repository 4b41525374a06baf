package dev.trestle.testkit;

/**
 * Thrown when a coroutine fails under one of the orders in which {@link VirtualTime#runShuffled} runs it. Its cause is
 * the failure. The message names the seed, with which {@link VirtualTimeOptions#withShuffle} repeats the order.
 */
public final class ShuffleFailure extends AssertionError {

    private static final long serialVersionUID = 1;

    /** The seed of the order in which the coroutine failed. */
    private final long seed;

    ShuffleFailure(String message, Throwable cause, long seed) {
        super(message, cause);
        this.seed = seed;
    }

    /**
     * Returns the seed of the order in which the coroutine failed.
     *
     * @return the seed
     */
    public long seed() {
        return seed;
    }
}
