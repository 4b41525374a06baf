package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is due later: a binary heap, by time, then by the order of registration. Confined to the holder of the baton.
 *
 * <p>Each timer knows its place, so a cancelled one leaves at once: most timers are time limits, and most of those are
 * cancelled long before they are due.
 */
final class Timers {

    private static final int SMALLEST = 16;

    private @Nullable TimerHandle[] heap = new TimerHandle[SMALLEST];
    private int size;

    int size() {
        return size;
    }

    /** Returns when the first timer is due, or {@link Long#MAX_VALUE} if there is none. */
    long due() {
        return size == 0 ? Long.MAX_VALUE : at(0).nanos();
    }

    void add(TimerHandle timer) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        up(size++, timer);
    }

    /** Removes the first timer; there must be one. */
    TimerHandle take() {
        TimerHandle first = at(0);
        remove(first);
        return first;
    }

    /** Removes a timer, if it is there. */
    void remove(TimerHandle timer) {
        int place = timer.place();
        if (place < 0) {
            return;
        }
        TimerHandle last = at(--size);
        heap[size] = null;
        timer.moveTo(-1);
        if (last != timer) {
            up(place, last);
            down(last.place(), last);
        }
    }

    void clear() {
        while (size > 0) {
            at(--size).moveTo(-1);
        }
        heap = new TimerHandle[SMALLEST];
    }

    private void up(int place, TimerHandle timer) {
        int free = place;
        while (free > 0) {
            int parent = (free - 1) >>> 1;
            if (!timer.isBefore(at(parent))) {
                break;
            }
            put(free, at(parent));
            free = parent;
        }
        put(free, timer);
    }

    private void down(int place, TimerHandle timer) {
        int free = place;
        while (true) {
            int child = 2 * free + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && at(child + 1).isBefore(at(child))) {
                child++;
            }
            if (!at(child).isBefore(timer)) {
                break;
            }
            put(free, at(child));
            free = child;
        }
        put(free, timer);
    }

    private TimerHandle at(int place) {
        return requireNonNull(heap[place]);
    }

    private void put(int place, TimerHandle timer) {
        heap[place] = timer;
        timer.moveTo(place);
    }
}
