package dev.trestle.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A queue of what other threads want to run in the loop, in the order of arrival, and of timers that they have
 * cancelled. Any thread adds, the holder of the baton empties it. Adding takes no memory.
 *
 * <p>Two Treiber stacks, linked through their items, and reversed when they are emptied. Closing is a state of the
 * first, so an item is either refused or found by {@link #close}: none is lost in between.
 */
final class Inbox {

    private static final Ready CLOSED = Handle.ofStep(() -> {});

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

    /**
     * Timers to be taken out of the heap. A timer may stand in the ready queue at the same time, so it has a link for
     * this.
     */
    private volatile @Nullable TimerHandle cancelled;

    /**
     * The last of the items that were taken out, in a ring, while they are not in the queue. Confined to the holder.
     */
    private @Nullable Ready ring;

    /** The cancelled timers that were taken out, while they are in the heap. Confined to the holder. */
    private @Nullable TimerHandle removing;

    /** Returns whether there is nothing to take; there never is in a closed one. */
    boolean isEmpty() {
        Ready item = top;
        return (item == null || item == CLOSED) && cancelled == null;
    }

    boolean isClosed() {
        return top == CLOSED;
    }

    /**
     * Adds an item that stands in no queue, unless the inbox is closed; returns whether it did. If this throws, it did
     * not.
     */
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

    /** Takes the cancelled timers out of their heap. If this fails, it is to be called again. */
    void removeCancelled(Timers timers) {
        removeTaken(timers);
        if (cancelled != null) {
            removing = (TimerHandle) CANCELLED.getAndSet(this, null);
            removeTaken(timers);
        }
    }

    private void removeTaken(Timers timers) {
        TimerHandle timer = removing;
        while (timer != null) {
            timers.remove(timer);
            removing = timer.nextCancelled;
            timer.nextCancelled = null;
            timer = removing;
        }
    }

    /** Moves all items to the end of a queue. If this fails, it is to be called again. */
    void moveTo(ReadyQueue queue) {
        if (ring != null) {
            moveRing(ring, queue);
        }
        Ready item = top;
        if (item != null && item != CLOSED) { // only the holder closes it, and calls this
            takeOut(null);
            moveRing(ring, queue);
        }
    }

    /** Closes the inbox, and moves what was still in it to the end of a queue. */
    void close(ReadyQueue queue) {
        moveTo(queue);
        takeOut(CLOSED);
        moveRing(ring, queue);
    }

    private void moveRing(@Nullable Ready last, ReadyQueue queue) {
        if (last != null) {
            queue.addRing(last);
            ring = null;
        }
    }

    /** Takes the stack out, and turns it into a ring; calls nothing once the stack is out. */
    private void takeOut(@Nullable Ready replacement) {
        Ready last = (Ready) TOP.getAndSet(this, replacement);
        if (last == null || last == CLOSED) {
            return;
        }
        Ready first = null;
        Ready item = last;
        while (item != null) {
            Ready below = item.link;
            item.link = first;
            first = item;
            item = below;
        }
        last.link = first;
        ring = last;
    }
}
