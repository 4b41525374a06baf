package dev.trestle.threadpool;

import java.util.concurrent.RejectedExecutionException;

/** A task of {@code execute}: nobody waits for its outcome. */
record Execution(ThreadPool pool, Runnable task) implements Work {

    @Override
    public void run() {
        try {
            if (pool.prepare(this)) {
                try {
                    task.run();
                } finally {
                    pool.finished();
                }
            }
        } finally {
            pool.left();
        }
    }

    @Override
    public void fail(RejectedExecutionException why) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, why);
    }

    @Override
    public Runnable handBack() {
        return task;
    }
}
