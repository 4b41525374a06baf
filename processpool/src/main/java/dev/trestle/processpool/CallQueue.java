package dev.trestle.processpool;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The calls that wait for a worker: those of a higher priority first, first in, first out within one priority. Guarded
 * by the dispatcher's lock.
 *
 * <p>The links are in the calls. So nothing here needs memory: a call that a dead worker gives back is queued also when
 * the heap is full. A call is in one queue at most, once.
 */
final class CallQueue extends AbstractCollection<PoolCall<?>> {

    /*
     * The calls without a priority are a linked list, and most queues have no others. The calls with a priority are a
     * second list, in the order in which they came, and a tree, in the order in which they are to go.
     *
     * No call starves: the queue counts how often its oldest call, which is the head of one of the lists, is overtaken
     * by a younger call. When that has happened as often as is allowed, the oldest call is the next one. So a call with
     * m older ones before it waits for (m + 1) * (MOST_OVERTAKINGS + 1) others at most, and calls of high priority lose
     * to the others one turn of so many. Only the oldest call is counted for, or ten thousand that have grown old
     * together would bar the way of an urgent one. See docs/adr/0420.
     */

    /** The largest number of younger calls that overtake the oldest one. */
    static final int MOST_OVERTAKINGS = 1_000;

    /** The neighbours of a call in its queue; part of the call. */
    static class Links {
        private @Nullable CallQueue queue;
        private @Nullable PoolCall<?> previous;
        private @Nullable PoolCall<?> next;

        private Links() {}

        int priority() {
            return 0;
        }

        PriorityTree.@Nullable Node node() {
            return null;
        }

        /** Returns the key of the call in the key table; null if it has none, is not accepted yet, or has ended. */
        @Nullable
        CallKey key() {
            return null;
        }

        /** Returns the key that the program has given the call; null if there is none, or if the call has ended. */
        @Nullable
        Object wantedKey() {
            return null;
        }

        void setKey(CallKey found) {
            throw new IllegalStateException("A call without a key gets none: " + found);
        }

        void dropKey() {}

        /**
         * Returns the links of a call; no larger than they must be for a call without a priority and without a key.
         */
        static Links of(PoolCall<?> call, CallOptions options) {
            return options.priority() == 0 && options.key().isEmpty() ? new Links() : new ChosenLinks(call, options);
        }
    }

    /** The links of a call that has a priority or a key. */
    private static final class ChosenLinks extends Links {
        /** Null for the priority 0. */
        private final PriorityTree.@Nullable Node node;

        private @Nullable Object wantedKey;
        private @Nullable CallKey key;

        ChosenLinks(PoolCall<?> call, CallOptions options) {
            int priority = options.priority();
            this.node = priority == 0 ? null : new PriorityTree.Node(call, priority, call.id());
            this.wantedKey = options.key().orElse(null);
        }

        @Override
        int priority() {
            return node == null ? 0 : node.priority();
        }

        @Override
        PriorityTree.@Nullable Node node() {
            return node;
        }

        @Override
        @Nullable
        CallKey key() {
            return key;
        }

        @Override
        @Nullable
        Object wantedKey() {
            return wantedKey;
        }

        @Override
        void setKey(CallKey found) {
            key = found;
        }

        @Override
        void dropKey() {
            wantedKey = null;
            key = null;
        }
    }

    /** Calls in the order in which they came. */
    private static final class Arrivals {
        private @Nullable PoolCall<?> first;
        private @Nullable PoolCall<?> last;

        void insert(PoolCall<?> call, @Nullable PoolCall<?> before, @Nullable PoolCall<?> after) {
            call.queueLinks.previous = before;
            call.queueLinks.next = after;
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
        }

        void remove(PoolCall<?> call) {
            Links links = call.queueLinks;
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
            links.previous = null;
            links.next = null;
        }
    }

    /** The calls without a priority. */
    private final Arrivals plain = new Arrivals();

    /** The calls that have a priority, which are in {@link #byPriority} too. */
    private final Arrivals ranked = new Arrivals();

    private final PriorityTree byPriority = new PriorityTree();

    private int size;

    /** The call that was the oldest when a call was last given; null if it has gone. */
    private @Nullable PoolCall<?> overtaken;

    /** The number of younger calls that were given while {@link #overtaken} was the oldest. */
    private int overtakings;

    /** Adds a call behind all others of its priority. */
    void addLast(PoolCall<?> call) {
        join(call);
        Arrivals arrivals = arrivals(call);
        arrivals.insert(call, arrivals.last, null);
    }

    /** Adds a call that was in a queue before, in front of all others of its priority that came after it. */
    void addFirst(PoolCall<?> call) {
        join(call);
        Arrivals arrivals = arrivals(call);
        arrivals.insert(call, null, arrivals.first);
    }

