package dev.trestle.threadpool;

import dev.trestle.api.ContextCarrier;

/** A task of {@code execute}, which has no future. */
final class Execution extends Work {

    private final Runnable task;

    /** Confined to the thread of {@code shutdownNow}. */
    private boolean handedBack;

    Execution(ThreadPool pool, Runnable task) {
        super(pool);
        this.task = task;
    }

    @Override
    void perform(Worker worker) {
        beginRun();
        if (pool.isStopped()) {
            Thread.currentThread().interrupt(); // the interrupt of shutdownNow, which did not see this task running
        }
        ContextCarrier.Scope scope = enterContext();
        try {
            task.run();
        } catch (Throwable e) {
            noteFailure();
            fail(e); // here, not by the end of the thread: the program may end as soon as this work has left the pool
        } finally {
            scope.close();
        }
    }

    @Override
    void fail(Throwable why) {
        Thread thread = Thread.currentThread();
        try {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, why);
        } catch (Throwable e) {
            // The JVM ignores exceptions of an uncaught exception handler, too: no other place is left to report to.
        }
    }

    @Override
    boolean isCancelled() {
        return handedBack;
    }

    @Override
    void stop() {
        interrupt();
    }

    @Override
    Runnable handBack() {
        handedBack = true;
        return task;
    }

    @Override
    public String toString() {
        return String.valueOf(task);
    }
}
