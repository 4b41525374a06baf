package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The items of a queue, in the order in which they leave it. A change happens whole or not at all, also if memory is
 * exhausted or the user's comparator fails: it first allocates and compares, and then only writes.
 */
abstract sealed class QueueItems<T> {

    private int size;

    static <T> QueueItems<T> fifo() {
        return new Line<>(false);
    }

    static <T> QueueItems<T> lifo() {
        return new Line<>(true);
    }

    static <T> QueueItems<T> sorted(Comparator<? super T> order) {
        return new Heap<>(order);
    }

    abstract void add(T item);

    /** Removes the item that is next; null if there is none. */
    abstract @Nullable T poll();

    /** Returns the item that is next; null if there is none. */
    abstract @Nullable T peek();

    /** Returns the items in the order in which they would leave. */
    abstract List<T> inOrder();

    /** Removes all items; calls no code of the user's. */
    abstract void clear();

    final int size() {
        return size;
    }

    private static final class Entry<T> {
        private final T item;
        private final long number;
        private @Nullable Entry<T> next;

        Entry(T item, long number) {
            this.item = item;
            this.number = number;
        }
    }

    /** A linked list. */
    private static final class Line<T> extends QueueItems<T> {
        private final boolean newestFirst;
        private @Nullable Entry<T> first;
        private @Nullable Entry<T> last;

        Line(boolean newestFirst) {
            this.newestFirst = newestFirst;
        }

        @Override
        void add(T item) {
            var entry = new Entry<>(item, 0);
            if (first == null || last == null) {
                first = entry;
                last = entry;
            } else if (newestFirst) {
                entry.next = first;
                first = entry;
            } else {
                last.next = entry;
                last = entry;
            }
            super.size++;
        }

        @Override
        @Nullable
        T peek() {
            return first == null ? null : first.item;
        }

        @Override
        @Nullable
        T poll() {
            Entry<T> entry = first;
            if (entry == null) {
                return null;
            }
            first = entry.next;
            if (first == null) {
                last = null;
            }
            super.size--;
            return entry.item;
        }

        @Override
        List<T> inOrder() {
            var all = new ArrayList<T>(size());
            for (Entry<T> entry = first; entry != null; entry = entry.next) {
                all.add(entry.item);
            }
            return all;
        }

        @Override
        void clear() {
            first = null;
            last = null;
            super.size = 0;
        }
    }

    /** A binary heap; of equal items the oldest is first. */
    private static final class Heap<T> extends QueueItems<T> {
        private static final int SMALLEST = 16;

        private final Comparator<? super T> order;

        /** Places from `size` on are null, and are not read. */
        private @Nullable Entry<T>[] heap = newHeap(SMALLEST);

        private long adds;

        Heap(Comparator<? super T> order) {
            this.order = order;
        }

        @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
        private static <T> @Nullable Entry<T>[] newHeap(int length) {
            return new Entry[length];
        }

        @Override
        void add(T item) {
            int size = size();
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2);
            }
            var entry = new Entry<>(item, adds);
            int place = size;
            while (place > 0 && isBefore(entry, at((place - 1) >>> 1))) {
                place = (place - 1) >>> 1;
            }
            for (int free = size; free != place; free = (free - 1) >>> 1) {
                heap[free] = heap[(free - 1) >>> 1];
            }
            heap[place] = entry;
            adds++;
            super.size++;
        }

        @Override
        @Nullable
        T peek() {
            return size() == 0 ? null : at(0).item;
        }

        @Override
        @Nullable
        T poll() {
            int left = size() - 1;
            if (left < 0) {
                return null;
            }
            Entry<T> least = at(0);
            Entry<T> last = at(left);
            int depth = 0;
            long path = 0; // a bit for each level that is moved up: whether it is the right child
            int place = 0;
            while (2 * place + 1 < left) {
                int child = 2 * place + 1;
                boolean right = child + 1 < left && isBefore(at(child + 1), at(child));
                if (right) {
                    child++;
                }
                if (!isBefore(at(child), last)) {
                    break;
                }
                path |= right ? 1L << depth : 0;
                depth++;
                place = child;
            }
            place = 0;
            for (int level = 0; level < depth; level++) {
                int child = 2 * place + 1 + (int) ((path >>> level) & 1);
                heap[place] = heap[child];
                place = child;
            }
            heap[place] = last;
            heap[left] = null;
            super.size = left;
            return least.item;
        }

        @Override
        List<T> inOrder() {
            var copy = new Heap<T>(order);
            copy.heap = heap.clone();
            ((QueueItems<T>) copy).size = size();
            var all = new ArrayList<T>(size());
            for (@Nullable T item = copy.poll(); item != null; item = copy.poll()) {
                all.add(item);
            }
            return all;
        }

        @Override
        void clear() {
            for (int place = size() - 1; place >= 0; place--) {
                heap[place] = null;
            }
            super.size = 0;
        }

        private Entry<T> at(int place) {
            return requireNonNull(heap[place]);
        }

        private boolean isBefore(Entry<T> a, Entry<T> b) {
            int compared = order.compare(a.item, b.item);
            return compared < 0 || (compared == 0 && a.number < b.number);
        }
    }
}
