package dev.trestle.loop;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The future of {@code shield}: it ends as another future ends, and its cancellation does not reach the other. */
final class ShieldFuture<T extends @Nullable Object> extends LoopFuture<T> implements LoopFuture.Listener {

    private final LoopFuture<T> inner;

    /** The future inside all nested shields, for messages: shields may be nested as deep as the heap is large. */
    private final LoopFuture<T> innermost;

    private final int depth;
    private final WeakListener listener;

    ShieldFuture(LoopFuture<T> inner) {
        super(inner.loop());
        this.inner = inner;
        if (inner instanceof ShieldFuture<T> shield) {
            this.innermost = shield.innermost;
            this.depth = shield.depth + 1;
        } else {
            this.innermost = inner;
            this.depth = 1;
        }
        var handles = new ArrayList<Handle>(1);
        this.listener = new WeakListener(this, loop().garbage(), handles);
        handles.add(inner.listen(listener));
    }

    @Override
    public void done(LoopFuture<?> future) {
        if (!isDone()) {
            inner.copyTo(this);
        }
    }

    @Override
    void firstCallbackAdded() {
        listener.keep(this);
    }

    @Override
    void lastCallbackRemoved() {
        listener.release();
    }

    @Override
    public void failed(Throwable failure) {
        if (!isDone()) {
            fail(failure);
        }
    }

    @Override
    Collection<? extends LoopFuture<?>> parts() {
        return List.of(inner);
    }

    @Override
    String identity() {
        return depth == 1 ? "shield(" + inner.identity() + ")" : depth + " shields around " + innermost.identity();
    }

    /**
     * Cancels this future alone. A later failure of the inner future is then reported, unless other code retrieves it.
     */
    @Override
    public boolean cancel(@Nullable String message) {
        if (!super.cancel(message)) {
            return false;
        }
        try {
            listener.leave();
        } catch (Throwable e) {
            // No memory: the listener stays with the inner future, and does nothing there.
        }
        return true;
    }
}
