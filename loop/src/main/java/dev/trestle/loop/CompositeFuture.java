package dev.trestle.loop;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** A future that a coroutine awaits in place of several others. The task graph shows these others in its place. */
final class CompositeFuture extends LoopFuture<@Nullable Void> {

    private final String what;
    private final Collection<? extends LoopFuture<?>> parts;

    /**
     * Creates the future.
     *
     * @param what the name of the wait
     * @param parts the others; read when a task graph is made
     */
    CompositeFuture(EventLoop loop, String what, Collection<? extends LoopFuture<?>> parts) {
        super(loop);
        this.what = what;
        this.parts = parts;
    }

    @Override
    Collection<? extends LoopFuture<?>> parts() {
        return parts;
    }

    @Override
    String identity() {
        return what;
    }
}
