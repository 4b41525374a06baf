package dev.trestle.loop;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A callback that was scheduled, to be cancelled. Belongs to its loop, but {@code cancel} may be called from any thread. */
public final class Handle implements Comparable<Handle> {

    private final long when;
    private final long sequence;
    private volatile @Nullable Runnable callback;

    Handle(Runnable callback, long when, long sequence) {
        this.callback = callback;
        this.when = when;
        this.sequence = sequence;
    }

    /** Cancels the callback: it will not be called, unless it is being called just now. Again is without effect. */
    public void cancel() {
        callback = null;
    }

    /**
     * Returns whether this handle was cancelled.
     *
     * @return whether it was cancelled
     */
    public boolean isCancelled() {
        return callback == null;
    }

    /**
     * Returns when the callback is due.
     *
     * @return the loop's time; for a callback without a delay, the time of its registration
     */
    public Duration when() {
        return Duration.ofNanos(when);
    }

    long nanos() {
        return when;
    }

    @Nullable
    Runnable callback() {
        return callback;
    }

    @Override
    public int compareTo(Handle other) {
        int byTime = Long.compare(when, other.when);
        return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public String toString() {
        return "Handle[" + when() + (isCancelled() ? ", cancelled]" : ", " + callback + "]");
    }
}
