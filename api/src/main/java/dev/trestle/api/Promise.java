package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
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
 * <p>Where stack or memory ends inside {@code set...}, {@code trySet...}, {@code cancel} or {@code addDoneCallback},
 * the caller gets the {@link StackOverflowError} or {@link OutOfMemoryError}, and nothing has changed: the caller may
 * try again.
 *
 * {@snippet class="dev.trestle.api.JavadocExamplesTest" region="promise"}
 *
 * @param <T> the type of the result
 */
public final class Promise<T extends @Nullable Object> implements ConcurrentFuture<T> {

    /*
     * Two words. `state` is null while pending, RUNNING, or the outcome; it changes by compare-and-set and an outcome
     * is final. A failure is its exception itself; a result that is null or an exception is masked. `listeners` is a
     * Treiber stack of callbacks and waiting threads, as in CompletableFuture.
     *
     * The law is that callbacks run in the order they were added, each once, also when one is added while the others
     * run. So at most one thread may run them at a time: the one that replaced the stack with the marker DRAINING. A
     * thread that finds a marker at the bottom of the stack pushes on top of it and leaves; the drainer looks again
     * before it takes the marker away. `aboveMarker` answers "is there a marker at the bottom" without walking. Our own
     * listeners, the waiting threads and the waits for many futures, are told before the first callback runs: they must
     * not wait for foreign code.
     *
     * No lock is held while foreign code runs, because there is none.
     *
     * An outcome is final, so the thread that sets it must be able to notify the listeners. Hence nothing is allocated
     * from then on, the stack is reversed in place, and before that point the setter makes sure that there is stack
     * left. CallbackNesting limits how deep callbacks nest. See ADR 22.
     */

    /** A listener that stops the work behind a promise when the promise is cancelled. */
    @FunctionalInterface
    public interface Canceller {

        /**
         * Called once, after a pending or running promise became cancelled, on the thread that cancelled it, before its
         * callbacks.
         *
         * @param wasRunning whether the promise was running
         * @param mayInterrupt true if running work must be interrupted; if false, the work goes on and its outcome is
         *     dropped
         */
        void cancelled(boolean wasRunning, boolean mayInterrupt);

        /**
         * Names the work, for messages; by default, it has no name. May be called from any thread at any time.
         *
         * @return a name such as "the call of this class on that pool"
         */
        default String description() {
            return "";
        }

        /**
         * Called on a thread that is about to run callbacks of the promise, after the threads that wait for it have
         * been woken; not if there are no callbacks. May be called several times. For executors with threads that are
         * not free for the next call while they run callbacks. Does nothing by default.
         */
        default void onCallbacks() {}
    }

    private volatile @Nullable Object state;
    private volatile @Nullable Listener listeners;
    private final @Nullable Canceller canceller;

    /** Creates a pending promise that can be cancelled only until it runs, as in Python. */
    public Promise() {
        Groundwork.ensure();
        this.canceller = null;
    }

    /**
     * Creates a pending promise that can also be cancelled while it runs.
     *
     * @param canceller called when the promise is cancelled
     */
    public Promise(Canceller canceller) {
        Groundwork.ensure();
        this.canceller = requireNonNull(canceller, "canceller");
    }

