package dev.trestle.loop;

import dev.trestle.api.CarriedContext;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** A scheduled callback that can be cancelled. All methods may be called from any thread. */
public sealed class Handle extends Ready permits TimerHandle {

    private static final VarHandle CALLBACK;

    static {
        try {
            CALLBACK = MethodHandles.lookup().findVarHandle(Handle.class, "callback", Runnable.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The code to call; null if it was cancelled. */
    volatile @Nullable Runnable callback;

    /**
     * True if the callback is the loop's own code, which any of its threads may run. The user's callbacks run on the
     * driver.
     */
    final boolean inline;

    /** The context of the callback; null stands for an empty one. */
    final @Nullable Context context;

    /** The context of the thread that scheduled the callback. */
    final CarriedContext carried;

    /** True after the callback was called. Confined to the holder of the baton. */
    boolean begun;

    /** Creates a callback of the user's. It runs on the driver, in the given context; null stands for an empty one. */
    static Handle ofCallback(Runnable callback, @Nullable Context context) {
        return new Handle(callback, false, context);
    }

    /** Creates a step of the loop's own code, which any thread of the loop may run. */
    static Handle ofStep(Runnable step) {
        return new Handle(step, true, null);
    }

    Handle(Runnable callback, boolean inline, @Nullable Context context) {
        this.callback = callback;
        this.inline = inline;
        this.context = context;
        this.carried = inline ? CarriedContext.nothing() : CarriedContext.capture();
    }

    /** Cancels the callback: it will not be called, unless it is being called just now. Idempotent. */
    public void cancel() {
        callback = null;
    }

    /** Cancels the callback; returns whether it was not cancelled before. */
    final boolean cancelOnce() {
        return CALLBACK.getAndSet(this, null) != null;
    }

    /**
     * Returns whether this handle was cancelled.
     *
     * @return whether it was cancelled
     */
    public final boolean isCancelled() {
        return callback == null;
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
        return scheduled == null ? "cancelled" : SafeToString.of(scheduled);
    }
}
