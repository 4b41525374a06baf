package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * An item that a turn runs: a coroutine that goes on, a callback, or the arrival of an outcome from another thread. It
 * is its own link in the one queue that it stands in, so that queueing it takes no memory, and so cannot fail.
 */
abstract sealed class Ready permits LoopFuture, Handle {

    /** The next item in the queue; used by the queue. Null if this stands in none, or is the last. */
    @Nullable
    Ready link;

    /** The item before this one among the callbacks of a pending future; null if this is not there. */
    @Nullable
    Ready back;
}