    /** Creates a promise for {@link Groundwork} itself. */
    @SuppressWarnings("UnusedVariable") // tells this constructor from the others
    Promise(Groundwork groundwork) {
        this.canceller = null;
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
        if (Words.STATE.compareAndSet(this, null, Words.RUNNING)) {
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
     * @param exception the exception of the call
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
        return complete(result == null ? Words.NULL_RESULT : result instanceof Throwable ? new Masked(result) : result);
    }

    /**
     * Completes this promise with an exception, unless it is already done.
     *
     * @param exception the exception of the call
     * @return whether this call completed it
     */
    public boolean trySetException(Throwable exception) {
        return complete(requireNonNull(exception, "exception"));
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
        if (isDone()) {
            return false;
        }
        StackRoom.require();
        while (true) {
            Object current = state;
            if (outcomeIn(current) != null || (current == Words.RUNNING && canceller == null)) {
                return false;
            }
            var cancellation = canceller == null
                    ? null
                    : new Cancellation(canceller, current == Words.RUNNING, mayInterruptIfRunning);
            if (Words.STATE.compareAndSet(this, current, Words.CANCELLED)) {
                if (cancellation == null) {
                    drain();
                } else {
                    CallbackNesting.run(this, cancellation);
                }
                return true;
            }
        }
    }

    private boolean complete(Object outcome) {
        if (isDone()) {
            return false;
        }
        if (listeners != null) {
            StackRoom.require();
        }
        while (true) {
            Object current = state;
            if (outcomeIn(current) != null) {
                return false;
            }
            if (Words.STATE.compareAndSet(this, current, outcome)) {
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
        return state == Words.CANCELLED;
    }

    @Override
    public boolean isRunning() {
        return state == Words.RUNNING;
    }

    @Override
    public State state() {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            return State.RUNNING;
        }
        if (outcome == Words.CANCELLED) {
            return State.CANCELLED;
        }
        return outcome instanceof Throwable ? State.FAILED : State.SUCCESS;
    }

    @Override
    public T result() {
        return value(outcomeWaiting());
    }

    @Override
    public T result(Duration timeout) throws TimeoutException {
        requireNonNull(timeout, "timeout");
        try {
            return value(outcomeWithin(timeout));
        } catch (InterruptedException e) {
            throw Interruption.during("waiting for " + this, e);
        }
    }

    @Override
    public Optional<Throwable> exception() {
        Object outcome = outcomeWaiting();
        if (outcome == Words.CANCELLED) {
            throw cancellation();
        }
        return outcome instanceof Throwable exception ? Optional.of(exception) : Optional.empty();
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        return valueOrExecutionException(outcome());
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        return valueOrExecutionException(outcomeWithin(TimeLimit.of(timeout, unit)));
    }

    @Override
    public T resultNow() {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            throw new IllegalStateException(this + " is not done: it has no result yet");
        }
        if (outcome == Words.CANCELLED) {
            throw new IllegalStateException(this + " has no result: it was cancelled");
        }
        if (outcome instanceof Throwable exception) {
            throw new IllegalStateException(this + " has no result: it failed", exception);
        }
        return unmask(outcome);
    }

    @Override
    public Throwable exceptionNow() {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            throw new IllegalStateException(this + " is not done: it has no exception yet");
        }
        if (outcome instanceof Throwable exception) {
            return exception;
        }
        throw new IllegalStateException(this + " has no exception");
    }

    @Override
    public void addDoneCallback(Consumer<? super ConcurrentFuture<T>> callback) {
        requireNonNull(callback, "callback");
        CarriedContext context = CarriedContext.capture();
        add(context.isNothing() ? callback : new InContext<>(callback, context));
    }

    @Override
    public CompletableFuture<T> toCompletableFuture() {
        var view = new View<>(this);
        add(view.completion(this));
        return view;
    }

    /** Ends a view as this promise has ended. */
    void complete(CompletableFuture<T> view) {
        Object outcome = requireNonNull(state);
        if (outcome == Words.CANCELLED) {
            view.completeExceptionally(cancellation());
        } else if (outcome instanceof Throwable exception) {
            view.completeExceptionally(Causes.completing(exception));
        } else {
            view.complete(unmask(outcome));
        }
    }

    @Override
    public String toString() {
        Object current = state;
        String text;
        if (current == null) {
            text = "pending";
        } else if (current == Words.RUNNING) {
            text = "running";
        } else if (current == Words.CANCELLED) {
            text = "cancelled";
        } else if (current instanceof Throwable exception) {
            text = "failed with " + exception.getClass().getName();
        } else if (current == Words.NULL_RESULT) {
            text = "result null";
        } else {
            Object result = current instanceof Masked masked ? masked.result : current;
            text = "result of " + result.getClass().getName();
        }
        String of = canceller == null ? "" : canceller.description();
        return "Promise@" + Integer.toHexString(System.identityHashCode(this)) + "[" + text
                + (of.isEmpty() ? "" : ", " + of) + "]";
    }

    // Outcomes

    private static @Nullable Object outcomeIn(@Nullable Object state) {
        return state == Words.RUNNING ? null : state;
    }

    private T value(Object outcome) {
        if (outcome == Words.CANCELLED) {
            throw cancellation();
        }
        if (outcome instanceof Throwable thrown) {
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
            if (thrown instanceof Error error) {
                throw error;
            }
            throw Causes.completion(thrown);
        }
        return unmask(outcome);
    }