    /**
     * Adds a call that its worker gives back: in front of the calls that came after it, and behind older ones that the
     * worker has given back before it.
     */
    void giveBack(PoolCall<?> call) {
        join(call);
        Arrivals arrivals = arrivals(call);
        PoolCall<?> after = arrivals.first;
        while (arrivals == plain && after != null && after.id() < call.id()) { // the tree has those with a priority
            after = after.queueLinks.next;
        }
        arrivals.insert(call, after == null ? arrivals.last : after.queueLinks.previous, after);
    }

    private void join(PoolCall<?> call) {
        Links links = call.queueLinks;
        if (links.queue != null) {
            throw new IllegalStateException(call + " is in a queue already");
        }
        links.queue = this;
        PriorityTree.Node node = links.node();
        if (node != null) {
            byPriority.add(node);
        }
        size++;
    }

    private Arrivals arrivals(PoolCall<?> call) {
        return call.queueLinks.node() == null ? plain : ranked;
    }

    /** Removes a call from the queue in which it waits, if it does. */
    static void leave(PoolCall<?> call) {
        CallQueue queue = call.queueLinks.queue;
        if (queue != null) {
            var _ = queue.remove(call);
        }
    }

    /** Removes a call; returns whether it was here. */
    boolean remove(PoolCall<?> call) {
        Links links = call.queueLinks;
        if (links.queue != this) {
            return false;
        }
        arrivals(call).remove(call);
        PriorityTree.Node node = links.node();
        if (node != null) {
            byPriority.remove(node);
        }
        links.queue = null;
        size--;
        if (call == overtaken) {
            overtaken = null;
            overtakings = 0;
        }
        return true;
    }

    /** Returns the call that is to be given to a worker next. */
    PoolCall<?> getFirst() {
        PoolCall<?> call = first();
        if (call == null) {
            throw new NoSuchElementException("No call waits");
        }
        return call;
    }

    private @Nullable PoolCall<?> first() {
        if (ranked.first == null) {
            return plain.first;
        }
        if (isOverdue()) {
            return oldest();
        }
        PoolCall<?> highest = byPriority.first();
        return plain.first != null && highest != null && highest.queueLinks.priority() < 0 ? plain.first : highest;
    }

    /**
     * Returns the one of two queues from which a worker that serves both takes its next call; null if both are
     * empty.
     */
    static @Nullable CallQueue ofNext(CallQueue one, CallQueue other) {
        PoolCall<?> first = one.first();
        PoolCall<?> second = other.first();
        if (first == null || second == null) {
            return first != null ? one : second != null ? other : null;
        }
        if (one.isOverdue() != other.isOverdue()) {
            return one.isOverdue() ? one : other;
        }
        int priority = first.queueLinks.priority();
        int otherPriority = second.queueLinks.priority();
        return priority > otherPriority || (priority == otherPriority && first.id() < second.id()) ? one : other;
    }

    /** Returns whether the oldest call has been overtaken so often that it is the next one. */
    private boolean isOverdue() {
        return overtakings >= MOST_OVERTAKINGS;
    }

    /** Returns the call that was submitted first of all. */
    private @Nullable PoolCall<?> oldest() {
        PoolCall<?> withoutPriority = plain.first;
        PoolCall<?> withPriority = ranked.first;
        if (withoutPriority == null || withPriority == null) {
            return withoutPriority == null ? withPriority : withoutPriority;
        }
        return withoutPriority.id() < withPriority.id() ? withoutPriority : withPriority;
    }

    /** Removes the call that is to be given to a worker next, and notes whether it has overtaken the oldest one. */
    PoolCall<?> removeFirst() {
        PoolCall<?> call = getFirst();
        boolean mayOvertake = ranked.first != null;
        var _ = remove(call);
        if (mayOvertake) {
            noteGiven(call);
        }
        return call;
    }

    /** Records that a call was given to a worker; from this queue, or from another that this worker serves too. */
    void noteGiven(PoolCall<?> call) {
        PoolCall<?> oldest = oldest();
        if (oldest != overtaken) {
            overtaken = oldest;
            overtakings = 0;
        }
        if (oldest != null && oldest.id() < call.id()) {
            overtakings++;
        }
    }

    /** Removes one of the calls that came last: of those with a priority, or else of the others; null if empty. */
    @Nullable
    PoolCall<?> pollLast() {
        PoolCall<?> call = ranked.last == null ? plain.last : ranked.last;
        if (call != null) {
            var _ = remove(call);
        }
        return call;
    }

    @Override
    public void clear() {
        for (PoolCall<?> call = first(); call != null; call = first()) {
            var _ = remove(call);
        }
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public boolean isEmpty() {
        return size == 0;
    }

    /** Returns an iterator that only reads: first the calls without a priority, then the others, by arrival. */
    @Override
    public Iterator<PoolCall<?>> iterator() {
        return new Iterator<>() {
            private boolean isInRanked = plain.first == null;
            private @Nullable PoolCall<?> next = isInRanked ? ranked.first : plain.first;

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
                if (next == null && !isInRanked) {
                    isInRanked = true;
                    next = ranked.first;
                }
                return call;
            }
        };
    }
}
