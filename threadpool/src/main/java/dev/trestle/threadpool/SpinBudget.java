package dev.trestle.threadpool;

/**
 * The time for which an idle thread spins before it sleeps, as long as spinning pays. Confined to that thread.
 *
 * <p>A call that comes while the thread spins has paid for the spinning, and doubles the budget; a thread that spins in
 * vain halves its budget. A thread without a budget sleeps at once. One pause in {@value #PAUSES_PER_TRIAL} is a trial:
 * the thread spins for the longest time, and has a budget again if that pays.
 */
final class SpinBudget {

    /** The time that waking a platform thread may take: spinning for longer would cost more than it saves. */
    static final long LONGEST_NANOS = 20_000;

    /** The limit of the budget: above the longest time, so that rare pauses in vain do not end the spinning. */
    private static final long LIMIT_NANOS = 4 * LONGEST_NANOS;

    /** The shortest time that is worth the trouble. */
    private static final long SHORTEST_NANOS = LONGEST_NANOS / 8;

    static final int PAUSES_PER_TRIAL = 64;

    private final boolean possible;

    private long budget = LONGEST_NANOS;
    private int pausesUntilTrial;

    /**
     * Creates a budget for the longest time.
     *
     * @param processors the number of processors; with one, spinning keeps the caller from its next call, and there is
     *     never a budget
     */
    SpinBudget(int processors) {
        this.possible = processors > 1;
    }

    // Nothing here calls code of the JDK or allocates: an error in a pause would end a thread of the pool.

    /** Returns the nanoseconds to spin in the pause that begins now. */
    long nextPause() {
        if (!possible) {
            return 0;
        }
        if (budget == 0 && pausesUntilTrial-- == 0) {
            return LONGEST_NANOS;
        }
        return budget < LONGEST_NANOS ? budget : LONGEST_NANOS;
    }

    /** Records that a call came while the thread was spinning. */
    void paid() {
        long more = budget == 0 ? LONGEST_NANOS : budget * 2;
        budget = more < LIMIT_NANOS ? more : LIMIT_NANOS;
    }

    /** Records that the thread has spun for its time, and no call came. */
    void wasInVain() {
        long less = budget / 2;
        budget = less < SHORTEST_NANOS ? 0 : less;
        if (budget == 0) {
            pausesUntilTrial = PAUSES_PER_TRIAL - 1;
        }
    }
}
