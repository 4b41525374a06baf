package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * What a turn runs: a coroutine that goes on, a callback, or the arrival of an outcome from another thread. It is its own link in
 * the one queue that it stands in, so that queueing it takes no memory, and so cannot fail.
 */
abstract sealed class Ready permits LoopFuture, Handle {

    /** What follows in the queue; the queue's matter. Null if this stands in none, or is the last. */
    @Nullable
    Ready link;

    /** What comes before it among the callbacks of a future that is pending; null if it is not there. */
    @Nullable
    Ready back;
}
