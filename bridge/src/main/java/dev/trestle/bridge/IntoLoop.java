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
final class IntoLoop<T extends @Nullable Object> implements ClosingListener {

    private final LoopPromise<T> promise;
    private volatile @Nullable Thread waiter;

    /**
     * Opens a path into a loop.
     *
     * @param loop the destination; the loop that runs on this thread
     * @param cancelSource cancels the source of the outcome
     * @param work whether the source is work that runs, so that virtual time waits for it
     */
    IntoLoop(EventLoop loop, Runnable cancelSource, boolean work) {
        this.promise = work ? LoopPromise.ofWork(loop, cancelSource) : new LoopPromise<>(loop, cancelSource);
    }

    LoopFuture<T> arrival() {
        return promise.future();
    }

    /** Takes the outcome of a future that is done. */
    void arrive(Future<T> done) {
        var _ = switch (done.state()) {
            case SUCCESS -> promise.trySetResult(done.resultNow());
            case FAILED -> promise.trySetException(done.exceptionNow());
            case CANCELLED -> promise.tryCancel();
            case RUNNING ->
                promise.trySetException(new IllegalStateException(done + " announced its end, but is not done"));
        };
    }

    /** Takes the outcome of a stage, which wraps exceptions that pass through it. */
    void arrive(T result, @Nullable Throwable exception) {
        var _ = switch (exception) {
            case null -> promise.trySetResult(result);
            case CancellationException _ -> promise.tryCancel();
            case CompletionException wrapper
            when wrapper.getCause() instanceof CancellationException -> promise.tryCancel();
            case CompletionException wrapper
            when wrapper.getCause() != null -> promise.trySetException(wrapper.getCause());
            default -> promise.trySetException(exception);
        };
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
