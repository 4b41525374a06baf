package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.InvalidStateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A result that will be there later, inside one event loop: Python's {@code asyncio.Future}.
 *
 * <p>It belongs to its loop and is not thread-safe: only code that runs in the loop may touch it. Others go through
 * {@link EventLoop#callSoonThreadsafe}. It never blocks; a coroutine waits for it with {@link Async#await}.
 *
 * @param <T> the type of the result
 */
public class LoopFuture<T extends @Nullable Object> {

    /*
     * Two fields. `outcome` is null while pending. `callbacks` is null, one callback, or an ArrayList of them. A callback
     * is a Consumer, or the Task that awaits: then becoming done makes the task ready without another object.
     */

    private static final Object NULL_RESULT = new Object();

    private final EventLoop loop;
    private @Nullable Object outcome;
    private @Nullable Object callbacks;

    LoopFuture(EventLoop loop) {
        this.loop = loop;
    }

    /**
     * Returns the loop that this future belongs to.
     *
     * @return the loop
     */
    public final EventLoop loop() {
        return loop;
    }

    /**
     * Returns whether there is an outcome: a result, an exception or a cancellation.
     *
     * @return whether this future is done
     */
    public final boolean isDone() {
        return outcome != null;
    }

    /**
     * Returns whether this future was cancelled.
     *
     * @return whether it was cancelled
     */
    public final boolean isCancelled() {
        return outcome instanceof Cancelled;
    }

    /**
     * Returns the result, without waiting. An unchecked exception is thrown as it is, a checked one in a
     * {@link CompletionException}.
     *
     * @return the result
     * @throws InvalidStateException if this future is not done
     * @throws CancelledError if it was cancelled
     */
    public final T result() {
        return switch (outcome("result")) {
            case Cancelled cancelled -> throw cancelled.error();
            case Failure(RuntimeException exception) -> throw exception;
            case Failure(Error error) -> throw error;
            case Failure(var checked) -> throw new CompletionException(checked);
            case Object result -> unmask(result);
        };
    }

    /**
     * Returns the exception, without waiting.
     *
     * @return what it failed with, or empty if there is a result
     * @throws InvalidStateException if this future is not done
     * @throws CancelledError if it was cancelled
     */
    public final Optional<Throwable> exception() {
        return switch (outcome("exception")) {
            case Cancelled cancelled -> throw cancelled.error();
            case Failure(var exception) -> Optional.of(exception);
            default -> Optional.empty();
        };
    }

    private Object outcome(String what) {
        if (outcome == null) {
            throw new InvalidStateException(
                    "The " + what + " of " + this + " is not there yet. In a coroutine, wait for it"
                            + " with await(future); elsewhere, use addDoneCallback.");
        }
        return outcome;
    }

    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    private static <T extends @Nullable Object> T unmask(Object outcome) {
        return outcome == NULL_RESULT ? null : (T) outcome;
    }

    /**
     * Completes this future with a result.
     *
     * @param result the result
     * @throws InvalidStateException if it is already done
     */
    public void setResult(T result) {
        complete(result == null ? NULL_RESULT : result);
    }

    /**
     * Completes this future with an exception.
     *
     * @param exception what awaiting it throws
     * @throws InvalidStateException if it is already done
     */
    public void setException(Throwable exception) {
        requireNonNull(exception, "exception");
        complete(exception instanceof CancelledError error ? new Cancelled(error) : new Failure(exception));
    }

    /**
     * Cancels this future.
     *
     * @return whether it was pending, and is cancelled now
     */
    public final boolean cancel() {
        return cancel(null);
    }

    /**
     * Cancels this future with a message.
     *
     * @param message the message of the {@link CancelledError}
     * @return whether it was pending, and is cancelled now
     */
    public boolean cancel(@Nullable String message) {
        loop.checkHere("cancel");
        if (isDone()) {
            return false;
        }
        cancelNow(message);
        return true;
    }

    final void cancelNow(@Nullable String message) {
        complete(new Cancelled(new CancelledError(message)));
    }

    void complete(Object outcome) {
        loop.checkHere("complete");
        if (this.outcome != null) {
            throw new InvalidStateException("Cannot complete " + this + ": it is already done. A future completes once;"
                    + " ask isDone() where losing the race is normal.");
        }
        this.outcome = outcome;
        Object waiting = callbacks;
        callbacks = null;
        if (waiting instanceof List<?> several) {
            several.forEach(this::schedule);
        } else if (waiting != null) {
            schedule(waiting);
        }
    }

    @SuppressWarnings("unchecked")
    private void schedule(Object callback) {
        if (callback instanceof Task<?> awaiting) {
            loop.ready(awaiting);
        } else {
            loop.ready(new Callback<>((Consumer<? super LoopFuture<T>>) callback, this));
        }
    }

    /**
     * Adds a callback that the loop calls when this future is done; later, never before this method returns, even if it
     * is done already.
     *
     * @param callback called with this future
     */
    public final void addDoneCallback(Consumer<? super LoopFuture<T>> callback) {
        loop.checkHere("add a callback to");
        addCallback(requireNonNull(callback, "callback"));
    }

    /**
     * Removes a callback, as often as it was added.
     *
     * @param callback what was added
     * @return how often it was there
     */
    public final int removeDoneCallback(Consumer<? super LoopFuture<T>> callback) {
        return removeCallback(callback);
    }

    /** Makes a task ready when this future is done. */
    final void wake(Task<?> task) {
        addCallback(task);
    }

    final void forget(Task<?> task) {
        removeCallback(task);
    }

    @SuppressWarnings("unchecked")
    private void addCallback(Object callback) {
        if (outcome != null) {
            schedule(callback);
        } else if (callbacks == null) {
            callbacks = callback;
        } else if (callbacks instanceof ArrayList<?> several) {
            ((ArrayList<Object>) several).add(callback);
        } else {
            callbacks = new ArrayList<>(List.of(callbacks, callback));
        }
    }

    private int removeCallback(Object callback) {
        if (callbacks instanceof ArrayList<?> several) {
            int before = several.size();
            several.removeIf(callback::equals);
            return before - several.size();
        }
        if (callback.equals(callbacks)) {
            callbacks = null;
            return 1;
        }
        return 0;
    }

    /** Returns whether awaiting this future would throw: it failed or was cancelled. */
    final boolean isFailed() {
        return outcome instanceof Failure || outcome instanceof Cancelled;
    }

    /** Fails another future as this one failed. */
    final void failTo(LoopFuture<?> other) {
        switch (outcome("exception")) {
            case Cancelled(var error) -> other.complete(new Failure(error));
            case Object failure -> other.complete(failure);
        }
    }

    /** Ends another future as this one ended. */
    final void copyTo(LoopFuture<? super T> other) {
        other.complete(outcome("outcome"));
    }

    final String outcomeText() {
        return switch (outcome) {
            case null -> "pending";
            case Cancelled _ -> "cancelled";
            case Failure(var exception) -> "failed with " + exception;
            default -> outcome == NULL_RESULT ? "result null" : "result " + outcome;
        };
    }

    @Override
    public String toString() {
        return "LoopFuture@" + Integer.toHexString(System.identityHashCode(this)) + "[" + outcomeText() + "]";
    }

    private record Failure(Throwable exception) {}

    /** Outcome of a cancellation. */
    record Cancelled(CancelledError error) {}

    private record Callback<T extends @Nullable Object>(Consumer<? super LoopFuture<T>> callback, LoopFuture<T> future)
            implements Runnable {
        @Override
        public void run() {
            callback.accept(future);
        }

        @Override
        public String toString() {
            return callback + " of " + future;
        }
    }
}
