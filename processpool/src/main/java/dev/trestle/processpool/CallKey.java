package dev.trestle.processpool;

import org.jspecify.annotations.Nullable;

/**
 * A key of calls, and the worker that they go to. For each key of the program there is one of these in the
 * {@link KeyTable} of its pool. Guarded by the dispatcher's lock, but for what is final.
 */
final class CallKey {

    private final Object value;
    private final int hash;

    /** The worker that calls with this key go to; null if no worker was given one yet. */
    private @Nullable KeyHome home;

    // Of the key table

    /** The number of calls with this key that have not ended. */
    int calls;

    /** True once the table does not have this key any more. */
    boolean forgotten;

    @Nullable
    CallKey previous;

    @Nullable
    CallKey next;

    /**
     * Creates a key that is bound to no worker.
     *
     * @param value the program's name for it
     * @param hash the hash code of the value
     */
    CallKey(Object value, int hash) {
        this.value = value;
        this.hash = hash;
    }

    /** Returns the program's name for this key. Its methods are code of the program. */
    Object value() {
        return value;
    }

    /** Returns the hash code that the value had when the key was made. */
    int hash() {
        return hash;
    }

    /** Returns the worker that the calls go to, if it lives. */
    @Nullable
    Worker worker() {
        KeyHome current = home;
        return current == null ? null : current.worker();
    }

    /** Makes the calls go to a worker from now on. */
    void bind(KeyHome other) {
        if (home != other) {
            unbind();
            home = other;
            other.keys++;
        }
    }

    /** Lets the next call go to any worker. */
    void unbind() {
        if (home != null) {
            home.keys--;
            home = null;
        }
    }

    @Override
    public String toString() {
        return "CallKey[hash=" + hash + ", calls=" + calls + (forgotten ? ", forgotten]" : "]");
    }
}
