package dev.trestle.loop;

import dev.trestle.api.CarriedContext;
import dev.trestle.api.ContextCarrier;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A blocking call that a coroutine makes outside of its loop. The coroutine awaits this future, so that cancelling the
 * coroutine's task cancels the future, which interrupts the call. The future never becomes done: the coroutine returns
 * to the loop by itself.
 */
final class BlockingCall<T extends @Nullable Object> extends LoopFuture<T> {

    /*
     * Two threads meet here: the coroutine's, which makes the call, and the one that has the baton and cancels. The
     * lock says which came first, so no interrupt arrives after the call has ended and hits the coroutine's next one.
     */

    private final Callable<T> call;
    private final Thread thread = Thread.currentThread();
    private final @Nullable Context context;

    /** The context of the coroutine. It is on the same thread, but what the call changes is not the coroutine's. */
    private final CarriedContext carried = CarriedContext.capture();

    private final Object lock = new Object();
    private boolean ended;
    private boolean interrupted;
    private @Nullable String message;

    private @Nullable T result;
    private @Nullable Throwable exception;

    BlockingCall(EventLoop loop, Callable<T> call) {
        super(loop);
        this.call = call;
        this.context = loop.captureContext();
    }

    void run() {
        ContextCarrier.@Nullable Scope scope = null;
        try {
            scope = carried.restore();
            result = Context.callIn(context, call);
        } catch (Throwable e) { // thrown again where the coroutine has the baton
            exception = e;
        }
        if (scope != null) {
            scope.close(); // throws nothing
        }
        synchronized (lock) {
            ended = true;
            if (interrupted) {
                Thread.interrupted(); // clears the interrupt of cancel, whether the call has noticed it or not
            }
        }
    }

    @Override
    String identity() {
        return "blocking call";
    }

    /** Interrupts the call, also if it was interrupted before. */
    @Override
    public boolean cancel(@Nullable String cancelMessage) {
        synchronized (lock) {
            if (ended) {
                return false;
            }
            interrupted = true;
            message = cancelMessage;
            thread.interrupt();
            return true;
        }
    }

    /** Returns the exception of the call; called after the call, by the coroutine. */
    @Nullable
    Throwable failure() {
        return exception;
    }

    /**
     * Returns the result of the call, or throws its exception; called after the call, by the coroutine. A cancelled
     * call has no result.
     */
    @SuppressWarnings("NullAway") // a result that may be null is one that T allows to be
    T outcomeOfCall() {
        if (interrupted) {
            var error = new CancelledError(message);
            if (exception != null) {
                error.initCause(exception);
            }
            throw error;
        }
        if (exception != null) {
            throw unchecked(exception);
        }
        return result;
    }
}
