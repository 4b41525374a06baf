package dev.trestle.loop;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A callback that is scheduled for a time and can be cancelled. All methods may be called from any thread. */
public final class TimerHandle extends Handle {

    private final EventLoop loop;
    final long when;
    final long sequence;

    /** The index in the heap, -1 outside of it; confined to the holder of the baton. */
    int place = -1;

    /** The next timer that another thread has cancelled; used by the inbox. */
    @Nullable
    TimerHandle nextCancelled;

    /** Creates a timer for a callback of the user's. */
    static TimerHandle ofCallback(
            EventLoop loop, Runnable callback, @Nullable Context context, long when, long sequence) {
        return new TimerHandle(loop, callback, false, context, when, sequence);
    }

    /** Creates a timer for a step of the loop's own code. */
    static TimerHandle ofStep(EventLoop loop, Runnable step, long when, long sequence) {
        return new TimerHandle(loop, step, true, null, when, sequence);
    }

    private TimerHandle(
            EventLoop loop, Runnable callback, boolean inline, @Nullable Context context, long when, long sequence) {
        super(callback, inline, context);
        this.loop = loop;
        this.when = when;
        this.sequence = sequence;
    }

    /** Cancels the callback: it will not be called, unless it is being called just now. Idempotent. */
    @Override
    public void cancel() {
        loop.cancel(this);
    }

    /**
     * Returns when the callback is due.
     *
     * @return the loop's time
     */
    public Duration when() {
        return Duration.ofNanos(when);
    }

    @Override
    public String toString() {
        return "TimerHandle[" + when() + ", " + callbackText() + "]";
    }
}
