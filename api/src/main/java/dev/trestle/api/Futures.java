package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Waits for several futures at once: Python's {@code concurrent.futures.wait} and {@code as_completed}.
 *
 * <p>The methods may be called from any thread but an event loop's, and park that thread. A future that occurs several
 * times in the input counts once. No method cancels a future.
 *
 * {@snippet class="dev.trestle.api.JavadocExamplesTest" region="wait"}
 */
public final class Futures {

    private Futures() {}

    /**
     * Waits without a time limit; see {@link #waitUntil(ReturnWhen, Collection, Duration)}.
     *
     * @param when the condition to wait for
     * @param futures the futures
     * @param <F> the type of the futures
     * @return the futures that are done, and the others
     * @throws CompletionException if the waiting thread was interrupted
     */
    public static <F extends ConcurrentFuture<?>> DoneAndPending<F> waitUntil(
            ReturnWhen when, Collection<? extends F> futures) {
        return waitUntil(when, futures, null);
    }

    /**
     * Waits until a condition holds or the time is over. A timeout is not an error: the result then has pending
     * futures.
     *
     * <p>A future counts as done when it has a result, an exception, or was cancelled. The sets have the state at the
     * return, so more futures may be done than the condition requires.
     *
     * @param when the condition to wait for
     * @param futures the futures; if there are none, the method returns at once
     * @param timeout the longest time to wait, zero to return at once; {@code null} for no limit
     * @param <F> the type of the futures
     * @return the futures that are done, and the others
     * @throws CompletionException if the waiting thread was interrupted
     */
    public static <F extends ConcurrentFuture<?>> DoneAndPending<F> waitUntil(
            ReturnWhen when, Collection<? extends F> futures, @Nullable Duration timeout) {
        StackRoom.requireForLinkage();
        requireNonNull(when, "when");
        Set<F> distinct = distinct(futures);
        if (!Condition.holds(when, distinct)) {
            var condition = new Condition(when, distinct.size());
            distinct.forEach(condition::watch);
            try {
                condition.await(distinct, timeout);
            } catch (InterruptedException e) {
                throw Interruption.during("waiting for " + distinct.size() + " futures", e);
            } finally {
                distinct.forEach(condition::unwatch);
            }
        }
        Set<F> done = new LinkedHashSet<>();
        Set<F> pending = new LinkedHashSet<>();
        distinct.forEach(future -> (future.isDone() ? done : pending).add(future));
        return new DoneAndPending<>(done, pending);
    }

    /**
     * Returns the futures as they complete, without a time limit; see {@link #asCompleted(Collection, Duration)}.
     *
     * @param futures the futures
     * @param <F> the type of the futures
     * @return the futures, in the order of their completion
     */
    public static <F extends ConcurrentFuture<?>> Iterable<F> asCompleted(Collection<? extends F> futures) {
        return asCompleted(futures, null);
    }

    /**
     * Returns the futures as they complete: those that are done already in the order of the input, then each one when
     * it is done. {@link Iterator#next()} waits for it; every {@code iterator()} starts afresh, time limit included.
     *
     * <p>When the time is over and futures are missing, {@code next()} throws a {@link CompletionException} whose cause
     * is a {@link TimeoutException} that counts them. Iteration may be abandoned at any time.
     *
     * @param futures the futures
     * @param timeout the time for all of them, counted from the call of {@code iterator()}; {@code null} for no limit
     * @param <F> the type of the futures
     * @return the futures, in the order of their completion
     */
    public static <F extends ConcurrentFuture<?>> Iterable<F> asCompleted(
            Collection<? extends F> futures, @Nullable Duration timeout) {
        StackRoom.requireForLinkage();
        Set<F> distinct = distinct(futures);
        return () -> new Completions<>(distinct, Deadline.in(timeout));
    }

