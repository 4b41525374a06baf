package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What other threads want to run in the loop, in the order of arrival. Any thread adds, the holder of the baton empties
 * it.
 *
 * <p>A Treiber stack, turned over when it is emptied. Closing is one of its states, so an item is either refused or found
 * by {@link #close}: none is lost in between.
 */
final class Inbox {

    private record Node(Ready item, @Nullable Node below) {}

    private static final Node CLOSED = new Node(new Handle(() -> {}, true), null);

    private final AtomicReference<@Nullable Node> top = new AtomicReference<>();

    /** Returns whether there is nothing to take; there never is in a closed one. */
    boolean isEmpty() {
        Node node = top.get();
        return node == null || node == CLOSED;
    }

    /** Adds an item, unless the inbox is closed; returns whether it did. */
    boolean add(Ready item) {
        while (true) {
            Node below = top.get();
            if (below == CLOSED) {
                return false;
            }
            if (top.compareAndSet(below, new Node(item, below))) {
                return true;
            }
        }
    }

    /** Moves everything to the end of a queue. */
    void moveTo(ReadyQueue queue) {
        if (!isEmpty()) { // only the holder closes it, and calls this
            turnOver(top.getAndSet(null), queue);
        }
    }

    /** Closes the inbox, and moves what was still in it to the end of a queue. */
    void close(ReadyQueue queue) {
        Node last = top.getAndSet(CLOSED);
        if (last != CLOSED) {
            turnOver(last, queue);
        }
    }

    private static void turnOver(@Nullable Node stack, ReadyQueue queue) {
        Node first = null;
        for (Node node = stack; node != null; node = node.below()) {
            first = new Node(node.item(), first);
        }
        for (Node node = first; node != null; node = requireNonNull(node).below()) {
            queue.add(node.item());
        }
    }
}
