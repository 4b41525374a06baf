package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.Promise;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** A call of {@code submit}, and the promise of its outcome. */
final class Submission<T extends @Nullable Object> implements Work, Promise.Canceller {

    final Promise<T> promise = new Promise<>(this);
    private final ThreadPool pool;

    /** Null when it is over: who holds the future is not to hold what the task captured. */
    private volatile @Nullable Callable<T> task;

    /** Whom to interrupt; guarded by this object, so that an interrupt cannot hit the thread's next call. */
    private @Nullable Thread runner;

    /** Confined to the thread that runs this. */
    private boolean placeFreed;

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
            freePlace();
            pool.over();
        }
    }

    /** Frees the place in the queue; called before the future is done, so that the caller's next call finds it. Idempotent. */
    private void freePlace() {
        if (!placeFreed) {
            placeFreed = true;
            pool.freePlace();
        }
    }

    private void call() {
        synchronized (this) {
            runner = Thread.currentThread(); // before the promise runs, or a cancel that sees it running finds no one
        }
        if (!promise.setRunningOrNotifyCancel()) {
            endRun();
            return;
        }
        Callable<T> mine = requireNonNull(task);
        task = null;
        T result;
        try {
            result = mine.call();
        } catch (Throwable e) {
            endRun();
            promise.trySetException(e);
            return;
        }
        endRun();
        promise.trySetResult(result);
    }

    private void endRun() {
        stopBeingInterrupted();
        pool.finished();
        freePlace();
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
            task = null;
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
        task = null;
        promise.trySetException(why);
    }

    @Override
    public Runnable handBack() {
        promise.cancel(false);
        return this;
    }

    @Override
    public String toString() {
        Callable<T> waiting = task;
        return "Submission[" + (waiting == null ? "" : waiting + ", ") + promise + "]";
    }
}
