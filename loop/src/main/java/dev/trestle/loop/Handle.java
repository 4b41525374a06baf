package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/** A callback that was scheduled, to be cancelled. All methods may be called from any thread. */
public sealed class Handle implements Ready permits TimerHandle {

    private volatile @Nullable Runnable callback;

    /** Whether this is the loop's own code, which any of its threads may run. The user's callbacks run on the driver. */
    private final boolean inline;

    /** In which the callback runs; null stands for an empty one. */
    private final @Nullable Context context;

    /** Has the loop's own code run, or the user's in an empty context. */
    Handle(Runnable callback, boolean inline) {
        this(callback, inline, null);
    }

    Handle(Runnable callback, boolean inline, @Nullable Context context) {
        this.callback = callback;
        this.inline = inline;
        this.context = context;
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
    public final boolean isCancelled() {
        return callback == null;
    }

    final boolean isInline() {
        return inline;
    }

    final @Nullable Context context() {
        return context;
    }

    final @Nullable Runnable callback() {
        return callback;
    }

    @Override
    public String toString() {
        return "Handle[" + callbackText() + "]";
    }

    final String callbackText() {
        Runnable scheduled = callback;
        return scheduled == null ? "cancelled" : Words.of(scheduled);
    }
}
