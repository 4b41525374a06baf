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
 * The way of one outcome from elsewhere into a loop.
 *
 * <p>{@code arrive} may be called on any thread, once. If the loop is closed by then, nobody is waiting any more. The arrival
 * is the loop's: created, read and cancelled there.
 */
final class IntoLoop<T extends @Nullable Object> implements ClosingListener {

    private final LoopPromise<T> promise;
    private volatile @Nullable Thread waiter;

    /**
     * Opens a way into a loop.
     *
     * @param loop where the outcome goes; the loop that runs on this thread
     * @param cancelSource cancels what the outcome comes from
     */
    IntoLoop(EventLoop loop, Runnable cancelSource) {
        this.promise = new LoopPromise<>(loop, cancelSource);
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
            case RUNNING -> promise.trySetException(new IllegalStateException(done + " announced its end, but is not done"));
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

    /** Takes the outcome of a future that tells nobody when it is done: a virtual thread waits for it, until the loop is closed. */
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
                // its outcome like any other: read below
            }
            arrive(future);
        } catch (Throwable e) {
            promise.trySetException(e); // a future that cannot be waited for; who awaits it hears of it
        }
    }
}
