package dev.trestle.loop;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A binary heap of timers, by time, then by the order of registration. Confined to the holder of the baton.
 *
 * <p>Each timer knows its index, so a cancelled one is removed at once: most timers are time limits, and most time
 * limits are cancelled long before they are due. A change calls nothing once it has begun, so nothing can leave it
 * halfway.
 */
final class Timers {

    private static final int SMALLEST = 16;

    /** Places from `size` on are null, and are not read. */
    private TimerHandle[] heap = new TimerHandle[SMALLEST];

    private int size;

    /** The timer that is on its way to the ready queue. */
    private @Nullable TimerHandle taken;

    int size() {
        return size;
    }

    /** Returns when the first timer is due, or {@link Long#MAX_VALUE} if there is none. */
    long due() {
        if (taken != null) {
            return Long.MIN_VALUE;
        }
        return size == 0 ? Long.MAX_VALUE : heap[0].when;
    }

    void add(TimerHandle timer) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        settle(size, timer);
        size++;
    }

    /** Removes the first timer, and makes it ready; there must be one. If this fails, it is to be called again. */
    void takeInto(ReadyQueue queue) {
        if (taken == null) {
            taken = heap[0];
        }
        remove(taken);
        queue.add(taken);
        taken = null;
    }

    /** Removes a timer, if it is there. */
    void remove(TimerHandle timer) {
        int place = timer.place;
        if (place >= 0) {
            TimerHandle last = heap[size - 1];
            settle(last == timer ? -1 : place, last);
            timer.place = -1;
            size--;
            clear(size);
        }
    }

    void clear() {
        while (size > 0) {
            size--;
            heap[size].place = -1;
            clear(size);
        }
    }

    @SuppressWarnings("NullAway") // beyond `size`
    private void clear(int place) {
        heap[place] = null;
    }

    /** Puts a timer where it belongs, up or down from a free place; with a negative one does nothing. */
    private void settle(int place, TimerHandle timer) {
        if (place < 0) {
            return;
        }
        TimerHandle[] timers = heap;
        long when = timer.when;
        long sequence = timer.sequence;
        int free = place;
        while (free > 0) {
            int parentPlace = (free - 1) >>> 1;
            TimerHandle parent = timers[parentPlace];
            if (when > parent.when || (when == parent.when && sequence > parent.sequence)) {
                break;
            }
            timers[free] = parent;
            parent.place = free;
            free = parentPlace;
        }
        int last = size - 1; // its timer is the one that is put, or is not below the free place
        while (true) {
            int childPlace = 2 * free + 1;
            if (childPlace >= last) {
                break;
            }
            TimerHandle child = timers[childPlace];
            if (childPlace + 1 < last) {
                TimerHandle other = timers[childPlace + 1];
                if (other.when < child.when || (other.when == child.when && other.sequence < child.sequence)) {
                    child = other;
                    childPlace++;
                }
            }
            if (when < child.when || (when == child.when && sequence < child.sequence)) {
                break;
            }
            timers[free] = child;
            child.place = free;
            free = childPlace;
        }
        timers[free] = timer;
        timer.place = free;
    }
}
