package dev.trestle.processpool;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The calls that wait for a worker, first in, first out. Guarded by the dispatcher's lock.
 *
 * <p>The links are in the calls. So nothing here needs memory: a call that a dead worker gives back is queued also when
 * the heap is full. A call is in one queue at most, once.
 */
final class CallQueue extends AbstractCollection<PoolCall<?>> {

    /** The neighbours of a call in its queue; part of the call. */
    static final class Links {
        private @Nullable CallQueue queue;
        private @Nullable PoolCall<?> previous;
        private @Nullable PoolCall<?> next;
    }

    private @Nullable PoolCall<?> first;
    private @Nullable PoolCall<?> last;
    private int size;

    void addLast(PoolCall<?> call) {
        insert(call, last, null);
    }

    void addFirst(PoolCall<?> call) {
        insert(call, null, first);
    }

    private void insert(PoolCall<?> call, @Nullable PoolCall<?> before, @Nullable PoolCall<?> after) {
        Links links = call.queueLinks;
        if (links.queue != null) {
            throw new IllegalStateException(call + " is in a queue already");
        }
        links.queue = this;
        links.previous = before;
        links.next = after;
        if (before == null) {
            first = call;
        } else {
            before.queueLinks.next = call;
        }
        if (after == null) {
            last = call;
        } else {
            after.queueLinks.previous = call;
        }
        size++;
    }

    /** Removes a call; returns whether it was here. */
    boolean remove(PoolCall<?> call) {
        Links links = call.queueLinks;
        if (links.queue != this) {
            return false;
        }
        PoolCall<?> before = links.previous;
        PoolCall<?> after = links.next;
        if (before == null) {
            first = after;
        } else {
            before.queueLinks.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.queueLinks.previous = before;
        }
        links.queue = null;
        links.previous = null;
        links.next = null;
        size--;
        return true;
    }

    PoolCall<?> getFirst() {
        PoolCall<?> call = first;
        if (call == null) {
            throw new NoSuchElementException("No call waits");
        }
        return call;
    }

    PoolCall<?> removeFirst() {
        PoolCall<?> call = getFirst();
        var _ = remove(call);
        return call;
    }

    @Override
    public void clear() {
        while (first != null) {
            var _ = remove(first);
        }
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public boolean isEmpty() {
        return first == null;
    }

    /** Returns an iterator that only reads. */
    @Override
    public Iterator<PoolCall<?>> iterator() {
        return new Iterator<>() {
            private @Nullable PoolCall<?> next = first;

            @Override
            public boolean hasNext() {
                return next != null;
            }

            @Override
            public PoolCall<?> next() {
                PoolCall<?> call = next;
                if (call == null) {
                    throw new NoSuchElementException("No further call waits");
                }
                next = call.queueLinks.next;
                return call;
            }
        };
    }
}
