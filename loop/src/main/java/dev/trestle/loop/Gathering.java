package dev.trestle.loop;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The future of {@code gather}. */
final class Gathering<T extends @Nullable Object> extends LoopFuture<List<T>> {

    private final List<LoopFuture<? extends T>> parts;
    private final Set<LoopFuture<? extends T>> pending;
    private boolean cancelRequested;
    private @Nullable String cancelMessage;

    Gathering(EventLoop loop, List<? extends LoopFuture<? extends T>> parts) {
        super(loop);
        this.parts = List.copyOf(parts);
        parts.forEach(loop::checkMine);
        this.pending = new LinkedHashSet<>(parts);
        if (pending.stream().allMatch(LoopFuture::isDone)) {
            finish();
            return;
        }
        for (LoopFuture<? extends T> part : List.copyOf(pending)) {
            part.addDoneCallback(this::onDone);
        }
    }

    private void onDone(LoopFuture<?> part) {
        pending.remove(part);
        if (isDone()) {
            if (!part.isCancelled()) {
                var _ = part.exception(); // seen: the first failure stands for all
            }
        } else if (pending.isEmpty()) {
            finish();
        } else if (!cancelRequested && part.isFailed()) {
            part.failTo(this);
        }
    }

    private void finish() {
        if (cancelRequested) {
            cancelNow(cancelMessage);
            return;
        }
        for (LoopFuture<?> part : parts) {
            if (part.isFailed()) {
                part.failTo(this);
                return;
            }
        }
        var results = new ArrayList<T>(parts.size());
        for (LoopFuture<? extends T> part : parts) {
            results.add(part.result());
        }
        setResult(results);
    }

    /** Cancels every part; this future ends when they have. */
    @Override
    public boolean cancel(@Nullable String message) {
        if (isDone()) {
            return false;
        }
        boolean any = false;
        for (LoopFuture<?> part : List.copyOf(pending)) {
            any |= part.cancel(message);
        }
        if (any) {
            cancelRequested = true;
            cancelMessage = message;
        }
        return any;
    }
}
