package dev.trestle.examples.documents;

import dev.trestle.processpool.ProcessPool;

/**
 * The walls around the workers.
 *
 * @param closed whether there are walls
 * @param words a sentence for the log and for the page
 */
record Jail(boolean closed, String words) {

    /** Returns a jail without walls, for a reason. */
    static Jail none(String words) {
        return new Jail(false, words);
    }

    /** Puts walls around the workers of a pool, where this machine can have them. */
    static Jail around(ProcessPool.Builder pool) {
        return none("The workers run without a jail: a document that takes over its worker may do what the user of this"
                + " server may do. Run the server in a container, or as a user of its own.");
    }
}
