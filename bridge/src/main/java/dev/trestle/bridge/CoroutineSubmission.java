package dev.trestle.bridge;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.loop.ClosingListener;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import org.jspecify.annotations.Nullable;

/**
 * The path of one outcome out of a loop: from a future of the loop to the thread-safe future that other threads hold.
 *
 * <p>The promise may be cancelled on any thread. Its source is created, watched and cancelled in the loop. The promise
 * ends at the latest when the loop is closed, also if the source has not ended.
 */
final class CoroutineSubmission<T extends @Nullable Object> implements ClosingListener, Runnable {

    private final EventLoop loop;
    private final Promise<T> promise = new Promise<>((running, interrupt) -> cancelSurely());
    private final Runnable cancelSource = this::cancelSource;

    /** Written in the loop; null until a coroutine begins. */
    private volatile @Nullable LoopFuture<T> source;

    private CoroutineSubmission(EventLoop loop) {
        SecondAttempt.prepare();
        this.loop = loop;
    }

    /** Returns a future that ends as a loop's future ends. */
    static <T extends @Nullable Object> ConcurrentFuture<T> of(LoopFuture<T> future) {
        var departure = new CoroutineSubmission<T>(future.loop());
        departure.promise.setRunningOrNotifyCancel();
        departure.follow(future);
        return departure.untilTheLoopIsClosed();
    }

    /** Starts a coroutine in a loop, from any thread, and returns its future. */
    static <T extends @Nullable Object> ConcurrentFuture<T> of(Coroutine<T> coroutine, EventLoop loop) {
        var departure = new CoroutineSubmission<T>(loop);
        ConcurrentFuture<T> future = departure.untilTheLoopIsClosed();
        try {
            loop.callSoonThreadsafe(() -> departure.start(coroutine)); // last: a coroutine that runs has a future
        } catch (Throwable e) {
            loop.removeClosingListener(departure);
            throw e;
        }
        return future;
    }

    private ConcurrentFuture<T> untilTheLoopIsClosed() {
        loop.addClosingListener(this);
        promise.addDoneCallback(_ -> loop.removeClosingListener(this));
        return promise;
    }

    private void start(Coroutine<T> coroutine) {
        if (!promise.setRunningOrNotifyCancel()) {
            return;
        }
        try {
            follow(loop.createTask(coroutine));
        } catch (Throwable e) { // the loop was closed, or its task factory has failed
            promise.trySetException(e);
        }
    }

    private void follow(LoopFuture<T> future) {
        source = future;
        if (!loop.isClosed()) { // else the closing listener has ended the promise, on any thread
            future.addDoneCallback(this::end);
        }
    }

    /** Ends the promise as a loop's future has ended. */
    private void end(LoopFuture<T> done) {
        try {
            if (done.isCancelled()) {
                promise.cancel(false);
            } else {
                done.exception().ifPresentOrElse(promise::trySetException, () -> promise.trySetResult(done.result()));
            }
        } catch (Throwable e) { // no memory, most likely: no other code ends the promise before the loop is closed
            promise.trySetException(e);
        }
    }

    /** Cancels the source, by way of another thread if the stack ends here. */
    private void cancelSurely() {
        try {
            run();
        } catch (StackOverflowError e) {
            new SecondAttempt(this).start();
        }
    }

    @Override
    public void run() {
        LoopEntry.enter(loop, cancelSource);
    }

    /** Cancels the source, in the loop. */
    private void cancelSource() {
        if (source != null) {
            source.cancel();
        }
    }

    /**
     * Ends the promise if its source never ends, or if the source's callback was lost: the loop may have abandoned a
     * callback.
     */
    @Override
    public void onClosed() {
        LoopFuture<T> from = source;
        if (from == null) {
            promise.trySetException(new IllegalStateException(loop + " was closed before the coroutine had begun"));
        } else if (from.isDone()) { // racy if code of the loop hangs: a missed outcome counts as cancelled
            end(from);
        } else {
            promise.cancel(false);
        }
    }

    @Override
    public String toString() {
        LoopFuture<T> from = source;
        return "the thread-safe future of " + (from == null ? "a coroutine" : from);
    }
}
