package dev.trestle.examples.documents;

import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.Sandbox;

/**
 * The sandbox of the workers.
 *
 * @param closed whether there is one
 * @param words a sentence for the log and for the page
 */
record Jail(boolean closed, String words) {

    /** Returns the absence of a sandbox, with its reason. */
    static Jail none(String words) {
        return new Jail(false, words);
    }

    /** Puts the workers of a pool into a sandbox, where this machine can have one. */
    static Jail around(ProcessPool.Builder pool) {
        Sandbox.Support support = Sandbox.support();
        if (support.isAvailable()) {
            pool.sandbox(Sandbox.strict());
            return new Jail(
                    true,
                    "The workers run in a sandbox: a document that takes over its worker has no network, no files but"
                            + " the server's classes, and a limit of memory.");
        }
        return none("The workers run without a sandbox: a document that takes over its worker may do what the user of"
                + " this server may do. " + support.reason());
    }
}
