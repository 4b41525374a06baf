package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What is ready to run, first come, first served. Confined to the holder of the baton. */
final class ReadyQueue {

    private static final int SMALLEST = 64;

    /** A ring whose length is a power of two. */
    private @Nullable Ready[] items = new Ready[SMALLEST];

    private int head;
    private int size;

    int size() {
        return size;
    }

    void add(Ready item) {
        if (size == items.length) {
            resize(items.length * 2);
        }
        items[at(size)] = item;
        size++;
    }

    /** Removes the first item; there must be one. */
    Ready take() {
        Ready first = requireNonNull(items[head], "the ready queue is empty");
        items[head] = null;
        head = at(1);
        size--;
        return first;
    }

    /** Puts the items into an arbitrary order, the same one for the same generator. */
    void shuffle(RandomGenerator random) {
        for (int i = size - 1; i > 0; i--) {
            int one = at(i);
            int other = at(random.nextInt(i + 1));
            Ready item = items[one];
            items[one] = items[other];
            items[other] = item;
        }
    }

    private int at(int offset) {
        return (head + offset) & (items.length - 1);
    }

    private void resize(int length) {
        var larger = new @Nullable Ready[length];
        int upToEnd = Math.min(size, items.length - head);
        System.arraycopy(items, head, larger, 0, upToEnd);
        System.arraycopy(items, 0, larger, upToEnd, size - upToEnd);
        items = larger;
        head = 0;
    }
}
