package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The inputs of one {@link MapSpliterator}, read from their iterator when the mapping asks for them. */
abstract sealed class MapInputs<A extends @Nullable Object> {

    final Iterator<A> iterator;

    private MapInputs(Iterator<A> iterator) {
        this.iterator = iterator;
    }

    /**
     * Returns the inputs of a collection, which are there, or those of another iterable, which may be slow or depend on
     * results that the consumer does not have yet.
     */
    static <A extends @Nullable Object> MapInputs<A> of(Iterable<A> inputs) {
        Iterator<A> iterator = requireNonNull(inputs.iterator(), "the iterator of the inputs");
        return inputs instanceof Collection ? new Present<>(iterator) : new Awaited<>(iterator);
    }

    /**
     * Returns the next inputs: fewer than asked for, or none, if the inputs are exhausted, if the iterator is slow
     * while a result is ready, or if the deadline has passed.
     *
     * @param count the number of inputs that are asked for
     * @param resultReady returns whether there is a result to hand out
     */
    abstract List<A> read(int count, BooleanSupplier resultReady, Deadline deadline) throws InterruptedException;

    /** Returns whether the last {@link #read} found the end of the inputs, if only for now, or a failure. */
    abstract boolean isExhausted();

    /** Returns the exception of the iterator; null if it has thrown none. */
    abstract @Nullable Throwable failure();

    /** Returns whether {@link #read} may wait; if so, the caller must report results by {@link #resultArrived}. */
    abstract boolean mayWait();

    /** Makes a thread that waits in {@link #read} look for a result; from any thread. */
    abstract void resultArrived();

    /** Stops reading, and interrupts a thread that waits in the iterator. */
    abstract void close();

    /** The inputs of a collection: read on the thread that asks. */
    private static final class Present<A extends @Nullable Object> extends MapInputs<A> {

        private boolean exhausted;
        private @Nullable Throwable failure;

        Present(Iterator<A> iterator) {
            super(iterator);
        }

        @Override
        List<A> read(int count, BooleanSupplier resultReady, Deadline deadline) {
            var inputs = new ArrayList<A>(Math.min(count, 1024));
            exhausted = false;
            try {
                while (inputs.size() < count && !isExhausted()) {
                    if (iterator.hasNext()) {
                        inputs.add(iterator.next());
                    } else {
                        exhausted = true;
                    }
                }
            } catch (Throwable e) { // for the consumer, after the results of the inputs before it
                failure = e;
            }
            return inputs;
        }

        @Override
        boolean isExhausted() {
            return exhausted || failure != null;
        }

        @Override
        @Nullable
        Throwable failure() {
            return failure;
        }

        @Override
        boolean mayWait() {
            return false;
        }

        @Override
        void resultArrived() {}

        @Override
        void close() {}
    }

    /** The inputs of another iterable: read on a daemon thread, so that a result need not wait for the next input. */
    private static final class Awaited<A extends @Nullable Object> extends MapInputs<A> {

        /*
         * The reading thread calls the iterator only while the mapping waits in `read`, unless one call of the iterator
         * takes longer than PATIENCE: then `read` may return while it runs, and the input, when it comes, waits in the
         * buffer. So an iterator that does not block is never called at the same time as the code that consumes the
         * results, and an iterator that reads what that code has written needs no lock.
         */

        /** A call of the iterator that takes longer than this is slow: results are handed out while it runs. */
        private static final long PATIENCE_NANOS = 5_000_000;

        /** The time without a request after which the reading thread ends. The next request starts another. */
        private static final long IDLE_NANOS = 1_000_000_000;

        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();

        @GuardedBy("lock")
        private final ArrayList<A> buffer = new ArrayList<>();

        /** The number of inputs in the buffer at which the reading thread stops. */
        @GuardedBy("lock")
        private int wanted;

        @GuardedBy("lock")
        private @Nullable Thread reader;

        /** The time at which the reading thread last called the iterator; meaningless while the thread is idle. */
        @GuardedBy("lock")
        private long calledAt;

