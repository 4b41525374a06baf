package dev.trestle.loop;

import dev.trestle.api.StackRoom;
import java.util.concurrent.BrokenBarrierException;

/**
 * A point that a number of coroutines of one loop pass together, again and again: Python's {@code asyncio.Barrier}.
 *
 * <p>A coroutine that is cancelled while it waits leaves the barrier, and another may take its place; the cancellation
 * does not break the barrier. Not thread-safe; it belongs to the loop in which it is used.
 */
public final class LoopBarrier {

    /*
     * The party that completes a round decides the round for all at that moment: each waiter is given its index, or the
     * news that the round was broken. Arrivals and cancellations until the waiters run belong to the next round.
     * CPython's barrier is drained first: newcomers wait until the last party of the round has run, and a reset then
     * breaks a round that was complete.
     */

    private static final int BROKEN = -1;

    private final int parties;

    /** The waiters of this round, which are given their index, or the news that the round is broken. */
    private final Waiters round = new Waiters(this);

    private boolean broken;

    /**
     * Creates a barrier.
     *
     * @param parties the number of coroutines that must arrive before all go on
     * @throws IllegalArgumentException if it is less than one
     */
    public LoopBarrier(int parties) {
        if (parties < 1) {
            throw new IllegalArgumentException("A barrier needs 1 party or more: " + parties);
        }
        this.parties = parties;
    }

    /**
     * Suspends the coroutine until all parties have arrived. The last party is not suspended.
     *
     * @return the index of arrival: 0 to {@code parties - 1}, each once
     * @throws BrokenBarrierException if the barrier is broken, or is reset or broken during the wait
     * @throws CancelledError if the task is cancelled while it waits
     * @throws IllegalStateException if this is not a coroutine of the loop in which the barrier is used
     */
    public int await() throws BrokenBarrierException {
        round.enter();
        if (broken) {
            throw new BrokenBarrierException(this + " was broken by abort(); reset() makes it usable again");
        }
        if (round.length() >= parties - 1 && waiting() == parties - 1) { // the cheap test first: waiting() counts
            return complete();
        }
        Waiters.Turn turn = round.turn();
        round.await(turn);
        if (turn.told == BROKEN) {
            throw new BrokenBarrierException(this + " was reset, or broken by abort(), while this coroutine waited");
        }
        return turn.told;
    }

    private int complete() {
        StackRoom.require();
        for (int index = 0; index < parties - 1; ) {
            try {
                if (round.wakeNext(index)) {
                    index++;
                }
            } catch (Throwable e) {
                Thread.onSpinWait(); // the round has been decided, and so must reach all
            }
        }
        return parties - 1;
    }

    /** Begins a new round. Coroutines that wait get a {@link BrokenBarrierException}. */
    public void reset() {
        round.checkHere("reset");
        breakRound();
        broken = false;
    }

    /**
     * Breaks the barrier: coroutines that wait, and those that arrive before a {@link #reset}, get a
     * {@link BrokenBarrierException}.
     */
    public void abort() {
        round.checkHere("abort");
        breakRound();
        broken = true;
    }

    /** Wakes the waiters of a broken round. They run later; if this method fails, the caller may call it again. */
    private void breakRound() {
        while (round.wakeNext(BROKEN)) {
            // until there is none
        }
    }

    /**
     * Returns the number of coroutines that must arrive before all go on.
     *
     * @return the number of parties
     */
    public int parties() {
        return parties;
    }

    /**
     * Returns the number of coroutines that wait now: Python's {@code n_waiting}.
     *
     * @return less than the number of parties
     */
    public int waiting() {
        return round.size();
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
