package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.DoneAndPending;
import dev.trestle.api.ReturnWhen;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The implementation of {@code waitUntil}: a count of the futures that are not done, and a future that ends when the
 * condition holds.
 */
final class WaitUntil implements LoopFuture.Listener {

    private final ReturnWhen when;
    private final LoopFuture<@Nullable Void> enough;
    private int left;

    private WaitUntil(ReturnWhen when, LoopFuture<@Nullable Void> enough, int left) {
        this.when = when;
        this.enough = enough;
        this.left = left;
    }

    static <F extends LoopFuture<?>> DoneAndPending<F> until(
            Task<?> task, ReturnWhen when, Collection<? extends F> futures, @Nullable Duration timeout) {
        requireNonNull(when, "when");
        EventLoop loop = task.loop();
        Set<F> distinct = new LinkedHashSet<>(futures);
        if (distinct.isEmpty()) {
            throw new IllegalArgumentException(
                    "waitUntil needs at least one future: without any, nothing would end it");
        }
        distinct.forEach(loop::checkMine);

        var waiting =
                new WaitUntil(when, new CompositeFuture(loop, "waitUntil(" + when + ")", distinct), distinct.size());
        Handle timer = timeout == null ? null : loop.laterInline(timeout, waiting::finish);
        // A future that is done is listened to as well, so that the call always lets others run.
        List<Handle> listeners = new ArrayList<>(distinct.size());
        try {
            distinct.forEach(future -> listeners.add(future.listen(waiting)));
            var _ = task.await(waiting.enough);
        } finally {
            if (timer != null) {
                timer.cancel();
            }
            listeners.forEach(LoopFuture::unlisten);
        }
        return divide(distinct);
    }

    @Override
    public void done(LoopFuture<?> future) {
        if (left == 1
                || when == ReturnWhen.FIRST_COMPLETED
                || (when == ReturnWhen.FIRST_EXCEPTION && future.isFailed())) {
            finish();
        }
        left--; // last, and so once: a step that fails may be made again
    }

    /** Wakes the coroutine, which checks the futures itself. */
    @Override
    public void failed(Throwable failure) {
        finish();
    }

    private void finish() {
        if (!enough.isDone()) {
            enough.setResult(null);
        }
    }

    /** Divides the futures by their present state: more may be done than the condition requires. */
    private static <F extends LoopFuture<?>> DoneAndPending<F> divide(Set<F> futures) {
        Set<F> done = new LinkedHashSet<>();
        Set<F> pending = new LinkedHashSet<>();
        futures.forEach(future -> (future.isDone() ? done : pending).add(future));
        return new DoneAndPending<>(done, pending);
    }
}
