package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import dev.trestle.api.InvalidStateException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A result that is not there yet, inside one event loop: Python's {@code asyncio.Future}.
 *
 * <p>A loop future belongs to its loop and is not thread-safe: only code that runs in the loop may touch it. Other
 * threads go through {@link EventLoop#callSoonThreadsafe}. No method blocks; a coroutine waits with
 * {@link Async#await}.
 *
 * @param <T> the type of the result
 */
public non-sealed class LoopFuture<T extends @Nullable Object> extends Ready {

    /*
     * Two fields. `outcome` is null while pending. `callbacks` is null, or the last of what is to be made ready, in a
     * ring that begins with the first, linked as the ready queue is: the Task that awaits; a Handle around a Notice,
     * for a Listener of the loop's own code, which is called in a later turn by the holder of the baton; or a Handle
     * around a Callback, for a Consumer of the user's, called there by the driver.
     *
     * Becoming done appends the ring to the ready queue, which takes neither memory nor, beyond one call, stack: so an
     * awaiter is never lost halfway. Outcomes that cannot be made for lack of memory are replaced by one made
     * beforehand.
     */

    /** A callback of the loop's own. It must not call foreign code. */
    interface Listener {
        void done(LoopFuture<?> future);

        /**
         * Called if {@link #done} fails, most likely for lack of memory: fails the coroutine or future that would wait
         * forever otherwise.
         */
        void failed(Throwable failure);
    }

    private static final Object NULL_RESULT = new Object();

    private final EventLoop loop;
    private @Nullable Object outcome;
    private @Nullable Ready callbacks;

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
        return outcome instanceof Cancellation;
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
        return switch (requireOutcome("result")) {
            case Cancellation cancellation -> throw cancellation.error();
            case Failure failure -> throw unchecked(failure.retrieve());
            case Object result -> unmask(result);
        };
    }

    /** Returns the exception to throw where no checked exception may be thrown: the one rule for errors. */
    static RuntimeException unchecked(Throwable exception) {
        return switch (exception) {
            case RuntimeException unchecked -> unchecked;
            case Error error -> throw error;
            default -> new CompletionException(exception);
        };
    }

    /**
     * Returns the exception, without waiting.
     *
     * @return the exception, or empty if there is a result
     * @throws InvalidStateException if this future is not done
     * @throws CancelledError if it was cancelled
     */
    public final Optional<Throwable> exception() {
        return switch (requireOutcome("exception")) {
            case Cancellation cancellation -> throw cancellation.error();
            case Failure failure -> Optional.of(failure.retrieve());
            default -> Optional.empty();
        };
    }

    /** Returns the outcome as a value; an exception counts as retrieved. */
    final Outcome<T> outcome() {
        return switch (requireOutcome("outcome")) {
            case Cancellation cancellation -> new Outcome.Cancelled<>(cancellation.error());
            case Failure failure -> new Outcome.Failure<>(failure.retrieve());
            case Object result -> new Outcome.Success<>(unmask(result));
        };
    }

    private Object requireOutcome(String what) {
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
        complete(success(result));
    }

    /**
     * Completes this future with an exception.
     *
     * @param exception the exception that awaiting this future throws
     * @throws InvalidStateException if it is already done
     */
    public void setException(Throwable exception) {
        complete(failure(requireNonNull(exception, "exception")));
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
        complete(cancellation(message));
    }

    /** Fails this future, also with a CancelledError: gather distinguishes the cancellation of a part from its own. */
    final void fail(Throwable exception) {
        Object failure;
        try {
            failure = new Failure(exception);
        } catch (Throwable e) {
            failure = Failure.OUT_OF_MEMORY;
        }
        complete(failure);
    }

    /** Initializes the classes that outcomes consist of; for {@link Groundwork}. */
    static void initialize() {
        var _ = new Cancellation((String) null).error();
    }

    /** Returns an exception as an outcome. */
    static Object failure(Throwable exception) {
        try {
            return exception instanceof CancelledError error ? new Cancellation(error) : new Failure(exception);
        } catch (Throwable e) { // the awaiters must be woken in any case, if need be without the reason
            return exception instanceof CancelledError ? Cancellation.OUT_OF_MEMORY : Failure.OUT_OF_MEMORY;
        }
    }

    /** Returns a cancellation as an outcome. */
    static Object cancellation(@Nullable String message) {
        try {
            return new Cancellation(message);
        } catch (Throwable e) {
            return Cancellation.OUT_OF_MEMORY;
        }
    }

    /** Returns a result as an outcome. */
    static Object success(@Nullable Object result) {
        return result == null ? NULL_RESULT : result;
    }

    final void complete(Object outcome) {
        loop.checkHere("complete");
        if (this.outcome != null) {
            throw new InvalidStateException("Cannot complete " + this + ": it is already done. A future completes once;"
                    + " ask isDone() where losing the race is normal.");
        }
        if (callbacks != null) {
            loop.baton().readyRing(callbacks); // fails, if the stack ends, before it has changed anything
            callbacks = null;
        }
        this.outcome = outcome;
        if (outcome instanceof Failure failure) {
            watch(failure);
        }
    }

    /** Arranges the report of a failure that is never retrieved. Never throws, since this future is done already. */
    private void watch(Failure failure) {
        try {
            if (failure.isToBeRetrieved()) {
                loop.reports().watch(failure, this);
            }
        } catch (Throwable e) {
            Log.log(
                    ERROR,
                    () -> "A failure of " + identity() + " is reported now, whether it is retrieved or not, because of "
                            + SafeToString.of(e),
                    failure.exception());
        }
    }

    /**
     * Adds a callback that the loop calls when this future is done; later, never before this method returns, even if
     * the future is done already. The callback runs in a copy of the context that is current now.
     *
     * @param callback called with this future
     */
    public final void addDoneCallback(Consumer<? super LoopFuture<T>> callback) {
        loop.checkHere("add a callback to");
        requireNonNull(callback, "callback");
        addCallback(handle(callback, loop.captureContext()));
    }

    /**
     * Adds a callback that the loop calls in a given context; see {@link #addDoneCallback(Consumer)}.
     *
     * @param callback called with this future
     * @param context in which it is called, as it is
     */
    public final void addDoneCallback(Consumer<? super LoopFuture<T>> callback, Context context) {
        loop.checkHere("add a callback to");
        addCallback(handle(requireNonNull(callback, "callback"), requireNonNull(context, "context")));
    }

    private Handle handle(Consumer<? super LoopFuture<T>> callback, @Nullable Context context) {
        return Handle.ofCallback(new Callback<>(callback, this), context);
    }

    /**
     * Removes all occurrences of a callback.
     *
     * @param callback the callback that was added
     * @return the number of occurrences
     */
    public final int removeDoneCallback(Consumer<? super LoopFuture<T>> callback) {
        loop.checkHere("remove a callback from");
        // Its equals is foreign code, which may add and remove callbacks, and complete this future. So equals is called
        // before anything changes, and never for a callback of the loop's own.
        var users = new ArrayList<Handle>();
        forEachCallback(added -> {
            if (added instanceof Handle handle && handle.callback instanceof Callback<?>) {
                users.add(handle);
            }
        });
        users.removeIf(
                each -> !(each.callback instanceof Callback<?>(var consumer, var _) && callback.equals(consumer)));
        int removed = 0;
        for (Handle each : users) {
            if (removeCallback(each)) {
                removed++;
            }
        }
        return removed;
    }

    private void forEachCallback(Consumer<Ready> action) {
        Ready last = callbacks;
        if (last != null) {
            Ready each = last;
            do {
                each = requireNonNull(each.link);
                action.accept(each);
            } while (each != last);
        }
    }

    /** Returns the number of callbacks, those of the loop included. */
    final int callbackCount() {
        int[] count = {0};
        forEachCallback(_ -> count[0]++);
        return count[0];
    }

    /** Makes a task ready when this future is done. */
    final void wake(Task<?> task) {
        addCallback(task);
    }

    /** Takes back {@link #wake}; returns false if the task was not waiting, or is ready already. */
    final boolean forget(Task<?> task) {
        return removeCallback(task);
    }

    /** Adds a listener that is called when this future is done; returns the handle for {@link #unlisten}. */
    final Handle listen(Listener listener) {
        var handle = Handle.ofStep(new Notice(listener, this));
        addCallback(handle);
        return handle;
    }

    /** Takes back {@link #listen}, unless the listener has been called or is about to be. */
    static void unlisten(Handle listener) {
        if (listener.callback instanceof Notice(var _, var future)) {
            var _ = future.removeCallback(listener);
        }
    }

    /** Called when this future, which is pending, has its first callback. */
    void firstCallbackAdded() {}

    /** Called when the last callback of this future, which is pending, was removed. */
    void lastCallbackRemoved() {}

    private void addCallback(Ready callback) {
        Ready last = callbacks;
        if (outcome != null) {
            loop.baton().ready(callback);
            return;
        }
        if (last == null) {
            callback.link = callback;
            callback.back = callback;
            firstCallbackAdded();
        } else {
            Ready first = requireNonNull(last.link);
            callback.link = first;
            callback.back = last;
            last.link = callback;
            first.back = callback;
        }
        callbacks = callback;
    }

    /** Removes a callback, however many there are; returns false if this future is done, or had no such callback. */
    private boolean removeCallback(Ready callback) {
        Ready before = callback.back;
        if (before == null) {
            return false;
        }
        Ready after = requireNonNull(callback.link);
        boolean wasLast = before == callback;
        if (wasLast) {
            callbacks = null;
        } else {
            before.link = after;
            after.back = before;
            if (callbacks == callback) {
                callbacks = before;
            }
        }
        callback.link = null;
        callback.back = null;
        if (wasLast) {
            lastCallbackRemoved(); // if this fails, the callback is gone all the same
        }
        return true;
    }

    /** Returns whether this future has an exception; a cancelled one has none. */
    final boolean isFailed() {
        return outcome instanceof Failure;
    }

    /** Returns whether awaiting this future throws a CancelledError: it was cancelled, or a part of it was. */
    final boolean endsInCancelledError() {
        return outcome instanceof Cancellation
                || (outcome instanceof Failure failure && failure.exception() instanceof CancelledError);
    }

    /** Ends another future as this one ended. */
    final void copyTo(LoopFuture<? super T> other) {
        switch (requireOutcome("outcome")) {
            case Cancellation cancellation -> other.cancelNow(cancellation.message);
            case Failure failure -> other.fail(failure.retrieve());
            case Object result -> other.complete(result);
        }
    }

    final String outcomeText() {
        return switch (outcome) {
            case null -> "pending";
            case Cancellation _ -> "cancelled";
            case Failure failure -> "failed with " + SafeToString.of(failure.exception());
            case LoopFuture<?> future -> "result " + future.identity(); // which may be this one
            default -> "result " + (outcome == NULL_RESULT ? "null" : SafeToString.of(outcome));
        };
    }

    /** Returns the futures that this future stands for in a task graph. */
    Collection<? extends LoopFuture<?>> parts() {
        return List.of();
    }

    /** Returns the name of this future in messages, without its state. */
    String identity() {
        return "LoopFuture@" + Integer.toHexString(System.identityHashCode(this));
    }

    @Override
    public String toString() {
        return identity() + "[" + outcomeText() + "]";
    }

    /**
     * The outcome of a cancellation. The first caller that asks gets the error that ended the task; later callers get
     * copies.
     */
    private static final class Cancellation {
        /** The cancellation of a future when there is no memory for another object. */
        static final Cancellation OUT_OF_MEMORY = new Cancellation("there was no memory for the message");

        private final @Nullable String message;
        private @Nullable CancelledError first;
        private final @Nullable CancelledError origin;

        Cancellation(@Nullable String message) {
            this.message = message;
            this.origin = null;
        }

        Cancellation(CancelledError origin) {
            this.message = origin.getMessage();
            this.first = origin;
            this.origin = origin;
        }

        CancelledError error() {
            CancelledError error = first == null ? new CancelledError(message, origin) : first;
            first = null;
            return error;
        }
    }

    /** The call of a listener, which must not be lost. */
    private record Notice(Listener listener, LoopFuture<?> future) implements Runnable {
        @Override
        public void run() {
            try {
                listener.done(future);
            } catch (Throwable e) {
                listener.failed(e);
                Log.log(
                        ERROR,
                        () -> "A listener of " + future + " failed. The coroutine or future behind it gets the error",
                        e);
            }
        }
    }

    /** The call of a consumer of the user's. */
    private record Callback<T extends @Nullable Object>(Consumer<? super LoopFuture<T>> callback, LoopFuture<T> future)
            implements Runnable {
        @Override
        public void run() {
            callback.accept(future);
        }

        @Override
        public String toString() {
            return SafeToString.of(callback) + " of " + future;
        }
    }
}
