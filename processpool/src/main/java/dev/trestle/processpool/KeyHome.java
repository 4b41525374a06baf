package dev.trestle.processpool;

import org.jspecify.annotations.Nullable;

/**
 * A worker as that which calls with certain keys go to, and the calls that wait for this very worker. Guarded by the
 * dispatcher's lock.
 *
 * <p>Keys know their worker by this object, so that they keep nothing of a worker that is gone.
 */
final class KeyHome {

    private @Nullable Worker worker;

    /** The calls that wait for this worker: all have keys that are bound to it. */
    final CallQueue waiting = new CallQueue();

    /** The number of keys that are bound to this worker. */
    int keys;

    KeyHome(Worker worker) {
        this.worker = worker;
    }

    /** Returns the worker; null if it is gone. */
    @Nullable
    Worker worker() {
        return worker;
    }

    /** Records that the worker is gone. */
    void close() {
        worker = null;
    }

    @Override
    public String toString() {
        return "KeyHome[" + worker + ", keys=" + keys + ", waiting=" + waiting.size() + "]";
    }
}
