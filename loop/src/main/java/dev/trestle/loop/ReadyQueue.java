package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** A FIFO queue of what is ready to run: a list linked through its items. Confined to the holder of the baton. */
final class ReadyQueue {

    private @Nullable Ready first;
    private @Nullable Ready last;

    /** The number of items that were taken, ever. Other threads may read an earlier number. */
    private long taken;

    private int size;

    int size() {
        return size;
    }

    long taken() {
        return taken;
    }

    void add(Ready item) {
        if (last == null) {
            first = item;
        } else {
            last.link = item;
        }
        last = item;
        size++;
    }

    /** Adds a list of items, whose last one links to the first. */
    void addRing(Ready lastOfRing) {
        Ready firstOfRing = requireNonNull(lastOfRing.link);
        int count = 1;
        for (Ready item = firstOfRing; item != lastOfRing; item = requireNonNull(item.link)) {
            item.back = null;
            count++;
        }
        lastOfRing.back = null;
        lastOfRing.link = null;
        if (last == null) {
            first = firstOfRing;
        } else {
            last.link = firstOfRing;
        }
        last = lastOfRing;
        size += count;
    }

    /** Removes the first item; there must be one. */
    Ready take() {
        Ready item = requireNonNull(first, "the ready queue is empty");
        Ready rest = item.link;
        item.link = null;
        first = rest;
        if (rest == null) {
            last = null;
        }
        taken++;
        size--;
        return item;
    }

    /** Puts the items into an arbitrary order, the same one for the same generator. */
    void shuffle(RandomGenerator random) {
        var items = new ArrayList<Ready>(size);
        for (Ready item = first; item != null; item = item.link) {
            items.add(item);
        }
        for (int i = items.size() - 1; i > 0; i--) {
            Collections.swap(items, i, random.nextInt(i + 1));
        }
        long before = taken;
        while (size > 0) {
            var _ = take();
        }
        taken = before;
        items.forEach(this::add);
    }
}
