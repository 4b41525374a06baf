package dev.trestle.loop;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * What futures hold of an object that was made from them: a gathering, a shield, the iterator of {@code asCompleted}. Confined to the
 * holder of the baton.
 */
final class WeakListener extends WeakReference<LoopFuture.Listener> implements LoopFuture.Listener {

    /*
     * The problem: a program may drop a shield at any time, and the future inside may live as long as the program. A listener of the
     * shield's own would keep it all the time.
     *
     * So the futures hold this object, which holds its target weakly. While anybody waits for the target, that is while the target has
     * callbacks, this object holds it strongly: a callback is called though the program holds nothing but the future inside. An
     * iterator needs no such thing. The coroutine that waits for it has it on its stack.
     *
     * When the target is garbage, this object stays with the futures until the loop makes the next one. Then all those with garbage
     * targets leave their futures, which takes one step for each future. Of a chain of targets only the first is garbage at first;
     * when it has left the second one, that has no callbacks any more.
     */

    private final Collection<Handle> handles;

    /** The target, while it has callbacks. */
    @SuppressWarnings("UnusedVariable") // it need not be read to hold the target
    private LoopFuture.@Nullable Listener kept;

    private @Nullable Handle timer;

    /**
     * Creates a listener, and lets all others of this loop whose targets are garbage leave their futures.
     *
     * @param handles what {@code listen} has returned, for each future that this listens to; read when this leaves
     */
    WeakListener(LoopFuture.Listener target, ReferenceQueue<LoopFuture.Listener> garbage, Collection<Handle> handles) {
        super(target, garbage);
        this.handles = handles;
        while (garbage.poll() instanceof WeakListener other) {
            other.leave();
        }
    }

    /** Cancels a timer when this leaves. */
    void cancelWhenLeaving(@Nullable Handle newTimer) {
        timer = newTimer;
    }

    /** Holds the target, so that it is told. */
    void keep(LoopFuture.Listener target) {
        kept = target;
    }

    /** Does not hold the target any more, so that it may become garbage. */
    void release() {
        kept = null;
    }

    /** Listens no more. What listens to a future that is done has been, or will be, told. Idempotent. */
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
