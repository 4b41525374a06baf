package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.OptionalLong;

/**
 * The options of an {@link EventLoop}.
 *
 * @param clock the source of the loop's time
 * @param shuffleSeed if present, each turn runs what is ready in an order drawn from a generator with this seed. For
 *     tests: code that relies on an order without a guarantee fails, and the same seed repeats the order
 */
public record LoopOptions(LoopClock clock, OptionalLong shuffleSeed) {

    private static final ScopedValue<LoopOptions> DEFAULTS = ScopedValue.newInstance();

    /** Checks the values. */
    public LoopOptions {
        requireNonNull(clock, "clock");
        requireNonNull(shuffleSeed, "shuffleSeed");
    }

    /** The machine's clock, and no shuffling. */
    public LoopOptions() {
        this(LoopClock.system(), OptionalLong.empty());
    }

    /**
     * Returns these options with another clock.
     *
     * @param newClock the source of the loop's time
     * @return the options
     */
    public LoopOptions withClock(LoopClock newClock) {
        return new LoopOptions(newClock, shuffleSeed);
    }

    /**
     * Returns these options with shuffling.
     *
     * @param seed decides the order
     * @return the options
     */
    public LoopOptions withShuffle(long seed) {
        return new LoopOptions(clock, OptionalLong.of(seed));
    }

    /**
     * Runs a program in which every loop that is made without options is made with these options. So a test can run an
     * unchanged program, with its {@code EventLoop.run(...)}, on a virtual clock or in a shuffled order. The defaults
     * hold for the calling thread.
     *
     * @param program the code to run
     */
    public void runAsDefaults(Runnable program) {
        ScopedValue.where(DEFAULTS, this).run(program);
    }

    static LoopOptions defaults() {
        return DEFAULTS.isBound() ? DEFAULTS.get() : new LoopOptions();
    }
}
