package dev.trestle.processpool.values;

/** The sender of a payload, and what it sends: how far it is trusted. */
enum Sender {
    /** A pool, which sends calls. */
    POOL,
    /** A worker, which sends a result or an item. */
    WORKER_RESULT,
    /** A worker, which sends the state of an exception. */
    WORKER_EXCEPTION
}
