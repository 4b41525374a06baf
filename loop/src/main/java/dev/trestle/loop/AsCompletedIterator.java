package dev.trestle.loop;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The iterator of {@code asCompleted}: futures in the order in which they complete. A program may drop it at any time.
 */
final class AsCompletedIterator<F extends LoopFuture<?>> implements Iterator<F>, LoopFuture.Listener {

    private final EventLoop loop;
    private final @Nullable Duration timeout;
    private final int total;

    /** The futures that are not done, each with its listener. */
    private final Map<F, Handle> pending = new LinkedHashMap<>();

    /** The futures that are done and have not been returned, in the order in which they became done. */
    private final Set<F> completed = new LinkedHashSet<>();

    private final WeakListener listener;
    private int left;
    private boolean late;

    /** The reason why a completed future cannot be returned. */
    private @Nullable Throwable failure;

    /** The future that the consumer awaits, while it waits for the next completed one. */
    private @Nullable LoopFuture<@Nullable Void> more;

    AsCompletedIterator(EventLoop loop, Set<F> futures, @Nullable Duration timeout) {
        this.loop = loop;
        this.timeout = timeout;
        this.total = futures.size();
        this.left = total;
        this.listener = new WeakListener(this, loop.garbage(), pending.values());
        futures.forEach(future -> pending.put(future, future.listen(listener)));
        if (timeout != null && !futures.isEmpty()) {
            listener.cancelWhenLeaving(loop.laterInline(timeout, new TimeOver(new WeakReference<>(this))));
        }
    }

    /** The end of the time limit. The timer does not hold the iterator. */
    private record TimeOver(WeakReference<AsCompletedIterator<?>> iterator) implements Runnable {
        @Override
        public void run() {
            AsCompletedIterator<?> late = iterator.get();
            if (late != null) {
                late.onLate();
            }
        }
    }

    @Override
    @SuppressWarnings("unchecked") // this iterator listens to no other futures
    public void done(LoopFuture<?> future) {
        if (late) {
            return;
        }
        if (pending.containsKey(future)) { // else this step is made again, and the future may have been returned
            completed.add((F) future);
            pending.remove(future);
        }
        if (pending.isEmpty()) {
            listener.leave(); // there is no time limit any more
        }
        wakeConsumer();
    }

    @Override
    public void failed(Throwable e) {
        failure = e;
        wakeConsumer();
    }

    private void onLate() {
        late = true;
        listener.leave(); // the futures may live long, and be waited for again and again
        wakeConsumer();
    }

    private void wakeConsumer() {
        if (more != null && !more.isDone()) {
            more.setResult(null);
        }
    }

    @Override
    public boolean hasNext() {
        return left > 0;
    }

    @Override
    public F next() {
        if (left == 0) {
            throw new NoSuchElementException("All " + total + " futures have been returned");
        }
        Task<?> task = loop.requireTask("take the next completed future");
        task.throwIfInterrupted();
        while (completed.isEmpty()) {
            if (failure != null) {
                throw LoopFuture.unchecked(failure);
            }
            if (late) {
                throw new CompletionException(
                        new TimeoutException(left + " (of " + total + ") futures unfinished after " + timeout));
            }
            if (more != null && !more.isDone()) {
                throw new IllegalStateException(
                        "Another coroutine is waiting for the next of these futures: an iterator"
                                + " has one consumer; call asCompleted again for the other");
            }
            more = new CompositeFuture(loop, "asCompleted", pending.keySet());
            var _ = task.await(more);
        }
        F first = completed.iterator().next();
        pending.remove(first); // in case that the step which has added it failed, and is made again
        completed.remove(first);
        left--;
        return first;
    }
}
