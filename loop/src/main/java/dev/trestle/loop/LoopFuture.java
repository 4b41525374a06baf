package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.InvalidStateException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Predicate;
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
     * is the Task that awaits, which becoming done makes ready without another object; a Listener of the loop's own code,
     * which is called in a later turn by whoever holds the baton; or a Consumer of the user's, called there by the driver,
     * bare or InContext.
     */

    /** A callback of the loop's own. It must not call foreign code. */
    @FunctionalInterface
    interface Listener {
        void done(LoopFuture<?> future);
    }

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

    /** Returns what to throw where no checked exception may be thrown: the one rule for errors. */
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
     * @return what it failed with, or empty if there is a result
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
        complete(exception instanceof CancelledError error ? new Cancellation(error) : new Failure(exception));
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
        complete(new Cancellation(message));
    }

    /** Fails this future, also with a CancelledError: gather tells the cancellation of a part from its own. */
    final void fail(Throwable exception) {
        complete(new Failure(exception));
    }

    private void complete(Object outcome) {
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
        if (outcome instanceof Failure failure && !(failure.exception() instanceof CancelledError)) {
            loop.reports().watch(failure, this); // last: whatever becomes of the report, nobody waits in vain
        }
    }

    private void schedule(Object callback) {
        loop.baton()
                .ready(
                        switch (callback) {
                            case Task<?> awaiting -> awaiting;
                            case Listener listener -> new Handle(() -> listener.done(this), true);
                            case InContext(var consumer, var context) -> handle(consumer, context);
                            default -> handle(callback, null);
                        });
    }

    @SuppressWarnings("unchecked")
    private Handle handle(Object consumer, @Nullable Context context) {
        return new Handle(new Callback<>((Consumer<? super LoopFuture<T>>) consumer, this), false, context);
    }

    /**
     * Adds a callback that the loop calls when this future is done; later, never before this method returns, even if it
     * is done already. It is called in a copy of the context that is current now.
     *
     * @param callback called with this future
     */
    public final void addDoneCallback(Consumer<? super LoopFuture<T>> callback) {
        loop.checkHere("add a callback to");
        requireNonNull(callback, "callback");
        Context context = loop.captureContext();
        addCallback(context == null ? callback : new InContext(callback, context));
    }

    /**
     * Adds a callback that the loop calls in a given context; see {@link #addDoneCallback(Consumer)}.
     *
     * @param callback called with this future
     * @param context in which it is called, as it is
     */
    public final void addDoneCallback(Consumer<? super LoopFuture<T>> callback, Context context) {
        loop.checkHere("add a callback to");
        addCallback(new InContext(requireNonNull(callback, "callback"), requireNonNull(context, "context")));
    }

    /**
     * Removes a callback, as often as it was added.
     *
     * @param callback what was added
     * @return how often it was there
     */
    public final int removeDoneCallback(Consumer<? super LoopFuture<T>> callback) {
        loop.checkHere("remove a callback from");
        // Its equals is foreign code, which may add and remove callbacks, and complete this future. So it is asked
        // before
        // anything changes, and never about a callback of the loop's own.
        List<?> added = callbacks instanceof ArrayList<?> several
                ? List.copyOf(several)
                : callbacks == null ? List.of() : List.of(callbacks);
        Set<Object> equal = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Object each : added) {
            if (isUsers(each) && callback.equals(each instanceof InContext(var consumer, var _) ? consumer : each)) {
                equal.add(each);
            }
        }
        return removeCallbacks(equal::contains);
    }

    private static boolean isUsers(Object callback) {
        return !(callback instanceof Task || callback instanceof Listener);
    }

    /** Makes a task ready when this future is done. */
    final void wake(Task<?> task) {
        addCallback(task);
    }

    /** Takes back {@link #wake}; returns false if the task was not waiting, or is ready already. */
    final boolean forget(Task<?> task) {
        return removeCallbacks(added -> added == task) > 0;
    }

    final void listen(Listener listener) {
        addCallback(listener);
    }

    final void unlisten(Listener listener) {
        removeCallbacks(added -> added == listener);
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

    private int removeCallbacks(Predicate<Object> which) {
        if (callbacks instanceof ArrayList<?> several) {
            int before = several.size();
            several.removeIf(which);
            return before - several.size();
        }
        if (callbacks != null && which.test(callbacks)) {
            callbacks = null;
            return 1;
        }
        return 0;
    }

    /** Returns whether this future has an exception; a cancelled one has none. */
    final boolean isFailed() {
        return outcome instanceof Failure;
    }

    /** Returns whether the result is a CancelledError: this was cancelled, or a part of it was. */
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
            case Failure failure -> "failed with " + Words.of(failure.exception());
            case LoopFuture<?> future -> "result " + future.identity(); // which may be this one
            default -> "result " + (outcome == NULL_RESULT ? "null" : Words.of(outcome));
        };
    }

    /** Returns the futures that this one stands for, in a picture of who awaits whom. */
    Collection<? extends LoopFuture<?>> parts() {
        return List.of();
    }

    /** What this future is called in messages, whatever its state. */
    String identity() {
        return "LoopFuture@" + Integer.toHexString(System.identityHashCode(this));
    }

    @Override
    public String toString() {
        return identity() + "[" + outcomeText() + "]";
    }

    /** Outcome of a cancellation. The error that ended a task goes to the first who asks, as it is; others get copies. */
    private static final class Cancellation {
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

    /** A callback of the user's that was added in a context that is not empty. */
    private record InContext(Object consumer, Context context) {}

    private record Callback<T extends @Nullable Object>(Consumer<? super LoopFuture<T>> callback, LoopFuture<T> future)
            implements Runnable {
        @Override
        public void run() {
            callback.accept(future);
        }

        @Override
        public String toString() {
            return Words.of(callback) + " of " + future;
        }
    }
}
