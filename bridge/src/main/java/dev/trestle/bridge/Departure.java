package dev.trestle.bridge;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.Task;
import org.jspecify.annotations.Nullable;

/**
 * A coroutine that a foreign thread started, and the future that this thread has of it.
 *
 * <p>The promise may be cancelled on any thread. The task belongs to the loop: made, watched and cancelled there.
 */
final class Departure<T extends @Nullable Object> {

    private final Coroutine<T> coroutine;
    private final EventLoop loop;
    private final Promise<T> promise = new Promise<>((running, interrupt) -> cancelTask());
    private @Nullable Task<T> task;

    Departure(Coroutine<T> coroutine, EventLoop loop) {
        this.coroutine = coroutine;
        this.loop = loop;
    }

    ConcurrentFuture<T> begin() {
        loop.callSoonThreadsafe(this::start);
        return promise;
    }

    private void start() {
        if (!promise.setRunningOrNotifyCancel()) {
            return;
        }
        try {
            task = loop.createTask(coroutine);
        } catch (Throwable e) { // the loop was closed, or its task factory has failed
            promise.trySetException(e);
            return;
        }
        task.addDoneCallback(done -> copy(done, promise));
    }

    /** Ends a promise as a loop's future has ended. */
    static <T extends @Nullable Object> void copy(LoopFuture<T> done, Promise<T> promise) {
        if (done.isCancelled()) {
            promise.cancel(false);
        } else {
            done.exception().ifPresentOrElse(promise::trySetException, () -> promise.trySetResult(done.result()));
        }
    }

    private void cancelTask() {
        Entrance.enter(loop, () -> {
            if (task != null) {
                task.cancel();
            }
        });
    }
}
