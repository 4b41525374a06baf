package dev.trestle.threadpool;

import java.util.concurrent.RejectedExecutionException;

/** What a pool's queue holds. */
sealed interface Work extends Runnable permits Submission, Execution {

    /** Ends this work without running it. */
    void fail(RejectedExecutionException why);

    /** Takes this work out for good; returns what {@code shutdownNow} tells of it. */
    Runnable handBack();
}
