package dev.trestle.processpool;

/** The origin of the workers of a pool. */
enum WorkerSource {
    /** The pool starts workers when calls need them. */
    STARTED,
    /** Another module adds workers when there are any, and the pool starts none. */
    ADDED
}
