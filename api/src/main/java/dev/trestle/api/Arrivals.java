package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.lang.ref.WeakReference;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A queue of elements, one for each future, in the order in which the futures are done. Any thread completes futures;
 * one thread takes elements.
 *
 * <p>The end of a future allocates nothing, so no arrival is lost when memory is exhausted.
 *
 * @param <E> the type of the elements
 */
final class Arrivals<E> {

    /** The elements that have arrived, the latest first: a Treiber stack. */
    private final AtomicReference<@Nullable Arrival<E>> latest = new AtomicReference<>();

    private final Semaphore arrived = new Semaphore(0);

    /**
     * The reference to this queue that futures hold, weak because the taking thread may drop the queue at any time, and
     * a future may never end.
     */
    private final WeakReference<Arrivals<E>> self = new WeakReference<>(this);

    /** The elements that were taken off the stack, the earliest first; confined to the taking thread. */
    private @Nullable Arrival<E> next;

    /** Lets an element arrive when a future is done: now, if it is done. Returns the handle for {@link #forget}. */
    Arrival<E> expect(ConcurrentFuture<?> future, E element) {
        var arrival = new Arrival<>(this, element);
        if (future.isDone()) {
            add(arrival); // now: the thread that notifies the listeners may be slow, or busy with callbacks
        } else if (future instanceof Promise<?> promise) {
            promise.addWait(arrival);
        } else {
            future.addDoneCallback(arrival::onDone);
        }
        return arrival;
    }

    /** Takes an element out of the listeners of its future, if it has not arrived. */
    static void forget(ConcurrentFuture<?> future, Arrival<?> arrival) {
        if (future instanceof Promise<?> promise && !promise.isDone()) {
            promise.removeWait(arrival);
        }
    }

    private void add(Arrival<E> arrival) {
        Arrival<E> top;
        do {
            top = latest.get();
            arrival.next = top;
        } while (!latest.compareAndSet(top, arrival));
        arrived.release();
    }

    boolean isEmpty() {
        return arrived.availablePermits() == 0;
    }

    /** Takes the next element, or returns {@code null} if none has arrived. */
    @Nullable
    E poll() {
        return arrived.tryAcquire() ? take() : null;
    }

    /** Takes the next element, waiting until the deadline; returns {@code null} when the time is over. */
    @Nullable
    E poll(Deadline deadline) throws InterruptedException {
        if (deadline.timeout() == null) {
            arrived.acquire();
        } else if (!arrived.tryAcquire(deadline.left(), TimeUnit.NANOSECONDS)) {
            return null;
        }
        return take();
    }

    private E take() {
        if (next == null) {
            takeArrived();
        }
        Arrival<E> taken = requireNonNull(next);
        next = taken.next;
        return taken.element;
    }

    private void takeArrived() {
        Arrival<E> each = latest.getAndSet(null);
        while (each != null) {
            Arrival<E> earlier = each.next;
            each.next = next;
            next = each;
            each = earlier;
        }
    }

    /** An element that has arrived, or will arrive. */
    static final class Arrival<E> implements Promise.Wait {
        private final WeakReference<Arrivals<E>> queue;
        private final E element;
        private @Nullable Arrival<E> next;

        private Arrival(Arrivals<E> queue, E element) {
            this.queue = queue.self;
            this.element = element;
        }

        @Override
        public void onDone(ConcurrentFuture<?> future) {
            Arrivals<E> to = queue.get();
            if (to != null) {
                to.add(this);
            }
        }

        @Override
        public boolean isAwaited() {
            return !queue.refersTo(null);
        }
    }
}
