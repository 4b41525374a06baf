package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A coroutine that runs in an event loop, and the future of its result: Python's {@code asyncio.Task}.
 *
 * <p>It starts in a later turn of the loop, never inside {@code createTask}. Like every {@link LoopFuture} it belongs to
 * its loop and is not thread-safe.
 *
 * @param <T> the type of the result
 */
public final class Task<T extends @Nullable Object> extends LoopFuture<T> {

    private final long number;
    private @Nullable String name;
    private @Nullable Coroutine<T> coroutine;
    private @Nullable Thread thread;

    /** What the coroutine awaits, if it is suspended in an await. */
    private @Nullable LoopFuture<?> awaited;

    private int cancelRequests;

    /** Whether a CancelledError is to be thrown when the coroutine goes on. */
    private boolean mustCancel;

    private @Nullable String cancelMessage;

    Task(EventLoop loop, Coroutine<T> coroutine, @Nullable String name, long number) {
        super(loop);
        this.coroutine = coroutine;
        this.name = name;
        this.number = number;
    }

    /**
     * Returns the name.
     *
     * @return the given name, or {@code Task-} and a number
     */
    public String name() {
        return name == null ? "Task-" + number : name;
    }

    /**
     * Asks the coroutine to end: a {@link CancelledError} is thrown where it awaits, or where it awaits next. It may clean
     * up, awaiting as it likes, and may even decide to go on. A task that has not started never runs.
     *
     * <p>What the coroutine awaits is cancelled too; see {@link Async#shield}.
     *
     * @param message the message of the error
     * @return false if the task is done already, true otherwise
     */
    @Override
    public boolean cancel(@Nullable String message) {
        loop().checkHere("cancel");
        if (isDone()) {
            return false;
        }
        cancelRequests++;
        if (awaited != null && awaited.cancel(message)) {
            return true;
        }
        mustCancel = true;
        cancelMessage = message;
        return true;
    }

    /**
     * Returns how many requests to cancel this task are outstanding.
     *
     * @return calls of {@code cancel} less calls of {@code uncancel}
     */
    public int cancelling() {
        return cancelRequests;
    }

    /**
     * Takes one request to cancel back; for code that caught the {@link CancelledError} because it was meant for itself. At
     * zero, an error that has not been thrown yet is forgotten.
     *
     * @return how many requests are left
     */
    public int uncancel() {
        if (cancelRequests > 0) {
            cancelRequests--;
            if (cancelRequests == 0) {
                mustCancel = false;
            }
        }
        return cancelRequests;
    }

    /** Refused: the outcome of a task is its coroutine's. */
    @Override
    public void setResult(T result) {
        throw new UnsupportedOperationException("The result of " + this
                + " is what its coroutine returns; to set one by hand," + " use a future of loop.createFuture()");
    }

    /** Refused: the outcome of a task is its coroutine's. */
    @Override
    public void setException(Throwable exception) {
        throw new UnsupportedOperationException("The exception of " + this
                + " is what its coroutine throws; to set one by" + " hand, use a future of loop.createFuture()");
    }

    // The loop's side

    @Nullable
    LoopFuture<?> awaited() {
        return awaited;
    }

    /** Hands the baton to this task's thread; the caller has just named it the holder. */
    void go() {
        if (thread == null) {
            throw new AssertionError(this + " has no thread");
        }
        if (thread.getState() == Thread.State.NEW) {
            thread.start();
        } else {
            LockSupport.unpark(thread);
        }
    }

    Thread thread() {
        if (thread == null) {
            thread = loop().newThread(this);
        }
        return thread;
    }

    /** The life of the coroutine, on its thread, from the first time it holds the baton. */
    void run() {
        Coroutine<T> body = requireNonNull(coroutine);
        coroutine = null; // what it captured is garbage as soon as it is no longer needed
        try {
            throwIfCancelled();
            T result = body.run();
            if (mustCancel) {
                super.cancelNow(cancelMessage);
            } else {
                super.setResult(result);
            }
        } catch (CancelledError e) {
            super.setException(e);
        } catch (Throwable e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            super.setException(e);
        } finally {
            loop().end(this);
        }
    }

    /** Suspends the coroutine until a future is done; called on its thread, with the baton. */
    void suspendFor(LoopFuture<?> future) {
        if (mustCancel && future.cancel(cancelMessage)) {
            mustCancel = false;
        }
        awaited = future;
        future.wake(this);
        try {
            loop().passBaton(this);
        } finally {
            awaited = null;
        }
        throwIfCancelled();
    }

    /** Lets everything that is ready run once. */
    void suspendForATurn() {
        loop().ready(this);
        loop().passBaton(this);
        throwIfCancelled();
    }

    private void throwIfCancelled() {
        if (mustCancel) {
            mustCancel = false;
            throw new CancelledError(cancelMessage);
        }
    }

    @Override
    public String toString() {
        return "Task[" + name() + ", " + outcomeText() + (awaited == null ? "" : ", awaiting " + awaited) + "]";
    }
}
