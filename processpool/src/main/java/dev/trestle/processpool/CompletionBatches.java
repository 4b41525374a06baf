package dev.trestle.processpool;

import dev.trestle.processpool.jvm.Retry;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The calls of a pool that a thread is ending one after the other: calls that were lost, or that were cancelled or are
 * late. Thread-safe.
 */
final class CompletionBatches {

    /*
     * To end a call is to run its callbacks, which are the user's code and may wait for another call of the same batch,
     * which the same thread would end next. So each thread knows what it is ending; see `PoolWaitGuard`.
     *
     * Threads that read answers also must not wait for what other threads are ending, since these may wait for them in
     * turn. For that, a call which has not ended is always found somewhere: in the queue, with a worker, or in a batch.
     * Hence batches are made under the dispatcher's lock, where calls leave the other two.
     */

    private static final ScopedValue<Batch> HERE = ScopedValue.newInstance();

    /** The time for which the end of a call is tried again in full, if there is no memory for it. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final AcceptedCalls acceptedCalls;
    private final Batch nothing = new Batch(List.of(), _ -> {});
    private final Queue<Batch> batches = new ConcurrentLinkedQueue<>();

    /**
     * @param acceptedCalls counts a batch of calls, so that the program does not end while a thread runs their
     *     callbacks
     */
    CompletionBatches(AcceptedCalls acceptedCalls) {
        this.acceptedCalls = acceptedCalls;
    }

    /**
     * Takes calls that the calling thread is going to end; called under the dispatcher's lock.
     *
     * @param how ends a call; called again for a call that has not ended if it throws
     */
    Batch of(List<PoolCall<?>> calls, Consumer<PoolCall<?>> how) {
        if (calls.isEmpty()) {
            return nothing;
        }
        var batch = new Batch(List.copyOf(calls), how);
        batches.add(batch);
        return batch;
    }

    /** Ends a call with what has kept it from ending as it should, and tries until it has ended. Does not throw. */
    static void endWith(PoolCall<?> call, Throwable why) {
        long pause = 0;
        while (!call.promise().isDone()) {
            try {
                call.fail(why);
            } catch (Throwable e) {
                pause = Retry.pauseAndDouble(pause);
            }
        }
    }

    /** Returns whether a future is that of a call which some thread is ending, or will next. */
    boolean has(Future<?> future) {
        return batches.stream().anyMatch(batch -> batch.has(future));
    }

    /** Returns whether this very thread is ending calls of this pool. */
    boolean areHere() {
        for (Batch batch = here(); batch != null; batch = batch.outer) {
            if (batch.completions() == this) {
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
    final class Batch implements Runnable {

        private final List<PoolCall<?>> calls;
        private final Consumer<PoolCall<?>> how;

        /**
         * The batch that this thread was ending when one of its callbacks made it end this batch; null if there is
         * none.
         */
        private @Nullable Batch outer;

        /** The first step of the calling thread, before it ends calls. */
        private @Nullable BooleanSupplier before;

        private Batch(List<PoolCall<?>> calls, Consumer<PoolCall<?>> how) {
            this.calls = calls;
            this.how = how;
        }

        /** Ends the calls, if there are any; not under the lock. Does not throw. */
        void end() {
            if (calls.isEmpty()) {
                return;
            }
            Retry.untilDone(this);
        }

        /**
         * As {@link #end}, but does something else first, which may end calls as well. If that returns false, ends
         * nothing: another thread has taken over, and calls this again. Needs no memory.
         */
        void endAfter(BooleanSupplier step) {
            if (calls.isEmpty()) {
                var _ = step.getAsBoolean();
            } else {
                before = step;
                end();
            }
        }

        /** Takes the calls out of the books again: they have ended, or are elsewhere. */
        void drop() {
            batches.remove(this);
        }

        /** A step of {@link #end}. */
        @Override
        public void run() {
            outer = here(); // which may need memory
            ScopedValue.where(HERE, this).run(this::endAll);
        }

        private void endAll() {
            if (before != null && !before.getAsBoolean()) {
                return;
            }
            acceptedCalls.enterAgain();
            try {
                for (int i = 0; i < calls.size(); i++) {
                    endSurely(calls.get(i));
                }
                drop();
            } finally {
                acceptedCalls.leave();
            }
        }

        private void endSurely(PoolCall<?> call) {
            long began = System.nanoTime();
            long pause = 0;
            while (true) {
                try {
                    how.accept(call);
                    return;
                } catch (Throwable e) {
                    if (System.nanoTime() - began >= PATIENCE.toNanos()) {
                        endWith(call, e);
                    }
                    if (call.promise().isDone()) {
                        return;
                    }
                }
                pause = Retry.pauseAndDouble(pause);
            }
        }

        private boolean has(Future<?> future) {
            return calls.stream().anyMatch(call -> call.promise() == future);
        }

        private CompletionBatches completions() {
            return CompletionBatches.this;
        }

        @Override
        public String toString() {
            return "Batch" + calls;
        }
    }

    @Override
    public String toString() {
        return "CompletionBatches" + batches;
    }
}
