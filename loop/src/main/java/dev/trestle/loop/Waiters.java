package dev.trestle.loop;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The coroutines that wait at a lock, an event or the like, in the order in which they came. What all of these have in
 * common, and must get right.
 */
final class Waiters {

    /*
     * To be woken and to go on are two things: between them others run, and one of them may cancel who was woken. So a
     * waiter that was woken counts as such until it has run. If it runs only to throw, what it was woken for is still
     * there, and its owner must pass it on: `wasWoken` tells.
     */

    private final Object owner;

    /** Those who have not been woken; one that was cancelled stays until it has run. */
    private final Set<LoopFuture<@Nullable Void>> waiting = new LinkedHashSet<>();

    private int woken;
    private @Nullable EventLoop loop;

    Waiters(Object owner) {
        this.owner = owner;
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
        EventLoop owner = loop == null ? Baton.loopLeftBehind() : loop;
        if (owner != null) {
            owner.checkHere(what);
        }
    }

    /** Takes the last place in the line. To be followed by {@link #await}, in which the place is left again. */
    LoopFuture<@Nullable Void> join() {
        LoopFuture<@Nullable Void> turn = enter().createFuture();
        waiting.add(turn);
        return turn;
    }

    /** Suspends the coroutine until it is woken. */
    void await(LoopFuture<@Nullable Void> turn) {
        try {
            var _ = Async.await(turn);
        } finally {
            waiting.remove(turn);
            if (wasWoken(turn)) {
                woken--;
            }
        }
    }

    /** Returns whether a waiter was woken; it may have been cancelled since. */
    static boolean wasWoken(LoopFuture<@Nullable Void> turn) {
        return turn.isDone() && !turn.isCancelled();
    }

    /** Wakes the first who waits, unless that one was cancelled: then it is to do the same when it runs. */
    void wakeFirst() {
        LoopFuture<@Nullable Void> first =
                waiting.isEmpty() ? null : waiting.iterator().next();
        if (first != null && !first.isDone()) {
            wakeNext();
        }
    }

    /** Wakes the first who waits and was not cancelled; returns false if there is none. */
    boolean wakeNext() {
        for (Iterator<LoopFuture<@Nullable Void>> all = waiting.iterator(); all.hasNext(); ) {
            LoopFuture<@Nullable Void> first = all.next();
            all.remove();
            if (!first.isDone()) {
                woken++;
                first.setResult(null);
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
        return woken == 0 && (waiting.isEmpty() || waiting.stream().allMatch(LoopFuture::isDone));
    }

    /** Returns how many wait and were not woken or cancelled. */
    int size() {
        return (int) waiting.stream().filter(turn -> !turn.isDone()).count();
    }
}
