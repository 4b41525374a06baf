package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

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

    /** Adds a list of items, whose last one links to the first. Calls nothing, so nothing can end it halfway. */
    void addRing(Ready lastOfRing) {
        Ready firstOfRing = lastOfRing.link;
        int count = 1;
        for (Ready item = firstOfRing; item != null && item != lastOfRing; item = item.link) {
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

    /**
     * Puts the items into an arbitrary order, the same one for the same generator. If this throws, it has changed
     * nothing.
     */
    void shuffle(RandomGenerator random) {
        var items = new Ready[size];
        int count = 0;
        for (Ready item = first; item != null; item = item.link) {
            items[count] = item;
            count++;
        }
        for (int i = count - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            Ready moved = items[i];
            items[i] = items[other];
            items[other] = moved;
        }
        Ready after = null;
        for (int i = count - 1; i >= 0; i--) { // calls nothing, so no item is lost
            items[i].link = after;
            if (after == null) {
                last = items[i];
            }
            after = items[i];
        }
        first = after;
    }
}
