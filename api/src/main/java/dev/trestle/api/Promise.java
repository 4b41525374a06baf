package dev.trestle.api;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The writable end of a {@link ConcurrentFuture}: what an executor keeps while its caller holds the future.
 *
 * <p>Thread-safe and lock-free. States, as in Python's {@code concurrent.futures}:
 *
 * <pre>
 *   PENDING --setRunningOrNotifyCancel--> RUNNING --setResult, setException--> FINISHED
 *   PENDING --setResult, setException--> FINISHED
 *   PENDING --cancel--> CANCELLED
 *   RUNNING --cancel--> CANCELLED        only with a {@link Canceller}, which stops the work
 * </pre>
 *
 * <p>The first completion wins. {@code set...} methods throw when they lose, {@code trySet...} methods return whether
 * they won.
 *
 * @param <T> the type of the result
 */
public final class Promise<T extends @Nullable Object> implements ConcurrentFuture<T> {

    /*
     * Two words. `state` is null while pending, RUNNING, or the outcome; it changes by compare-and-set and an outcome is
     * final. `listeners` is a Treiber stack of callbacks and waiting threads, as in CompletableFuture.
     *
     * The law is that callbacks run in the order they were added, each once, also when one is added while the others run.
     * So at most one thread may run them at a time: it is the one that replaced the stack with the marker DRAINING. Who
     * finds a marker at the bottom of the stack pushes on top of it and leaves; the drainer looks again before it takes
     * the marker away. `aboveMarker` answers "is there a marker at the bottom" without walking. Our own listeners, the
     * waiting threads and the waits for many futures, are told before the first callback runs: they must not wait for
     * foreign code.
     *
     * No lock is held while foreign code runs, because there is none.
     */

    /** How the work behind a running promise is told that its promise was cancelled. */
    @FunctionalInterface
    public interface Canceller {

        /**
         * Called once, after a pending or running promise became cancelled, on the thread that cancelled it, before its
         * callbacks.
         *
         * @param wasRunning whether the promise was running
         * @param mayInterrupt whether running work is to be interrupted; if not, it goes on and its outcome is dropped
         */
        void cancelled(boolean wasRunning, boolean mayInterrupt);
    }

    private static final System.Logger logger = System.getLogger(Promise.class.getName());

    /** Objects that no caller can hold, unlike a string literal: a result may be any object. */
    private static final Object RUNNING = new Object();

    private static final Object NULL_RESULT = new Object();
    private static final Listener DRAINING = new Listener(new Object(), null, false);

    private static final VarHandle STATE;
    private static final VarHandle LISTENERS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(Promise.class, "state", Object.class);
            LISTENERS = lookup.findVarHandle(Promise.class, "listeners", Listener.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile @Nullable Object state;
    private volatile @Nullable Listener listeners;
    private final @Nullable Canceller canceller;

    /** Creates a pending promise that can be cancelled only until it runs, as in Python. */
    public Promise() {
        this.canceller = null;
    }

    /**
     * Creates a pending promise that can also be cancelled while it runs.
     *
     * @param canceller told when the promise is cancelled
     */
    public Promise(Canceller canceller) {
        this.canceller = requireNonNull(canceller, "canceller");
    }

    // Writing

    /**
     * Claims the promise for running. An executor calls it right before the task, and skips the task if it returns
     * false.
     *
     * @return true if the promise was pending and is running now, false if it was cancelled
     * @throws InvalidStateException if it is already running or finished
     */
    public boolean setRunningOrNotifyCancel() {
        if (STATE.compareAndSet(this, null, RUNNING)) {
            return true;
        }
        if (isCancelled()) {
            return false;
        }
        throw new InvalidStateException(
                "Cannot start " + this + ": it was started or finished before. One promise stands for one call.");
    }

    /**
     * Completes this promise with a result.
     *
     * @param result the result
     * @throws InvalidStateException if it is already done
     */
    public void setResult(T result) {
        if (!trySetResult(result)) {
            throw alreadyDone("a result");
        }
    }

    /**
     * Completes this promise with an exception.
     *
     * @param exception what the call threw
     * @throws InvalidStateException if it is already done
     */
    public void setException(Throwable exception) {
        if (!trySetException(exception)) {
            throw alreadyDone("an exception");
        }
    }

    /**
     * Completes this promise with a result, unless it is already done.
     *
     * @param result the result
     * @return whether this call completed it
     */
    public boolean trySetResult(T result) {
        return complete(result == null ? NULL_RESULT : result);
    }

    /**
     * Completes this promise with an exception, unless it is already done.
     *
     * @param exception what the call threw
     * @return whether this call completed it
     */
    public boolean trySetException(Throwable exception) {
        return complete(new Failure(requireNonNull(exception, "exception")));
    }

    /**
     * Cancels this promise: at once if it is pending; if it is running, only when it was created with a
     * {@link Canceller}.
     *
     * @param mayInterruptIfRunning passed to the canceller
     * @return whether this call cancelled it
     */
    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        while (true) {
            Object current = state;
            if (outcomeIn(current) != null || (current == RUNNING && canceller == null)) {
                return false;
            }
            if (STATE.compareAndSet(this, current, Cancelled.INSTANCE)) {
                try {
                    if (canceller != null) {
                        canceller.cancelled(current == RUNNING, mayInterruptIfRunning);
                    }
                } finally {
                    drain();
                }
                return true;
            }
        }
    }