    private T valueOrExecutionException(Object outcome) throws ExecutionException {
        if (outcome == Words.CANCELLED) {
            throw cancellation();
        }
        if (outcome instanceof Throwable exception) {
            throw Causes.execution(exception);
        }
        return unmask(outcome);
    }

    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    private static <T extends @Nullable Object> T unmask(Object outcome) {
        if (outcome == Words.NULL_RESULT) {
            return null;
        }
        return (T) (outcome instanceof Masked masked ? masked.result : outcome);
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

    private Object outcomeWithin(Duration limit) throws InterruptedException, TimeoutException {
        Object outcome = outcomeIn(state);
        if (outcome == null) {
            long nanos = TimeLimit.nanos(limit);
            if (nanos > 0) {
                outcome = parkUntilDone(true, System.nanoTime() + nanos);
            } else if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
        if (outcome == null) {
            throw new TimeoutException(this + " was not done after " + limit + "; it goes on");
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

    /** Adds a wait, which is notified once; if this promise is done, now and by this thread. */
    void addWait(Wait wait) {
        add(wait);
    }

    private void add(Object target) {
        if (isDone()) {
            StackRoom.require();
        }
        push(target);
        if (isDone()) {
            drain();
        }
    }

    private void push(Object target) {
        var pushed = new Listener(target);
        while (true) {
            Listener top = listeners;
            pushed.follow(top);
            pushed.aboveMarker = isDraining(top);
            if (Words.LISTENERS.compareAndSet(this, top, pushed)) {
                if (pushed.count >= pushed.purgeAt) {
                    purge();
                }
                return;
            }
        }
    }

    /**
     * Removes the waits of iterations that are garbage. Garbage sends no notice, so this method looks at all listeners,
     * as soon as there are twice as many as were alive the last time: on average, a push looks at two.
     */
    private void purge() {
        Listener top = listeners;
        if (top == null || isDraining(top)) {
            return; // done by now: the drainer drops everything
        }
        try {
            Listener alive = without(null, top);
            if (alive != null) {
                alive.purgeAt = Math.max(Listener.FEW, 2 * alive.count);
            }
            // If this fails, another thread has changed the stack, and that thread purges if need be.
            Words.LISTENERS.compareAndSet(this, top, alive);
        } catch (Throwable e) {
            // There is no memory, or no stack. The callbacks that were pushed stay; the next push tries again.
        }
    }

    private static boolean isDraining(@Nullable Listener top) {
        return top != null && (top == Words.DRAINING || top.aboveMarker);
    }

    /**
     * Notifies the listeners on the stack, unless another thread is doing so; called only when this promise is done.
     */
    private void drain() {
        Listener top;
        do {
            top = listeners;
            if (top == null || isDraining(top)) {
                return;
            }
        } while (!Words.LISTENERS.compareAndSet(this, top, Words.DRAINING));
        Listener callbacks = tellWaits(top);
        if (callbacks != null || !isDrained()) {
            if (canceller != null) {
                announceCallbacks(canceller);
            }
            CallbackNesting.run(this, callbacks);
        }
    }

    private void announceCallbacks(Canceller to) {
        try {
            to.onCallbacks();
        } catch (Throwable e) {
            report("canceller", to, e);
        }
    }

    /**
     * Logs the failure of a callback. No caller waits for a callback, so this is the last place where its failure can
     * be seen. Neither an Error nor its toString, which is foreign code too, may keep the other callbacks from running.
     */
    void report(String what, Object target, Throwable failure) {
        try {
            Log.failed(what, target, this, failure);
        } catch (Throwable e) {
            // The log has failed as well, as it may when stack or memory is exhausted. No other place is left to report
            // to.
        }
    }

    /** Takes the marker away, unless there are new listeners. */
    private boolean isDrained() {
        return Words.LISTENERS.compareAndSet(this, Words.DRAINING, null);
    }

    /**
     * Notifies the canceller, if there is a cancellation, and then the listeners; or runs callbacks that this thread
     * has taken. Called by {@link CallbackNesting} only. Throws what the canceller throws, but nothing that a callback
     * throws.
     */
    void finish(@Nullable Listener callbacks, @Nullable Cancellation cancellation) {
        if (cancellation == null) {
            runCallbacks(callbacks);
            return;
        }
        try {
            cancellation.canceller.cancelled(cancellation.wasRunning, cancellation.mayInterrupt);
        } finally {
            drain();
        }
    }

    /** Runs callbacks, and those that are added while they run. The marker is on the stack. */
    private void runCallbacks(@Nullable Listener first) {
        Listener callbacks = first;
        do {
            for (Listener each = callbacks; each != null; each = each.next) {
                runCallback(each.target);
            }
            callbacks = null;
            if (listeners != Words.DRAINING) {
                callbacks = tellWaits((Listener) Words.LISTENERS.getAndSet(this, Words.DRAINING));
            }
        } while (callbacks != null || !isDrained());
    }

    /** Runs a callback with what the thread that added it carried. */
    @SuppressWarnings("unchecked")
    private void runCallback(Object target) {
        InContext<?> carried = target instanceof InContext<?> with ? with : null;
        Object callback = carried == null ? target : carried.callback;
        ContextCarrier.Scope scope =
                (carried == null ? CarriedContext.nothing() : carried.context).restore(); // throws nothing
        try {
            ((Consumer<? super ConcurrentFuture<T>>) callback).accept(this);
        } catch (Throwable e) {
            report("callback", callback, e);
        } finally {
            scope.close();
        }
    }

    /**
     * Notifies the waits of a stack that this thread has taken, and returns the callbacks of that stack, the oldest
     * first.
     */
    private @Nullable Listener tellWaits(@Nullable Listener top) {
        Listener oldest = null;
        Listener each = top;
        while (each != null && each != Words.DRAINING) {
            Listener next = each.next;
            if (each.target instanceof Wait wait) {
                try {
                    wait.onDone(this);
                } catch (Throwable e) { // of the scheduler of a virtual thread, for instance
                    report("wait", wait, e);
                }
            } else {
                each.next = oldest;
                oldest = each;
            }
            each = next;
        }
        return oldest;
    }

    /** Returns the number of listeners; for tests. */
    int listenerCount() {
        Listener top = listeners;
        return top == null ? 0 : top.count;
    }

    /**
     * Removes a wait that has timed out or was interrupted, so that polling a future with a timeout leaves nothing
     * behind.
     */
    void removeWait(Wait wait) {
        while (true) {
            Listener top = listeners;
            if (top == null || isDraining(top)) {
                return; // done by now: the drainer drops everything
            }
            Listener others = top.target == wait ? top.next : without(wait, top);
            if (Words.LISTENERS.compareAndSet(this, top, others)) {
                return;
            }
        }
    }

    /**
     * Returns a copy without one wait, if it is given, and without waits that are not awaited. Should a drainer take
     * the stack at the same time and turn its links, this walk is wrong, but it ends, at the latest where the drainer
     * has begun; and the copy is not used.
     */
    private static @Nullable Listener without(@Nullable Wait unwanted, Listener top) {
        Listener newest = null;
        Listener last = null;
        int count = 0;
        for (Listener each = top; each != null; each = each.next) {
            if (each.target != unwanted && !(each.target instanceof Wait wait && !wait.isAwaited())) {
                var kept = new Listener(each.target);
                if (last == null) {
                    newest = kept;
                } else {
                    last.next = kept;
                }
                last = kept;
                count++;
            }
        }
        if (newest != null) {
            newest.count = count;
            newest.purgeAt = top.purgeAt;
        }
        return newest;
    }

    /** A link of the stack: a callback or a {@link Wait}. Only a thread that has taken the stack changes it. */
    static final class Listener {
        static final int FEW = 64;

        final Object target;

        @Nullable
        Listener next;

        boolean aboveMarker;

        /**
         * The number of listeners from here on, and the number at which to look for garbage; right at the top of a
         * stack.
         */
        int count = 1;

        int purgeAt = FEW;

        Listener(Object target) {
            this.target = target;
        }

        void follow(@Nullable Listener top) {
            next = top;
            count = top == null ? 1 : top.count + 1;
            purgeAt = top == null ? FEW : top.purgeAt;
        }
    }

    /** A callback, and what the thread that added it carried. */
    private record InContext<T extends @Nullable Object>(
            Consumer<? super ConcurrentFuture<T>> callback, CarriedContext context) {}

    /** A cancellation that a canceller must be notified of. */
    record Cancellation(Canceller canceller, boolean wasRunning, boolean mayInterrupt) {}

    /**
     * A wait for a promise inside this module. It is notified before any callback runs, so it must be short, and
     * allocate nothing.
     */
    interface Wait {
        void onDone(ConcurrentFuture<?> promise);

        /** Returns false if no thread will ever look at this wait again. */
        default boolean isAwaited() {
            return true;
        }
    }

    static final class ParkedThread implements Wait {
        private final Thread thread = Thread.currentThread();

        @Override
        public void onDone(ConcurrentFuture<?> promise) {
            LockSupport.unpark(thread);
        }
    }

    /** A result that is an exception, wrapped to tell it from a failure. */
    private static final class Masked {
        final Object result;

        Masked(Object result) {
            this.result = result;
        }
    }

    /**
     * Constants that all promises share. A class of their own, so that {@link Promise} has no static initializer: an
     * initializer that met the end of the stack would make its class unusable for good.
     */
    private static final class Words {
        /** An object that no caller can hold, unlike a string literal: a result may be any object. */
        static final Object RUNNING = new Object();

        static final Object CANCELLED = new Object();
        static final Object NULL_RESULT = new Object();
        static final Listener DRAINING = new Listener(new Object());

        static final VarHandle STATE;
        static final VarHandle LISTENERS;

        static {
            try {
                var lookup = MethodHandles.lookup();
                STATE = lookup.findVarHandle(Promise.class, "state", Object.class);
                LISTENERS = lookup.findVarHandle(Promise.class, "listeners", Listener.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }
    }
}
