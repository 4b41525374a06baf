package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A call of {@code submit}, and the promise of its outcome. */
final class Submission<T extends @Nullable Object> extends Work implements Promise.Canceller {

    final Promise<T> promise = new Promise<>(this);

    /** Null when it is over: who holds the future is not to hold what the task captured. */
    private volatile @Nullable Callable<T> task;

    /** For messages; null when it is over, since it holds a class loader. */
    private volatile @Nullable Class<?> type;

    /** The worker that completes the promise at this moment. Other threads may read an old value; they are not its thread. */
    private @Nullable Worker completing;

    Submission(ThreadPool pool, Callable<T> task) {
        super(pool);
        this.task = task;
        this.type = task.getClass();
    }

    @Override
    void perform(Worker worker) {
        beginRun(); // before the promise runs, or a cancel that sees it running finds no one to interrupt
        if (!promise.setRunningOrNotifyCancel()) {
            return;
        }
        Callable<T> mine = requireNonNull(task);
        task = null;
        T result;
        try {
            result = mine.call();
        } catch (Throwable e) {
            type = null;
            endRun(worker);
            completing = worker;
            fail(e);
            completing = null;
            return;
        }
        type = null;
        endRun(worker);
        completing = worker;
        try {
            promise.trySetResult(result);
        } finally {
            completing = null;
        }
    }

    @Override
    void fail(Throwable why) {
        task = null;
        type = null;
        promise.trySetException(why);
    }

    @Override
    public void cancelled(boolean wasRunning, boolean mayInterrupt) {
        if (!wasRunning) {
            task = null;
            type = null;
            pool.forget(this);
        } else if (mayInterrupt) {
            interrupt();
        }
    }

    /** A worker that runs callbacks, for however long, is not free for the next call. */
    @Override
    public void onCallbacks() {
        Worker worker = completing;
        if (worker != null && worker.isHere()) {
            worker.becomeBusy();
        }
    }

    @Override
    void stop() {
        promise.cancel(true);
    }

    @Override
    Runnable handBack() {
        promise.cancel(false);
        return new NeverStarted(promise);
    }

    /** What {@code shutdownNow} returns for a call, which does nothing if it is run. */
    private record NeverStarted(ConcurrentFuture<?> future) implements Runnable {
        @Override
        public void run() {}
    }

    @Override
    public String description() {
        Class<?> known = type;
        return known == null ? "" : known.getName() + " on " + pool.name();
    }

    @Override
    public String toString() {
        return description();
    }
}
