package dev.trestle.threadpool;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * A thread factory of the program, whose threads are checked and made daemon threads.
 *
 * @param factory the factory of the program
 * @param pool the name of the pool, for messages
 */
record CheckedFactory(ThreadFactory factory, String pool) implements ThreadFactory {

    @Override
    public Thread newThread(Runnable task) {
        @Nullable Thread made = factory.newThread(task);
        if (made == null) {
            throw new RejectedExecutionException("The thread factory " + factory + " of " + pool
                    + " returned null, so no thread can run the call. It must return a new thread.");
        }
        if (made.getState() != Thread.State.NEW) {
            throw new RejectedExecutionException("The thread factory " + factory + " of " + pool + " returned " + made
                    + ", which is " + made.getState()
                    + ": the pool starts its threads itself. It must return a new thread that it has not started.");
        }
        if (!made.isDaemon()) {
            made.setDaemon(true); // KeepAlive keeps the program running instead, for busy threads only
        }
        return made;
    }

    /** Returns the reason why the call of a thread that has ended without running its task fails. */
    RejectedExecutionException ended(Thread thread) {
        return new RejectedExecutionException("The thread " + thread + ", which the thread factory " + factory + " of "
                + pool + " made, has ended without running the task that the factory was given, so the call did not"
                + " run. The thread must run that task, and catch what its own code throws before.");
    }
}
