package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.ContextCarrier;
import dev.trestle.api.Promise;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A call of {@code submit}, and the promise of its outcome. */
final class Submission<T extends @Nullable Object> extends Work implements Promise.Canceller {

    final Promise<T> promise = new Promise<>(this);

    /**
     * Null when the call is over, so that a future that a caller keeps does not keep the objects that the task
     * captured.
     */
    private volatile @Nullable Callable<T> task;

    /** The class of the task, for messages; null when the call is over, since a class holds its class loader. */
    private volatile @Nullable Class<?> type;

    /**
     * The worker that completes the promise at this moment. Another thread may read an old value, which is harmless:
     * {@code isHere} then returns false.
     */
    private @Nullable Worker completing;

    Submission(ThreadPool pool, Callable<T> task) {
        super(pool);
        this.task = task;
        this.type = task.getClass();
    }

    @Override
    void perform(Worker worker) {
        beginRun(); // before the promise runs, or a cancel that sees it running would find no thread to interrupt
        if (!promise.setRunningOrNotifyCancel()) {
            return;
        }
        Callable<T> mine = requireNonNull(task);
        task = null;
        T result;
        try {
            result = callInContext(mine);
        } catch (Throwable e) {
            type = null;
            noteFailure();
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

    private T callInContext(Callable<T> call) throws Exception {
        ContextCarrier.Scope scope = enterContext();
        try {
            return call.call();
        } finally {
            scope.close();
        }
    }

    @Override
    void fail(Throwable why) {
        forgetContext();
        task = null;
        type = null;
        promise.trySetException(why);
    }

    @Override
    public void cancelled(boolean wasRunning, boolean mayInterrupt) {
        if (!wasRunning) {
            forgetContext();
            task = null;
            type = null;
            pool.forget(this);
        } else if (mayInterrupt) {
            interrupt();
        }
    }

    /** Makes the worker busy: while it runs callbacks, which may take long, it is not free for the next call. */
    @Override
    public void onCallbacks() {
        Worker worker = completing;
        if (worker != null && worker.isHere()) {
            worker.becomeBusy();
        }
    }

    @Override
    boolean isCancelled() {
        return promise.isCancelled();
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

    /** A placeholder for a call in the result of {@code shutdownNow}; does nothing if it is run. */
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
