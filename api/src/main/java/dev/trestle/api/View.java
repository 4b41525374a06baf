package dev.trestle.api;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
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
        askGuards();
        return super.get(timeout, unit);
    }

    private void askGuards() {
        if (!isDone() && !source.isDone()) {
            WaitGuards.beforeWait(source);
        }
    }

    private static final class Completion<T extends @Nullable Object> implements Consumer<ConcurrentFuture<T>> {
        private final View<T> view;
        private final Promise<T> promise;

        Completion(View<T> view, Promise<T> promise) {
            this.view = view;
            this.promise = promise;
        }

        /** Completes the view, for which memory is needed. Nobody else does, so this waits for the memory. */
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
