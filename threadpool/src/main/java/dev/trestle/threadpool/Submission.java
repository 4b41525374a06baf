package dev.trestle.threadpool;

import dev.trestle.api.Promise;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** A call of {@code submit}, and the promise of its outcome. */
final class Submission<T extends @Nullable Object> implements Work, Promise.Canceller {

    final Promise<T> promise = new Promise<>(this);
    private final ThreadPool pool;
    private final Callable<T> task;

    /** Whom to interrupt; guarded by this object, so that an interrupt cannot hit the thread's next call. */
    private @Nullable Thread runner;

    Submission(ThreadPool pool, Callable<T> task) {
        this.pool = pool;
        this.task = task;
    }

    @Override
    public void run() {
        try {
            if (pool.prepare(this)) {
                call();
            }
        } finally {
            pool.left();
        }
    }

    private void call() {
        synchronized (this) {
            runner = Thread.currentThread(); // before the promise runs, or a cancel that sees it running finds no one
        }
        if (!promise.setRunningOrNotifyCancel()) {
            stopBeingInterrupted();
            pool.finished();
            return;
        }
        T result;
        try {
            result = task.call();
        } catch (Throwable e) {
            stopBeingInterrupted();
            promise.trySetException(e);
            return;
        } finally {
            pool.finished();
        }
        stopBeingInterrupted();
        promise.trySetResult(result);
    }

    private void stopBeingInterrupted() {
        synchronized (this) {
            runner = null;
        }
        var _ = Thread.interrupted();
    }

    @Override
    public void cancelled(boolean wasRunning, boolean mayInterrupt) {
        if (!wasRunning) {
            pool.forget(this);
            return;
        }
        if (mayInterrupt) {
            synchronized (this) {
                if (runner != null) {
                    runner.interrupt();
                }
            }
        }
    }

    @Override
    public void fail(RejectedExecutionException why) {
        promise.trySetException(why);
    }

    @Override
    public Runnable handBack() {
        promise.cancel(false);
        return this;
    }

    @Override
    public String toString() {
        return "Submission[" + task + ", " + promise + "]";
    }
}
