package dev.trestle.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What other threads want to run in the loop, in the order of arrival, and the timers that they have cancelled. Any thread adds,
 * the holder of the baton empties it. Adding takes no memory.
 *
 * <p>Two Treiber stacks, linked through their items, and turned over when they are emptied. Closing is a state of the first, so an
 * item is either refused or found by {@link #close}: none is lost in between.
 */
final class Inbox {

    private static final Ready CLOSED = new Handle(() -> {}, true);

    private static final VarHandle TOP;
    private static final VarHandle CANCELLED;

    static {
        try {
            TOP = MethodHandles.lookup().findVarHandle(Inbox.class, "top", Ready.class);
            CANCELLED = MethodHandles.lookup().findVarHandle(Inbox.class, "cancelled", TimerHandle.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile @Nullable Ready top;

    /** Timers to be taken out of the heap. A timer may stand in the ready queue at the same time, so it has a link for this. */
    private volatile @Nullable TimerHandle cancelled;

    /** Returns whether there is nothing to take; there never is in a closed one. */
    boolean isEmpty() {
        Ready item = top;
        return (item == null || item == CLOSED) && cancelled == null;
    }

    boolean isClosed() {
        return top == CLOSED;
    }

    /** Adds an item that stands in no queue, unless the inbox is closed; returns whether it did. If this throws, it did not. */
    boolean add(Ready item) {
        while (true) {
            Ready below = top;
            if (below == CLOSED) {
                item.link = null;
                return false;
            }
            item.link = below;
            if (TOP.compareAndSet(this, below, item)) {
                return true;
            }
        }
    }

    /** Adds a timer that was cancelled, once. */
    void addCancelled(TimerHandle timer) {
        TimerHandle below;
        do {
            below = cancelled;
            timer.nextCancelled = below;
        } while (!CANCELLED.compareAndSet(this, below, timer));
    }

    /** Takes the cancelled timers out of their heap. */
    void removeCancelled(Timers timers) {
        if (cancelled != null) {
            TimerHandle timer = (TimerHandle) CANCELLED.getAndSet(this, null);
            while (timer != null) {
                TimerHandle below = timer.nextCancelled;
                timer.nextCancelled = null;
                timers.remove(timer);
                timer = below;
            }
        }
    }

    /** Moves all items to the end of a queue. */
    void moveTo(ReadyQueue queue) {
        Ready item = top;
        if (item != null && item != CLOSED) { // only the holder closes it, and calls this
            turnOver((Ready) TOP.getAndSet(this, null), queue);
        }
    }

    /** Closes the inbox, and moves what was still in it to the end of a queue. */
    void close(ReadyQueue queue) {
        Ready last = (Ready) TOP.getAndSet(this, CLOSED);
        if (last != CLOSED) {
            turnOver(last, queue);
        }
    }

    private static void turnOver(@Nullable Ready stack, ReadyQueue queue) {
        Ready first = null;
        Ready item = stack;
        while (item != null) {
            Ready below = item.link;
            item.link = first;
            first = item;
            item = below;
        }
        while (first != null) {
            Ready rest = first.link;
            first.link = null;
            queue.add(first);
            first = rest;
        }
    }
}
