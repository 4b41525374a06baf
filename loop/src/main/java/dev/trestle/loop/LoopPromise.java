package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * The end of a loop's future that any thread may complete: how the outcome of something that runs elsewhere comes into a
 * loop. Python has {@code loop.call_soon_threadsafe(future.set_result, result)} for it.
 *
 * <p>The methods that begin with {@code try} may be called from any thread, and never wait. The future becomes done in a turn
 * of the loop, in the order in which outcomes and callbacks were sent to it; the first outcome counts, and the others are
 * dropped.
 *
 * {@snippet :
 * var answer = new LoopPromise<String>(loop, request::abort);
 * request.onAnswer(answer::trySetResult); // called on a thread of the client's
 * String text = await(answer.future());
 * }
 *
 * @param <T> the type of the result
 */
public final class LoopPromise<T extends @Nullable Object> {

    private final Arrival<T> future;

    /**
     * Creates a promise, and its future, which is pending.
     *
     * @param loop to which the future belongs; if it is running, this is called by its own code
     * @param onCancel what to do if the future is cancelled in the loop, such as cancelling what it stands for; called by the
     *     loop, as a callback, in the context that is current now
     * @throws IllegalStateException if the loop is running on another thread
     */
    public LoopPromise(EventLoop loop, Runnable onCancel) {
        loop.checkHere("create");
        this.future = new Arrival<>(loop, requireNonNull(onCancel, "onCancel"));
    }

    /**
     * Returns the future.
     *
     * @return the future; it belongs to the loop, as all of them
     */
    public LoopFuture<T> future() {
        return future;
    }

    /**
     * Completes the future with a result, if it is not done by then.
     *
     * @param result the result
     * @return false if the loop is closed
     */
    public boolean trySetResult(T result) {
        return arrive(() -> future.setResult(result));
    }

    /**
     * Completes the future with an exception, if it is not done by then.
     *
     * @param exception what awaiting it throws
     * @return false if the loop is closed
     */
    public boolean trySetException(Throwable exception) {
        requireNonNull(exception, "exception");
        return arrive(() -> future.setException(exception));
    }

    /**
     * Cancels the future, if it is not done by then: what it stands for was cancelled. Does not call {@code onCancel}.
     *
     * @return false if the loop is closed
     */
    public boolean tryCancel() {
        return arrive(() -> future.cancelNow(null));
    }

    private boolean arrive(Runnable completion) {
        EventLoop loop = future.loop();
        Runnable unlessDone = () -> {
            if (!future.isDone()) {
                completion.run();
            }
        };
        if (loop.isRunningHere()) {
            unlessDone.run();
            return true;
        }
        return loop.sendInline(unlessDone);
    }

    @Override
    public String toString() {
        return "LoopPromise[" + future + "]";
    }

    private static final class Arrival<T extends @Nullable Object> extends LoopFuture<T> {

        private final Handle onCancel;

        Arrival(EventLoop loop, Runnable onCancel) {
            super(loop);
            this.onCancel = new Handle(onCancel, false, loop.captureContext());
        }

        @Override
        public boolean cancel(@Nullable String message) {
            boolean cancelled = super.cancel(message);
            if (cancelled) {
                loop().baton().ready(onCancel);
            }
            return cancelled;
        }
    }
}
