package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What is ready to run, first come, first served. Confined to the holder of the baton. */
final class ReadyQueue {

    private static final int SMALLEST = 64;

    /** A ring whose length is a power of two. */
    private @Nullable Ready[] items = new Ready[SMALLEST];

    /** How many items were taken, ever: the first one's place, modulo the length. Others may read it, racily. */
    private int taken;

    private int size;

    int size() {
        return size;
    }

    int taken() {
        return taken;
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
        int head = at(0);
        Ready first = requireNonNull(items[head], "the ready queue is empty");
        items[head] = null;
        taken++;
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
        return (taken + offset) & (items.length - 1);
    }

    private void resize(int length) {
        var larger = new @Nullable Ready[length];
        for (int i = 0; i < size; i++) {
            larger[(taken + i) & (length - 1)] = items[at(i)];
        }
        items = larger;
    }
}
