package dev.trestle.loop;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * A weak reference that futures hold to an object that was made from them: a gathering, a shield, the iterator of
 * {@code asCompleted}. Confined to the holder of the baton.
 */
final class WeakListener extends WeakReference<LoopFuture.Listener> implements LoopFuture.Listener {

    /*
     * The problem: a program may drop a shield at any time, and the future inside may live as long as the program. A
     * listener of the shield's own would keep it all the time.
     *
     * So the futures hold this object, which holds its target weakly. While a coroutine waits for the target, that is
     * while the target has callbacks, this object holds it strongly: a callback is called though the program holds
     * nothing but the future inside. An iterator needs no such thing. The coroutine that waits for it has it on its
     * stack.
     *
     * When the target is garbage, this object stays with the futures until the loop makes the next one. Then all those
     * with garbage targets leave their futures, which takes one step for each future. Of a chain of targets only the
     * first is garbage at first; when it has left the second one, that has no callbacks any more.
     */

    private final Collection<Handle> handles;

    /** The target, while it has callbacks. */
    @SuppressWarnings("UnusedVariable") // it need not be read to hold the target
    private LoopFuture.@Nullable Listener kept;

    private @Nullable Handle timer;

    /**
     * Creates a listener, and removes all listeners of this loop with garbage targets from their futures.
     *
     * @param handles the handles that {@code listen} has returned, one for each future; read by {@link #leave}
     */
    WeakListener(LoopFuture.Listener target, ReferenceQueue<LoopFuture.Listener> garbage, Collection<Handle> handles) {
        super(target, garbage);
        this.handles = handles;
        while (garbage.poll() instanceof WeakListener other) {
            other.leave();
        }
    }

    /** Sets a timer that {@link #leave} cancels. */
    void cancelWhenLeaving(@Nullable Handle newTimer) {
        timer = newTimer;
    }

    /** Holds the target strongly, so that it is notified. */
    void keep(LoopFuture.Listener target) {
        kept = target;
    }

    /** Holds the target weakly again, so that it may become garbage. */
    void release() {
        kept = null;
    }

    /** Leaves all futures. A future that is done has notified the target already, or is about to. Idempotent. */
    void leave() {
        for (Handle handle : handles) {
            LoopFuture.unlisten(handle);
        }
        if (timer != null) {
            timer.cancel();
        }
    }

    @Override
    public void done(LoopFuture<?> future) {
        LoopFuture.Listener target = get();
        if (target == null) {
            leave();
        } else {
            target.done(future);
        }
    }

    @Override
    public void failed(Throwable failure) {
        LoopFuture.Listener target = get();
        if (target != null) {
            target.failed(failure);
        }
    }
}
