package dev.trestle.loop;

import dev.trestle.api.StackRoom;
import org.jspecify.annotations.Nullable;

/**
 * The FIFO wait queue of a lock, an event and the like.
 */
final class Waiters {

    /*
     * Between the moment at which a waiter is woken and the moment at which it runs, other code runs, and may cancel
     * the waiter. So a woken waiter counts as woken until it has run. If it runs only to throw, the lock or item that
     * it was woken for is still there, and the owner must pass it on: `woken` of the turn says so.
     *
     * The line is linked through its turns, so that waking takes no memory. A turn is completed first, which either
     * fails before it has changed anything or makes the coroutine ready; everything after that is plain writes. A
     * waiter that leaves with an error and owes a wake-up to the next waiter repeats the wake-up until it succeeds: no
     * other call would. `await` makes sure of the stack for that before it waits.
     */

    private final Object owner;

    // The waiters that have not been woken; a cancelled waiter stays until it has run.
    private @Nullable Turn first;
    private @Nullable Turn last;

    /** The number of turns in the queue. */
    private int length;

    private int woken;
    private @Nullable EventLoop loop;

    Waiters(Object owner) {
        this.owner = owner;
    }

    /** A place in the queue, and the future that its coroutine awaits. */
    static final class Turn extends LoopFuture<@Nullable Void> {
        private @Nullable Turn before;
        private @Nullable Turn after;
        private boolean inLine;

        /** True if the waiter was woken; its task may have been cancelled since. */
        boolean woken;

        /** The number that was passed to the waiter when it was woken. */
        int told;

        private Turn(EventLoop loop) {
            super(loop);
        }
    }

    /**
     * Called before any step that may suspend. The owner belongs to the first loop that calls this, until that loop is
     * closed.
     */
    EventLoop enter() {
        EventLoop here = EventLoop.getRunningLoop();
        Task<?> task = here.currentTask();
        if (task != null) {
            task.throwIfInterrupted();
        }
        if (loop != here) {
            if (loop != null && !loop.isClosed()) {
                throw new IllegalStateException(owner + " belongs to " + loop + ", where it was used first, and cannot"
                        + " be shared with " + here + ". Make one for each loop.");
            }
            loop = here;
        }
        return here;
    }

    /**
     * Called before a change that does not suspend. Before the owner has a loop, any one thread may change it, except
     * for a thread that a loop has abandoned.
     */
    void checkHere(String what) {
        EventLoop owner = loop == null ? EventLoop.leftBehindHere() : loop;
        if (owner != null) {
            owner.checkHere(what);
        }
    }

    /** Returns a turn for {@link #await}, which is not in the queue yet. */
    Turn turn() {
        return new Turn(enter());
    }

    /**
     * Takes the last place in the queue, and suspends the coroutine until it is woken. Leaves the place again in any
     * case.
     */
    void await(Turn turn) {
        StackRoom.require(); // for waking the next waiter afterwards, too
        Turn previous = last;
        turn.before = previous;
        if (previous == null) {
            first = turn;
        } else {
            previous.after = turn;
        }
        last = turn;
        turn.inLine = true;
        length++;
        try {
            var _ = Async.await(turn);
        } finally { // calls nothing, so nothing can end it halfway
            if (turn.woken) {
                woken--;
            }
            if (turn.inLine) {
                Turn before = turn.before;
                Turn after = turn.after;
                if (before == null) {
                    first = after;
                } else {
                    before.after = after;
                }
                if (after == null) {
                    last = before;
                } else {
                    after.before = before;
                }
                turn.inLine = false;
                length--;
            }
        }
    }

    /** Wakes the first waiter, unless it was cancelled: then that waiter must call this method when it runs. */
    void wakeFirst() {
        if (first != null && !first.isDone()) {
            wakeNext();
        }
    }

    /**
     * Wakes the first waiter that was not cancelled; returns false if there is none. If this method throws, it has
     * woken none.
     */
    boolean wakeNext() {
        return wakeNext(0);
    }

    /** Wakes the first waiter that was not cancelled, and passes it a number; see {@link #wakeNext()}. */
    boolean wakeNext(int told) {
        while (first != null) {
            Turn turn = first;
            boolean waits = !turn.isDone();
            if (waits) {
                turn.setResult(null);
                turn.told = told;
                turn.woken = true;
                woken++;
            }
            Turn after = turn.after;
            first = after;
            if (after == null) {
                last = null;
            } else {
                after.before = null;
            }
            turn.inLine = false;
            length--;
            if (waits) {
                return true;
            }
        }
        return false;
    }

    void wakeAll() {
        while (wakeNext()) {
            // until there is none
        }
    }

    /** Returns the number of waiters that were woken and have not run since. */
    int woken() {
        return woken;
    }

    /** Returns whether no waiter waits or was woken; waiters that were cancelled while they waited do not count. */
    boolean isEmpty() {
        if (woken > 0) {
            return false;
        }
        for (Turn turn = first; turn != null; turn = turn.after) {
            if (!turn.isDone()) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns the number of waiters that were not woken, including those that were cancelled and have not run since.
     */
    int length() {
        return length;
    }

    /** Returns the number of waiters that were neither woken nor cancelled. */
    int size() {
        int size = 0;
        for (Turn turn = first; turn != null; turn = turn.after) {
            if (!turn.isDone()) {
                size++;
            }
        }
        return size;
    }
}
