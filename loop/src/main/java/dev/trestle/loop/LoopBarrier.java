package dev.trestle.loop;

import java.util.LinkedHashSet;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;

/**
 * A point that a number of coroutines of one loop pass together, again and again: Python's {@code asyncio.Barrier}.
 *
 * <p>A coroutine that is cancelled while it waits leaves, and another may take its place; the barrier is not broken by it.
 * Not thread-safe; it belongs to the loop in which it is used.
 */
public final class LoopBarrier {

    /*
     * Whoever completes a round decides it for all at that moment: each gets its index, or empty if the round was broken.
     * What happens between that and their running belongs to the next round. CPython's barrier is drained first: newcomers
     * wait until the last of the round has run, and a reset then breaks a round that was complete.
     */

    private final int parties;

    /** Those of this round. One that was cancelled stays until it has run, but does not count. */
    private final Set<LoopFuture<OptionalInt>> round = new LinkedHashSet<>();

    /** Only to which loop this belongs. */
    private final Waiters home = new Waiters(this);

    private boolean broken;

    /**
     * Creates a barrier.
     *
     * @param parties how many must come before all go on
     * @throws IllegalArgumentException if it is less than one
     */
    public LoopBarrier(int parties) {
        if (parties < 1) {
            throw new IllegalArgumentException("A barrier needs 1 party or more: " + parties);
        }
        this.parties = parties;
    }

    /**
     * Suspends the coroutine until as many have come as there are parties. The last one does not suspend.
     *
     * @return which one it was: 0 to {@code parties - 1}, each once, in the order in which they came
     * @throws BrokenBarrierException if the barrier is broken, or is reset or broken meanwhile
     * @throws CancelledError if the task is cancelled meanwhile
     * @throws IllegalStateException if this is not a coroutine of the loop in which the barrier is used
     */
    public int await() throws BrokenBarrierException {
        EventLoop loop = home.enter();
        if (broken) {
            throw new BrokenBarrierException(this + " was broken by abort(); reset() makes it usable again");
        }
        if (round.size() >= parties - 1 && waiting() == parties - 1) { // counts only if it may be so
            return complete();
        }
        LoopFuture<OptionalInt> passed = loop.createFuture();
        round.add(passed);
        OptionalInt index;
        try {
            index = Async.await(passed);
        } finally {
            round.remove(passed);
        }
        return index.orElseThrow(() ->
                new BrokenBarrierException(this + " was reset, or broken by abort(), while this coroutine waited"));
    }

    private int complete() {
        int index = 0;
        for (LoopFuture<OptionalInt> each : round) {
            if (!each.isDone()) {
                each.setResult(OptionalInt.of(index++));
            }
        }
        round.clear();
        return index;
    }

    /** Begins anew. Those who wait get a {@link BrokenBarrierException}. */
    public void reset() {
        home.checkHere("reset");
        broken = false;
        breakRound();
    }

    /** Breaks the barrier: those who wait, and those who come before a {@link #reset}, get a {@link BrokenBarrierException}. */
    public void abort() {
        home.checkHere("abort");
        broken = true;
        breakRound();
    }

    private void breakRound() {
        for (LoopFuture<OptionalInt> each : round) {
            if (!each.isDone()) {
                each.setResult(OptionalInt.empty());
            }
        }
        round.clear();
    }

    /**
     * Returns how many must come before all go on.
     *
     * @return the number of parties
     */
    public int parties() {
        return parties;
    }

    /**
     * Returns how many wait now: Python's {@code n_waiting}.
     *
     * @return less than the number of parties
     */
    public int waiting() {
        return (int) round.stream().filter(each -> !each.isDone()).count();
    }

    /**
     * Returns whether the barrier is broken.
     *
     * @return whether {@link #abort} was called, and {@link #reset} was not called after it
     */
    public boolean isBroken() {
        return broken;
    }

    @Override
    public String toString() {
        return "LoopBarrier[" + (broken ? "broken" : "waiting=" + waiting() + " of " + parties) + "]";
    }
}