        /** True until the reading thread has taken up the last request. */
        @GuardedBy("lock")
        private boolean idle = true;

        /** True if the iterator had no more inputs when it was last asked. */
        @GuardedBy("lock")
        private boolean exhausted;

        @GuardedBy("lock")
        private @Nullable Throwable failure;

        @GuardedBy("lock")
        private boolean closed;

        Awaited(Iterator<A> iterator) {
            super(iterator);
        }

        @Override
        List<A> read(int count, BooleanSupplier resultReady, Deadline deadline) throws InterruptedException {
            lock.lock();
            try {
                if (buffer.size() < count) {
                    wanted = count;
                    exhausted = false;
                    wakeReader();
                    await(resultReady, deadline);
                    wanted = 0;
                }
                List<A> head = buffer.subList(0, Math.min(count, buffer.size()));
                var inputs = new ArrayList<>(head);
                head.clear();
                return inputs;
            } finally {
                lock.unlock();
            }
        }

        @GuardedBy("lock")
        private void await(BooleanSupplier resultReady, Deadline deadline) throws InterruptedException {
            for (long left = deadline.left(); !isSatisfied() && left > 0; left = deadline.left()) {
                long patience = left;
                if (!idle && (!buffer.isEmpty() || resultReady.getAsBoolean())) {
                    patience = calledAt + PATIENCE_NANOS - System.nanoTime();
                    if (patience <= 0) {
                        return;
                    }
                }
                var _ = changed.awaitNanos(Math.min(patience, left));
            }
        }

        @GuardedBy("lock")
        private boolean isSatisfied() {
            return buffer.size() >= wanted || exhausted || failure != null || closed;
        }

        // The reading thread

        @GuardedBy("lock")
        private void wakeReader() {
            if (reader == null) {
                reader = Thread.ofPlatform().name("trestle-map-inputs").daemon().start(this::readWhileAsked);
            } else {
                changed.signalAll();
            }
        }

        private void readWhileAsked() {
            try {
                while (isAsked()) {
                    var next = new ArrayList<A>(1);
                    if (iterator.hasNext()) {
                        next.add(iterator.next());
                    }
                    add(next);
                }
            } catch (Throwable e) { // for the consumer, after the results of the inputs before it
                fail(e);
            }
        }

        /** Waits until an input is wanted; returns false when the thread is to end. */
        private boolean isAsked() {
            lock.lock();
            try {
                long left = IDLE_NANOS;
                while (isSatisfied() && !closed && left > 0) {
                    idle = true;
                    try {
                        left = changed.awaitNanos(left);
                    } catch (InterruptedException e) {
                        // By the iterator's own code, or by `close`, which is seen by `closed`.
                    }
                }
                if (isSatisfied()) {
                    reader = null;
                    return false;
                }
                calledAt = System.nanoTime();
                if (idle) {
                    idle = false;
                    changed.signalAll(); // from now on the patience of `await` counts
                }
                return true;
            } finally {
                lock.unlock();
            }
        }

        /** Adds the input that the iterator returned, if any. */
        private void add(List<A> next) {
            lock.lock();
            try {
                exhausted = next.isEmpty();
                if (!closed) {
                    buffer.addAll(next);
                }
                if (isSatisfied() || buffer.size() == 1) {
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        private void fail(Throwable thrown) {
            lock.lock();
            try {
                failure = thrown;
                reader = null;
                idle = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        // From any thread

        @Override
        boolean isExhausted() {
            lock.lock();
            try {
                return buffer.isEmpty() && (exhausted || failure != null);
            } finally {
                lock.unlock();
            }
        }

        @Override
        @Nullable
        Throwable failure() {
            lock.lock();
            try {
                return failure;
            } finally {
                lock.unlock();
            }
        }

        @Override
        boolean mayWait() {
            return true;
        }

        @Override
        void resultArrived() {
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        void close() {
            lock.lock();
            try {
                closed = true;
                buffer.clear();
                changed.signalAll();
                if (reader != null) {
                    reader.interrupt();
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
