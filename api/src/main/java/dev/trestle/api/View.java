package dev.trestle.api;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A {@link CompletableFuture} that ends as a promise ends. Its stages ask the wait guards about that promise. */
final class View<T extends @Nullable Object> extends CompletableFuture<T> {

    private static final long MEMORY_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Promise<?> source;
    private final boolean cancelsSource;

    View(Promise<T> source) {
        this(source, true);
    }

    private View(Promise<?> source, boolean cancelsSource) {
        this.source = source;
        this.cancelsSource = cancelsSource;
    }

    /** Returns the callback that completes this view of its source. */
    Consumer<ConcurrentFuture<T>> completion(Promise<T> promise) {
        return new Completion<>(this, promise);
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        boolean cancelled = super.cancel(mayInterruptIfRunning);
        if (cancelled && cancelsSource) {
            source.cancel(true);
        }
        return cancelled;
    }

    /** Fails when the time is over, and cancels the source of this view, since no caller waits for it any more. */
    @Override
    public CompletableFuture<T> orTimeout(long timeout, TimeUnit unit) {
        Duration limit = TimeLimit.of(timeout, unit);
        return when(
                limit,
                () -> completeExceptionally(new TimeoutException(source + " was not done after " + limit
                        + (cancelsSource ? "; it has been cancelled" : "; it goes on"))));
    }

    /**
     * Completes with a value when the time is over, and cancels the source of this view, since no caller waits for it
     * any more.
     */
    @Override
    public CompletableFuture<T> completeOnTimeout(T value, long timeout, TimeUnit unit) {
        return when(TimeLimit.of(timeout, unit), () -> complete(value));
    }

    /** Completes this view when the time is over. The timer is dropped if the view has ended before. */
    private View<T> when(Duration limit, BooleanSupplier completion) {
        if (!isDone()) {
            var timer = new CompletableFuture<@Nullable Void>();
            var _ = timer.thenRun(() -> {
                if (completion.getAsBoolean() && cancelsSource) {
                    source.cancel(true);
                }
            });
            var _ = whenComplete((_, _) -> timer.cancel(false));
            var _ = timer.completeOnTimeout(null, TimeLimit.nanos(limit), TimeUnit.NANOSECONDS);
        }
        return this;
    }

    @Override
    public <U extends @Nullable Object> CompletableFuture<U> newIncompleteFuture() {
        return new View<>(source, false);
    }

    // Waiting

    @Override
    public T join() {
        askGuards();
        return super.join();
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        askGuards();
        return super.get();
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        if (timeout > 0) {
            askGuards();
        }
        try {
            return super.get(timeout, unit);
        } catch (TimeoutException e) {
            var named = new TimeoutException(
                    source + " was not done after " + TimeLimit.of(timeout, unit) + "; it goes on");
            named.initCause(e);
            throw named;
        }
    }

    private void askGuards() {
        if (!isDone()) { // a stage may wait for another call, which it made when its source was done
            WaitGuards.beforeWait(source.isDone() ? this : source);
        }
    }

    private static final class Completion<T extends @Nullable Object> implements Consumer<ConcurrentFuture<T>> {
        private final View<T> view;
        private final Promise<T> promise;

        Completion(View<T> view, Promise<T> promise) {
            this.view = view;
            this.promise = promise;
        }

        /** Completes the view, which needs memory. No other code completes it, so this method waits for the memory. */
        @Override
        public void accept(ConcurrentFuture<T> done) {
            while (true) {
                try {
                    promise.complete(view);
                    return;
                } catch (Throwable e) { // of memory, also in a stage; then it goes on with the next stage
                    LockSupport.parkNanos(MEMORY_PAUSE_NANOS);
                }
            }
        }
    }
}
