package dev.trestle.threadpool;

import java.util.concurrent.RejectedExecutionException;

/** A task of {@code execute}: nobody waits for its outcome. */
record Execution(ThreadPool pool, Runnable task) implements Work {

    @Override
    public void run() {
        try {
            if (pool.prepare(this)) {
                runTask();
            }
        } finally {
            pool.freePlace();
            pool.over();
        }
    }

    private void runTask() {
        try {
            task.run();
        } catch (Throwable e) {
            // Here, not by the end of the thread: the program may end as soon as this work has left the pool.
            tellHandler(e);
        } finally {
            pool.finished();
        }
    }

    @Override
    public void fail(RejectedExecutionException why) {
        tellHandler(why);
    }

    private static void tellHandler(Throwable uncaught) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, uncaught);
    }

    @Override
    public Runnable handBack() {
        return task;
    }
}
