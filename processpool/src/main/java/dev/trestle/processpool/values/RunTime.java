package dev.trestle.processpool.values;

/**
 * An estimate of the run time of the calls of one lambda, from measurements. Not thread-safe: a pool guards it with its
 * lock.
 *
 * <p>An estimate for the next one: it follows quickly when they get longer, and slowly when they get shorter.
 */
public final class RunTime {

    /** Stands for a time that was never measured. */
    private static final long UNKNOWN = Long.MAX_VALUE;

    private long nanos = UNKNOWN;

    /** Creates an estimate of calls that were never measured. */
    public RunTime() {}

    /**
     * Creates an estimate of calls that are short, as another program has found out.
     *
     * @return an estimate of no time
     */
    static RunTime ofShort() {
        var estimate = new RunTime();
        estimate.note(0);
        return estimate;
    }

    /**
     * Takes note of a call.
     *
     * @param measured the duration of a run in nanoseconds, from a worker, so it may be anything
     */
    public void note(long measured) {
        long sound = Math.clamp(measured, 0, Long.MAX_VALUE / 4);
        if (nanos == UNKNOWN) {
            nanos = sound;
        } else {
            nanos += sound > nanos ? (sound - nanos) / 2 : (sound - nanos) / 8;
        }
    }

    /**
     * Returns the estimate.
     *
     * @return nanoseconds; very many if there is none yet
     */
    public long nanos() {
        return nanos;
    }

    @Override
    public String toString() {
        return nanos == UNKNOWN ? "RunTime[unknown]" : "RunTime[" + nanos + " ns]";
    }
}