    private static <F> Set<F> distinct(Collection<? extends F> futures) {
        var distinct = new LinkedHashSet<F>();
        futures.forEach(future -> distinct.add(requireNonNull(future, "futures contains null")));
        return distinct;
    }

    /** A wait for one condition over many futures. */
    private static final class Condition implements Promise.Wait {
        private final ReturnWhen when;
        private final AtomicInteger pending;
        private final CountDownLatch holds = new CountDownLatch(1);

        Condition(ReturnWhen when, int pending) {
            this.when = when;
            this.pending = new AtomicInteger(pending);
        }

        static boolean holds(ReturnWhen when, Set<? extends ConcurrentFuture<?>> futures) {
            boolean all = true;
            boolean enough = false;
            for (ConcurrentFuture<?> future : futures) {
                boolean done = future.isDone();
                all &= done;
                enough |= done && suffices(when, future);
            }
            return all || enough;
        }

        /** Returns whether one future that is done ends the wait for all. */
        private static boolean suffices(ReturnWhen when, ConcurrentFuture<?> done) {
            return when == ReturnWhen.FIRST_COMPLETED || (when == ReturnWhen.FIRST_EXCEPTION && failed(done));
        }

        void watch(ConcurrentFuture<?> future) {
            if (future.isDone()) {
                onDone(future); // now: the thread that notifies the listeners may be slow, or busy with callbacks
            } else if (future instanceof Promise<?> promise) {
                promise.addWait(this);
            } else {
                future.addDoneCallback(this::onDone);
            }
        }

        void unwatch(ConcurrentFuture<?> future) {
            if (future instanceof Promise<?> promise && !promise.isDone()) {
                promise.removeWait(this);
            }
        }

        void await(Set<? extends ConcurrentFuture<?>> futures, @Nullable Duration timeout) throws InterruptedException {
            if (timeout != null && (timeout.isNegative() || timeout.isZero())) {
                return;
            }
            if (holds.getCount() > 0) {
                WaitGuards.beforeWait(futures);
            }
            if (timeout == null) {
                holds.await();
            } else {
                var _ = holds.await(TimeLimit.nanos(timeout), TimeUnit.NANOSECONDS);
            }
        }

        @Override
        public void onDone(ConcurrentFuture<?> future) {
            boolean last = pending.decrementAndGet() == 0;
            if (last || suffices(when, future)) {
                holds.countDown();
            }
        }

        private static boolean failed(Future<?> future) {
            return future.state() == Future.State.FAILED;
        }
    }

    private static final class Completions<F extends ConcurrentFuture<?>> implements Iterator<F> {
        private final int total;
        private final Deadline deadline;

        /** The futures that were not returned, each with its arrival. */
        private final Map<F, Arrivals.Arrival<F>> pending = new LinkedHashMap<>();

        private final Arrivals<F> arrivals = new Arrivals<>();
        private int left;

        Completions(Set<F> futures, Deadline deadline) {
            StackRoom.requireForLinkage();
            this.total = futures.size();
            this.left = total;
            this.deadline = deadline;
            var later = new ArrayList<F>();
            for (F future : futures) {
                if (future.isDone()) {
                    expect(future);
                } else {
                    later.add(future);
                }
            }
            later.forEach(this::expect);
        }

        private void expect(F future) {
            pending.put(future, arrivals.expect(future, future));
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
            F future = arrivals.poll();
            if (future == null) {
                future = await();
            }
            left--;
            pending.remove(future);
            return future;
        }

        private F await() {
            WaitGuards.beforeWait(pending.keySet());
            try {
                F future = arrivals.poll(deadline);
                if (future != null) {
                    return future;
                }
            } catch (InterruptedException e) {
                throw Interruption.during("waiting for the next of " + total + " futures", e);
            }
            pending.forEach(Arrivals::forget); // the futures may live long, and be waited for again and again
            throw new CompletionException(
                    new TimeoutException(left + " (of " + total + ") futures unfinished after " + deadline));
        }
    }
}
