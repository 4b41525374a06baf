package dev.trestle.processpool;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The calls of a pool that a thread is ending one after the other: those that were lost, or that nobody wants any more.
 * Thread-safe.
 */
final class Endings {

    /*
     * To end a call is to run its callbacks, which are anybody's code and may wait for another call of the same batch, which
     * the same thread would end next. So each thread knows what it is ending; see `PoolWaitGuard`.
     *
     * Threads that read answers also must not wait for what other threads are ending, since these may wait for them in turn.
     * For that, a call which has not ended is always found somewhere: in the queue, with a worker, or in a batch. Hence
     * batches are made under the dispatcher's lock, where calls leave the other two.
     */

    private static final ScopedValue<Batch> HERE = ScopedValue.newInstance();

    private final Batch nothing = new Batch(List.of());
    private final Queue<Batch> batches = new ConcurrentLinkedQueue<>();

    /** Takes calls that the calling thread is going to end; called under the dispatcher's lock. */
    Batch of(List<PoolCall<?>> calls) {
        if (calls.isEmpty()) {
            return nothing;
        }
        var batch = new Batch(List.copyOf(calls));
        batches.add(batch);
        return batch;
    }

    /** Returns whether a future is that of a call which some thread is ending, or will next. */
    boolean has(Future<?> future) {
        return batches.stream().anyMatch(batch -> batch.has(future));
    }

    /** Returns whether this very thread is ending calls of this pool. */
    boolean areHere() {
        for (Batch batch = here(); batch != null; batch = batch.outer) {
            if (batch.endings() == this) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether a future is that of a call, of whatever pool, that this very thread is ending, or will next. */
    static boolean areHere(Future<?> future) {
        for (Batch batch = here(); batch != null; batch = batch.outer) {
            if (batch.has(future)) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable Batch here() {
        return HERE.isBound() ? HERE.get() : null;
    }

    /** Calls that end together. */
    final class Batch {

        private final List<PoolCall<?>> calls;

        /** What this thread was ending when a callback had it end these. */
        private @Nullable Batch outer;

        private Batch(List<PoolCall<?>> calls) {
            this.calls = calls;
        }

        /** Ends the calls, if there are any; not under the lock. */
        void end(Consumer<PoolCall<?>> how) {
            run(() -> calls.forEach(how));
        }

        /** Does what ends the calls, if there are any; not under the lock. */
        void run(Runnable ending) {
            if (calls.isEmpty()) {
                return;
            }
            outer = here();
            try {
                ScopedValue.where(HERE, this).run(ending);
            } finally {
                batches.remove(this);
            }
        }

        private boolean has(Future<?> future) {
            return calls.stream().anyMatch(call -> call.promise() == future);
        }

        private Endings endings() {
            return Endings.this;
        }

        @Override
        public String toString() {
            return "Batch" + calls;
        }
    }

    @Override
    public String toString() {
        return "Endings" + batches;
    }
}
