package dev.trestle.bridge;

import dev.trestle.loop.ClosingListener;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopPromise;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The path of one outcome from another thread into a loop.
 *
 * <p>{@code arrive} may be called on any thread, once. If the loop is closed by then, no coroutine waits any more. The
 * arrival is created, read and cancelled in the loop.
 */
final class IntoLoop<T extends @Nullable Object> implements ClosingListener, Runnable {

    private final LoopPromise<T> promise;
    private volatile @Nullable Thread waiter;

    // The outcome: that of a future, or else of a stage. Written by the thread that brings it.
    private @Nullable Future<T> source;
    private @Nullable T result;
    private @Nullable Throwable exception;

    /**
     * Opens a path into a loop.
     *
     * @param loop the destination; the loop that runs on this thread
     * @param cancelSource cancels the source of the outcome
     * @param work whether the source is work that runs, so that virtual time waits for it
     */
    IntoLoop(EventLoop loop, Runnable cancelSource, boolean work) {
        SecondAttempt.prepare();
        this.promise = work ? LoopPromise.ofWork(loop, cancelSource) : new LoopPromise<>(loop, cancelSource);
    }

    LoopFuture<T> arrival() {
        return promise.future();
    }

    /** Takes the outcome of a future that is done. */
    void arrive(Future<T> done) {
        source = done;
        arriveSurely();
    }

    /** Takes the outcome of a stage, which wraps exceptions that pass through it. */
    @SuppressWarnings("NullAway") // a result that may be null is one that T allows to be
    void arrive(T stageResult, @Nullable Throwable stageException) {
        result = stageResult;
        exception = stageException;
        arriveSurely();
    }

    /**
     * Takes the outcome, on another thread if the stack ends here. Links nothing, which would fail at the end of the
     * stack, for good: so there is no switch over patterns or constants.
     */
    private void arriveSurely() {
        try {
            run();
        } catch (StackOverflowError e) {
            new SecondAttempt(this).start();
        }
    }

    @Override
    @SuppressWarnings("NullAway") // a result that may be null is one that T allows to be
    public void run() {
        Future<T> done = source;
        if (done != null) {
            Future.State state = done.state();
            if (state == Future.State.SUCCESS) {
                promise.trySetResult(done.resultNow());
            } else if (state == Future.State.FAILED) {
                promise.trySetException(done.exceptionNow());
            } else if (state == Future.State.CANCELLED) {
                promise.tryCancel();
            } else {
                promise.trySetException(new IllegalStateException(done + " announced its end, but is not done"));
            }
        } else if (exception == null) {
            promise.trySetResult(result);
        } else {
            Throwable inner = exception instanceof CompletionException ? exception.getCause() : null;
            Throwable thrown = inner == null ? exception : inner;
            if (thrown instanceof CancellationException) {
                promise.tryCancel();
            } else {
                promise.trySetException(thrown);
            }
        }
    }

    /**
     * Takes the outcome of a future without callbacks: a virtual thread waits for its end, until the loop is closed.
     */
    void arriveAfterWaiting(Future<T> future) {
        EventLoop loop = arrival().loop();
        Thread made = Thread.ofVirtual().name("trestle-bridge-waiter").unstarted(() -> {
            waitFor(future);
            loop.removeClosingListener(this);
        });
        waiter = made;
        loop.addClosingListener(this);
        made.start();
    }

    @Override
    public void onClosed() {
        Thread waits = waiter;
        if (waits != null) {
            waits.interrupt();
        }
    }

    private void waitFor(Future<T> future) {
        try {
            try {
                future.get();
            } catch (ExecutionException | CancellationException e) {
                // this is the outcome of the future, which is read below
            }
            arrive(future);
        } catch (Throwable e) {
            promise.trySetException(e); // waiting is refused; the awaiting coroutine gets the reason
        }
    }
}
