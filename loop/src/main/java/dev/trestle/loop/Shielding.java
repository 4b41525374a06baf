package dev.trestle.loop;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The future of {@code shield}: it ends as another ends, and keeps its own cancellation to itself. */
final class Shielding<T extends @Nullable Object> extends LoopFuture<T> {

    private final LoopFuture<T> inner;
    private final Listener onDone = _ -> onDone();

    Shielding(LoopFuture<T> inner) {
        super(inner.loop());
        this.inner = inner;
        inner.listen(onDone);
    }

    private void onDone() {
        if (!isDone()) {
            inner.copyTo(this);
        }
    }

    @Override
    Collection<? extends LoopFuture<?>> parts() {
        return List.of(inner);
    }

    @Override
    String identity() {
        return "shield(" + inner.identity() + ")";
    }

    /** Cancels this future alone. A later failure of the inner one is then nobody's, and so is reported. */
    @Override
    public boolean cancel(@Nullable String message) {
        if (!super.cancel(message)) {
            return false;
        }
        inner.unlisten(onDone);
        return true;
    }
}
