package dev.trestle.loop;

import dev.trestle.api.StackRoom;
import org.jspecify.annotations.Nullable;

/**
 * The coroutines that wait at a lock, an event or the like, in the order in which they came. What all of these have in
 * common, and must get right.
 */
final class Waiters {

    /*
     * To be woken and to go on are two things: between them others run, and one of them may cancel who was woken. So a
     * waiter that was woken counts as such until it has run. If it runs only to throw, what it was woken for is still
     * there, and its owner must pass it on: `woken` of its turn tells.
     *
     * The line is linked through its turns, so that waking takes no memory. A turn is completed first, which either fails before it
     * has changed anything or makes the coroutine ready; everything after that is plain writes. A waiter that leaves with an
     * error and owes a wake-up to the next waiter repeats the wake-up until it succeeds: nobody else would. `await` makes sure of the
     * stack for that before it waits.
     */

    private final Object owner;

    // Those who have not been woken; one that was cancelled stays until it has run.
    private @Nullable Turn first;
    private @Nullable Turn last;

    /** How many stand in the line. */
    private int length;

    private int woken;
    private @Nullable EventLoop loop;

    Waiters(Object owner) {
        this.owner = owner;
    }

    /** A place in the line, and the future that its coroutine awaits. */
    static final class Turn extends LoopFuture<@Nullable Void> {
        private @Nullable Turn before;
        private @Nullable Turn after;
        private boolean inLine;

        /** Whether the waiter was woken; its task may have been cancelled since. */
        boolean woken;

        /** What the waiter was told when it was woken. */
        int told;

        private Turn(EventLoop loop) {
            super(loop);
        }
    }

    /** Called before anything that may suspend: the owner belongs to the loop that does this first, until it is closed. */
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
     * Called before a change that does not suspend. Before the owner has a loop, any one thread may make it, but no thread that a
     * loop has left behind.
     */
    void checkHere(String what) {
        EventLoop owner = loop == null ? EventLoop.leftBehindHere() : loop;
        if (owner != null) {
            owner.checkHere(what);
        }
    }

    /** Returns a turn that does not stand in the line yet, for {@link #await}. */
    Turn turn() {
        return new Turn(enter());
    }

    /** Takes the last place in the line, and suspends the coroutine until it is woken. The place is left again in any case. */
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

    /** Wakes the first who waits, unless that one was cancelled: then it is to do the same when it runs. */
    void wakeFirst() {
        if (first != null && !first.isDone()) {
            wakeNext();
        }
    }

    /** Wakes the first who waits and was not cancelled; returns false if there is none. If this throws, it has woken none. */
    boolean wakeNext() {
        return wakeNext(0);
    }

    /** Does the same, and tells the waiter something. */
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

    /** Returns how many were woken and have not run since. */
    int woken() {
        return woken;
    }

    /** Returns whether nobody waits and nobody was woken; those that were cancelled while they waited do not count. */
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

    /** Returns how many wait and were not woken, also those that were cancelled and have not run since. */
    int length() {
        return length;
    }

    /** Returns how many wait and were not woken or cancelled. */
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