    private boolean complete(Object outcome) {
        while (true) {
            Object current = state;
            if (outcomeIn(current) != null) {
                return false;
            }
            if (STATE.compareAndSet(this, current, outcome)) {
                drain();
                return true;
            }
        }
    }

    private InvalidStateException alreadyDone(String what) {
        return new InvalidStateException(
                "Cannot set " + what + " on " + this + ", which is already done. Use trySetResult"
                        + " or trySetException, which return false, where losing the race is normal.");
    }

    // Reading

    @Override
    public boolean isDone() {
        return outcomeIn(state) != null;
    }

    @Override
    public boolean isCancelled() {
        return state == Cancelled.INSTANCE;
    }

    @Override
    public boolean isRunning() {
        return state == RUNNING;
    }

    @Override
    public State state() {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            return State.RUNNING;
        }
        return switch (outcome) {
            case Cancelled _ -> State.CANCELLED;
            case Failure _ -> State.FAILED;
            default -> State.SUCCESS;
        };
    }

    @Override
    public T result() {
        return value(outcomeWaiting());
    }

    @Override
    public T result(Duration timeout) throws TimeoutException {
        requireNonNull(timeout, "timeout");
        try {
            return value(outcomeWithin(Deadline.nanos(timeout)));
        } catch (InterruptedException e) {
            throw Interruption.during("waiting for " + this, e);
        }
    }

    @Override
    public Optional<Throwable> exception() {
        return switch (outcomeWaiting()) {
            case Cancelled _ -> throw cancellation();
            case Failure(var exception) -> Optional.of(exception);
            default -> Optional.empty();
        };
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        return valueOrExecutionException(outcome());
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        return valueOrExecutionException(outcomeWithin(unit.toNanos(timeout)));
    }

    @Override
    public T resultNow() {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            throw new IllegalStateException(this + " is not done: it has no result yet");
        }
        return switch (outcome) {
            case Cancelled _ -> throw new IllegalStateException(this + " has no result: it was cancelled");
            case Failure(var exception) ->
                throw new IllegalStateException(this + " has no result: it failed", exception);
            default -> unmask(outcome);
        };
    }

    @Override
    public Throwable exceptionNow() {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            throw new IllegalStateException(this + " is not done: it has no exception yet");
        }
        if (outcome instanceof Failure(var exception)) {
            return exception;
        }
        throw new IllegalStateException(this + " has no exception");
    }

    @Override
    public void addDoneCallback(Consumer<? super ConcurrentFuture<T>> callback) {
        requireNonNull(callback, "callback");
        push(callback);
        if (isDone()) {
            drain();
        }
    }

    @Override
    public CompletableFuture<T> toCompletableFuture() {
        var view = new CompletableFuture<T>() {
            @Override
            public boolean cancel(boolean mayInterruptIfRunning) {
                boolean cancelled = super.cancel(mayInterruptIfRunning);
                if (cancelled) {
                    Promise.this.cancel(true);
                }
                return cancelled;
            }
        };
        addDoneCallback(_ -> {
            switch (requireNonNull(state)) {
                case Cancelled _ -> view.completeExceptionally(cancellation());
                case Failure(var exception) -> view.completeExceptionally(exception);
                case Object outcome -> view.complete(unmask(outcome));
            }
        });
        return view;
    }

    @Override
    public String toString() {
        Object current = state;
        String text;
        if (current == null) {
            text = "pending";
        } else if (current == RUNNING) {
            text = "running";
        } else {
            text = switch (current) {
                case Cancelled _ -> "cancelled";
                case Failure(var exception) ->
                    "failed with " + exception.getClass().getName();
                default ->
                    current == NULL_RESULT
                            ? "result null"
                            : "result of " + current.getClass().getName();
            };
        }
        return "Promise@" + Integer.toHexString(System.identityHashCode(this)) + "[" + text + "]";
    }

    // Outcomes

    private static @Nullable Object outcomeIn(@Nullable Object state) {
        return state == RUNNING ? null : state;
    }

    private T value(Object outcome) {
        return switch (outcome) {
            case Cancelled _ -> throw cancellation();
            case Failure(RuntimeException exception) -> throw exception;
            case Failure(Error error) -> throw error;
            case Failure(var checked) -> throw new CompletionException(checked);
            default -> unmask(outcome);
        };
    }

    private T valueOrExecutionException(Object outcome) throws ExecutionException {
        return switch (outcome) {
            case Cancelled _ -> throw cancellation();
            case Failure(var exception) -> throw new ExecutionException(exception);
            default -> unmask(outcome);
        };
    }

    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    private static <T extends @Nullable Object> T unmask(Object outcome) {
        return outcome == NULL_RESULT ? null : (T) outcome;
    }

    private CancellationException cancellation() {
        return new CancellationException(this + " was cancelled");
    }

    // Waiting

    private Object outcomeWaiting() {
        try {
            return outcome();
        } catch (InterruptedException e) {
            throw Interruption.during("waiting for " + this, e);
        }
    }

    private Object outcome() throws InterruptedException {
        Object outcome = outcomeIn(state);
        return outcome != null ? outcome : requireNonNull(parkUntilDone(false, 0));
    }

    private Object outcomeWithin(long nanos) throws InterruptedException, TimeoutException {
        Object outcome = outcomeIn(state);
        if (outcome == null && nanos > 0) {
            outcome = parkUntilDone(true, System.nanoTime() + nanos);
        }
        if (outcome == null) {
            throw new TimeoutException(
                    this + " was not done after " + Duration.ofNanos(Math.max(0, nanos)) + "; it goes on");
        }
        return outcome;
    }

    private @Nullable Object parkUntilDone(boolean timed, long deadline) throws InterruptedException {
        WaitGuards.beforeWait(this);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        var parked = new ParkedThread();
        push(parked);
        try {
            while (true) {
                Object outcome = outcomeIn(state);
                if (outcome != null) {
                    return outcome;
                }
                if (timed) {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        return null;
                    }
                    LockSupport.parkNanos(this, left);
                } else {
                    LockSupport.park(this);
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        } finally {
            if (!isDone()) {
                removeWait(parked);
            }
        }
    }

    // Listeners

    private void push(Object target) {
        while (true) {
            Listener top = listeners;
            if (LISTENERS.compareAndSet(this, top, new Listener(target, top, isDraining(top)))) {
                return;
            }
        }
    }

    private static boolean isDraining(@Nullable Listener top) {
        return top != null && (top == DRAINING || top.aboveMarker);
    }

    /** Runs what is on the stack, unless another thread is doing so; called only when this promise is done. */
    private void drain() {
        Listener top;
        do {
            top = listeners;
            if (top == null || isDraining(top)) {
                return;
            }
        } while (!LISTENERS.compareAndSet(this, top, DRAINING));
        while (true) {
            for (Listener each = tellWaitsAndReverse(top); each != null; each = each.next) {
                call(each.target);
            }
            if (LISTENERS.compareAndSet(this, DRAINING, null)) {
                return;
            }
            top = (Listener) LISTENERS.getAndSet(this, DRAINING);
        }
    }

    private @Nullable Listener tellWaitsAndReverse(@Nullable Listener top) {
        Listener oldest = null;
        for (Listener each = top; each != null && each != DRAINING; each = each.next) {
            if (each.target instanceof Wait wait) {
                wait.onDone(this);
            } else {
                oldest = new Listener(each.target, oldest, false);
            }
        }
        return oldest;
    }

    @SuppressWarnings("unchecked")
    private void call(Object callback) {
        try {
            ((Consumer<? super ConcurrentFuture<T>>) callback).accept(this);
        } catch (Throwable e) {
            // Nobody waits for a callback: this is the last place where its failure can be seen. An Error must not
            // keep the others from running either; nor must its toString, which is as foreign.
            logger.log(ERROR, "A callback, " + callback.getClass().getName() + ", failed on " + this, e);
        }
    }

    /** Adds a wait, which is told once; at once, and by this thread, if this promise is done. */
    void addWait(Wait wait) {
        push(wait);
        if (isDone()) {
            drain();
        }
    }

    /** Removes a wait that gave up, so that polling a future with a timeout leaves nothing behind. */
    void removeWait(Wait wait) {
        while (true) {
            Listener top = listeners;
            if (top == null || isDraining(top)) {
                return; // done meanwhile: the drainer drops everything
            }
            if (LISTENERS.compareAndSet(this, top, without(wait, top))) {
                return;
            }
        }
    }

    private static @Nullable Listener without(Wait wait, Listener top) {
        if (top.target == wait) {
            return top.next;
        }
        Listener reversed = null;
        for (Listener each = top; each != null; each = each.next) {
            if (each.target != wait) {
                reversed = new Listener(each.target, reversed, false);
            }
        }
        Listener kept = null;
        for (Listener each = reversed; each != null; each = each.next) {
            kept = new Listener(each.target, kept, false);
        }
        return kept;
    }

    /** A link of the stack: a callback or a {@link Wait}. Immutable, so that whoever took the stack owns it. */
    private record Listener(Object target, @Nullable Listener next, boolean aboveMarker) {}

    /** What waits for a promise inside this module: told before any callback runs, so it must be short. */
    interface Wait {
        void onDone(ConcurrentFuture<?> promise);
    }

    private static final class ParkedThread implements Wait {
        private final Thread thread = Thread.currentThread();

        @Override
        public void onDone(ConcurrentFuture<?> promise) {
            LockSupport.unpark(thread);
        }
    }

    private record Failure(Throwable exception) {}

    private enum Cancelled {
        INSTANCE
    }
}
