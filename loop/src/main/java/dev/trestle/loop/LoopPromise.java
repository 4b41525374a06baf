package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.StackRoom;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The writable end of a loop's future, which any thread may complete. It brings the outcome of work on other threads
 * into a loop. Python's equivalent is {@code loop.call_soon_threadsafe(future.set_result, result)}.
 *
 * <p>The methods that begin with {@code try} may be called from any thread, and never wait. The future becomes done in
 * a turn of the loop, in the order in which outcomes and callbacks were sent to it; the first outcome counts, and the
 * others are dropped. If the calling thread's stack or the memory is exhausted, these methods throw the
 * {@link StackOverflowError} or the {@link OutOfMemoryError}, nothing is sent, the loop goes on, and the caller may try
 * again.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="promise"}
 *
 * @param <T> the type of the result
 */
public final class LoopPromise<T extends @Nullable Object> {

    private final Arrival<T> future;

    /**
     * Creates a promise, and its future, which is pending.
     *
     * @param loop the loop of the future; if it is running, the caller must be its own code
     * @param onCancel called if the future is cancelled in the loop, to cancel the work behind it; called by the loop,
     *     as a callback, in the context that is current now
     * @throws IllegalStateException if the loop is running on another thread
     */
    public LoopPromise(EventLoop loop, Runnable onCancel) {
        this(loop, onCancel, false);
    }

    private LoopPromise(EventLoop loop, Runnable onCancel, boolean work) {
        loop.checkHere("create");
        this.future = new Arrival<>(loop, requireNonNull(onCancel, "onCancel"));
        loop.expect(future, work);
    }

    /**
     * Returns a promise of work that runs on another thread from now on and surely ends: a {@link VirtualClock} of the
     * loop does not jump until the future is done. The outcome of any other promise may depend on the passing of time.
     *
     * @param loop the loop of the future; if it is running, the caller must be its own code
     * @param onCancel called if the future is cancelled in the loop, as the constructor says
     * @param <T> the type of the result
     * @return the promise
     * @throws IllegalStateException if the loop is running on another thread
     */
    public static <T extends @Nullable Object> LoopPromise<T> ofWork(EventLoop loop, Runnable onCancel) {
        return new LoopPromise<>(loop, onCancel, true);
    }

    /**
     * Returns the future.
     *
     * @return the future, which belongs to the loop
     */
    public LoopFuture<T> future() {
        return future;
    }

    /**
     * Completes the future with a result, unless it is done by then.
     *
     * @param result the result
     * @return false if the loop is closed
     */
    public boolean trySetResult(T result) {
        return future.send(LoopFuture.success(result));
    }

    /**
     * Completes the future with an exception, unless it is done by then.
     *
     * @param exception the exception that awaiting the future throws
     * @return false if the loop is closed
     */
    public boolean trySetException(Throwable exception) {
        return future.send(LoopFuture.failure(requireNonNull(exception, "exception")));
    }

    /**
     * Cancels the future, unless it is done by then, because the work behind it was cancelled. Does not call
     * {@code onCancel}.
     *
     * @return false if the loop is closed
     */
    public boolean tryCancel() {
        return future.send(LoopFuture.cancellation(null));
    }

    @Override
    public String toString() {
        return "LoopPromise[" + future + "]";
    }

    /** The future, which is itself the message to the loop: so a decided outcome needs no memory to arrive. */
    static final class Arrival<T extends @Nullable Object> extends LoopFuture<T> {

        private static final VarHandle SENT;

        static {
            try {
                SENT = MethodHandles.lookup().findVarHandle(Arrival.class, "sent", Object.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        private final Handle onCancel;

        /** The first outcome, once it has been sent. */
        private volatile @Nullable Object sent;

        Arrival(EventLoop loop, Runnable onCancel) {
            super(loop);
            this.onCancel = Handle.ofCallback(onCancel, loop.captureContext());
        }

        /** Sends an outcome, unless one was sent before; returns false if the loop is closed. */
        boolean send(Object outcome) {
            EventLoop loop = loop();
            if (loop.isRunningHere()) {
                if (!isDone()) {
                    complete(outcome);
                }
                return true;
            }
            Baton.requireStack(true); // before anything is decided: then the caller may try again
            if (SENT.compareAndSet(this, null, outcome)) {
                try {
                    return loop.baton().sendDecided(this);
                } catch (Throwable e) { // it has not been sent
                    sent = null;
                    throw e;
                }
            }
            return !loop.baton().isClosed();
        }

        /** Completes this future with what was sent. Called by the holder of the baton. */
        void arrive() {
            Object outcome = sent;
            if (outcome != null && !isDone()) {
                complete(outcome);
            }
        }

        @Override
        public boolean cancel(@Nullable String message) {
            StackRoom.require(); // for the step after the cancellation, too
            boolean cancelled = super.cancel(message);
            boolean owed = cancelled;
            while (owed) {
                try {
                    loop().baton().ready(onCancel);
                    owed = false;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // no other call tells the work behind this
                }
            }
            return cancelled;
        }
    }
}
