package dev.trestle.processpool.remote;

/** The workers of a pool that starts none. Thread-safe. */
public interface RemoteWorkers {

    /**
     * Adds a worker, which the pool meets on a thread of its own.
     *
     * @return false if the pool takes no more workers
     */
    boolean add(RemoteWorker worker);

    /** Returns the number of calls that the workers run, or could run at once. */
    int places();

    /** Returns the number of calls that wait for a worker. */
    int waiting();
}
