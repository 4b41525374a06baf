package dev.trestle.bridge;

import dev.trestle.loop.EventLoop;

/** The entry of foreign threads into a loop that may be closed at any moment. */
final class LoopEntry {

    private LoopEntry() {}

    /** Schedules a callback, unless the loop is closed; returns whether the callback was scheduled. */
    static boolean enter(EventLoop loop, Runnable callback) {
        if (loop.isClosed()) {
            return false;
        }
        try {
            loop.callSoonThreadsafe(callback);
            return true;
        } catch (IllegalStateException e) {
            if (loop.isClosed()) {
                return false; // it was closed after we looked
            }
            throw e;
        }
    }
}
