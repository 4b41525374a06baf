package dev.trestle.bridge;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The way of one outcome from elsewhere into a loop.
 *
 * <p>{@code arrive} may be called on any thread, once; what it changes, it changes on the loop's thread. The arrival is the
 * loop's: created, read and cancelled there.
 */
final class Crossing<T extends @Nullable Object> {

    private final EventLoop loop;
    private final LoopFuture<T> arrival;

    /**
     * Opens a way into a loop.
     *
     * @param loop where the outcome goes; the loop that runs on this thread
     * @param cancelSource cancels what the outcome comes from
     */
    Crossing(EventLoop loop, Runnable cancelSource) {
        this.loop = loop;
        this.arrival = loop.createFuture();
        arrival.addDoneCallback(done -> {
            if (done.isCancelled()) {
                cancelSource.run();
            }
        });
    }

    LoopFuture<T> arrival() {
        return arrival;
    }

    /** Takes the outcome of a future that is done. */
    void arrive(Future<T> done) {
        switch (done.state()) {
            case SUCCESS -> {
                T result = done.resultNow();
                onLoop(() -> arrival.setResult(result));
            }
            case FAILED -> {
                Throwable exception = done.exceptionNow();
                onLoop(() -> arrival.setException(exception));
            }
            case CANCELLED -> onLoop(arrival::cancel);
            case RUNNING -> throw new IllegalStateException(done + " is not done, but said it was");
        }
    }

    /** Takes the outcome of a stage, which wraps exceptions that pass through it. */
    void arrive(T result, @Nullable Throwable exception) {
        switch (exception) {
            case null -> onLoop(() -> arrival.setResult(result));
            case CancellationException _ -> onLoop(arrival::cancel);
            case CompletionException wrapper
            when wrapper.getCause() instanceof CancellationException -> onLoop(arrival::cancel);
            case CompletionException wrapper
            when wrapper.getCause() != null -> {
                Throwable cause = wrapper.getCause();
                onLoop(() -> arrival.setException(cause));
            }
            default -> onLoop(() -> arrival.setException(exception));
        }
    }

    /** Waits for a future that tells nobody when it is done; on a virtual thread of its own. */
    void arriveAfterWaiting(Future<T> future) {
        try {
            future.get();
        } catch (ExecutionException | CancellationException e) {
            // its outcome like any other: read below
        } catch (InterruptedException e) {
            throw new AssertionError("Nobody has this thread to interrupt it", e);
        }
        arrive(future);
    }

    private void onLoop(Runnable completion) {
        Runnable unlessCancelled = () -> {
            if (!arrival.isDone()) {
                completion.run();
            }
        };
        if (loop.isRunningHere()) {
            unlessCancelled.run();
        } else {
            Entrance.enter(loop, unlessCancelled); // if the loop is closed, nobody is waiting any more
        }
    }
}
