package dev.trestle.loop;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The future of {@code gather}.
 *
 * @param <T> the type of a part's result
 * @param <R> the type of the list's elements: results or outcomes
 */
final class GatherFuture<T extends @Nullable Object, R extends @Nullable Object> extends LoopFuture<List<R>>
        implements LoopFuture.Listener {

    private final List<LoopFuture<? extends T>> parts;

    /** The parts, each once. */
    private final Set<LoopFuture<? extends T>> distinct;

    private final List<Handle> handles = new ArrayList<>();
    private final WeakListener listener;

    private final Function<LoopFuture<? extends T>, R> toItem;
    private final boolean failFast;
    private int pending;
    private boolean cancelRequested;

    /**
     * True while the parts are being cancelled. A part may await this future, directly or through others, and must not
     * cancel it again.
     */
    boolean cancelling;

    private @Nullable String cancelMessage;

    GatherFuture(
            EventLoop loop,
            Collection<? extends LoopFuture<? extends T>> parts,
            Function<LoopFuture<? extends T>, R> toItem,
            boolean failFast) {
        super(loop);
        this.parts = List.copyOf(parts);
        this.parts.forEach(loop::checkMine);
        this.distinct = new LinkedHashSet<>(this.parts);
        this.listener = new WeakListener(this, loop.garbage(), handles);
        this.toItem = toItem;
        this.failFast = failFast;
        this.pending = distinct.size();
    }

    /** Listens to the parts. A part that is done counts at once, so a gathering of done parts is done. */
    GatherFuture<T, R> begin() {
        if (distinct.isEmpty()) {
            setResult(List.of());
        }
        var alreadyDone = new ArrayList<LoopFuture<?>>();
        for (LoopFuture<?> part : distinct) {
            if (part.isDone()) {
                alreadyDone.add(part);
            } else {
                handles.add(part.listen(listener));
            }
        }
        alreadyDone.forEach(this::done);
        return this;
    }

    @Override
    public void done(LoopFuture<?> part) {
        if (isDone()) {
            return; // a further failure stays unretrieved, and so is reported
        }
        if (failFast && part.isCancelled() && cancelRequested) {
            cancelNow(cancelMessage);
        } else if (failFast && part.isCancelled()) {
            // Fails this future instead of cancelling it, since no code has cancelled this future.
            fail(((Outcome.Cancelled<?>) part.outcome()).error());
        } else if (failFast && part.isFailed()) {
            fail(((Outcome.Failure<?>) part.outcome()).exception());
        } else if (pending == 1) {
            finish();
        }
        if (isDone()) {
            listener.leave(); // the other parts may live long
        }
        pending--; // last, and so once: a step that fails may be made again
    }

    @Override
    public void failed(Throwable failure) {
        if (!isDone()) {
            fail(failure);
            listener.leave();
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

    private void finish() {
        if (cancelRequested) {
            cancelNow(cancelMessage);
            return;
        }
        var items = new ArrayList<R>(parts.size());
        for (LoopFuture<? extends T> part : parts) {
            items.add(toItem.apply(part));
        }
        setResult(Collections.unmodifiableList(items));
    }

    @Override
    Collection<? extends LoopFuture<?>> parts() {
        return distinct;
    }

    @Override
    String identity() {
        return "gather(" + distinct.size() + " futures)";
    }

    /** Cancels every part; this future ends when all parts have ended. */
    @Override
    public boolean cancel(@Nullable String message) {
        return CancelTraversal.cancel(this, message);
    }

    /** Called when the parts have been cancelled, if any of them could be. */
    void endCancelling(boolean any, @Nullable String message) {
        cancelling = false;
        if (any) {
            cancelRequested = true;
            cancelMessage = message;
        }
    }

    boolean isCancelling() {
        return cancelling;
    }
}
