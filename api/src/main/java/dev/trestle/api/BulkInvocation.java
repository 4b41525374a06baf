package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** {@code invokeAll} and {@code invokeAny}, once for every executor. */
final class BulkInvocation {

    private BulkInvocation() {}

    static <T extends @Nullable Object> List<Future<T>> all(
            FutureExecutor executor, Collection<? extends Callable<T>> tasks, Deadline deadline)
            throws InterruptedException {
        StackRoom.requireForLinkage();
        var futures = new ArrayList<Future<T>>(tasks.size());
        boolean complete = false;
        try {
            for (Callable<T> task : tasks) {
                futures.add(executor.submit(requireNonNull(task, "tasks contains null")));
            }
            boolean inTime = true;
            for (Future<T> future : futures) {
                inTime = inTime && endsBefore(deadline, future);
            }
            complete = inTime;
            return futures;
        } finally {
            if (!complete) {
                cancel(futures);
            }
        }
    }

    private static boolean endsBefore(Deadline deadline, Future<?> future) throws InterruptedException {
        try {
            if (deadline.timeout() == null) {
                future.get();
            } else {
                future.get(deadline.left(), TimeUnit.NANOSECONDS);
            }
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException | CancellationException e) {
            return true; // the failure of this task alone: the caller looks at its future
        }
        return true;
    }

    static <T extends @Nullable Object> T any(
            FutureExecutor executor, Collection<? extends Callable<T>> tasks, Deadline deadline)
            throws InterruptedException, ExecutionException, TimeoutException {
        StackRoom.requireForLinkage();
        if (tasks.isEmpty()) {
            throw new IllegalArgumentException("invokeAny needs at least one task");
        }
        var futures = new ArrayList<ConcurrentFuture<T>>(tasks.size());
        var completed = new Arrivals<ConcurrentFuture<T>>();
        try {
            for (Callable<T> task : tasks) {
                ConcurrentFuture<T> future = executor.submit(requireNonNull(task, "tasks contains null"));
                futures.add(future);
                completed.expect(future, future);
            }
            return firstResult(futures, completed, deadline);
        } finally {
            cancel(futures);
        }
    }

    private static <T extends @Nullable Object> T firstResult(
            List<ConcurrentFuture<T>> futures, Arrivals<ConcurrentFuture<T>> completed, Deadline deadline)
            throws InterruptedException, ExecutionException, TimeoutException {
        ExecutionException last = null;
        for (int failed = 0; failed < futures.size(); failed++) {
            ConcurrentFuture<T> done = completed.poll();
            if (done == null) {
                WaitGuards.beforeWait(futures);
                done = completed.poll(deadline);
            }
            if (done == null) {
                throw new TimeoutException("None of " + futures.size() + " tasks had a result after " + deadline + "; "
                        + failed + " had failed, the others have been cancelled");
            }
            switch (done.state()) {
                case SUCCESS -> {
                    return done.resultNow();
                }
                case FAILED -> last = Causes.execution(done.exceptionNow());
                default -> last = new ExecutionException(new CancellationException(done + " was cancelled"));
            }
        }
        throw requireNonNull(last);
    }

    /** Cancels futures, the latest first, so that no call begins in the place of a cancelled one. */
    private static void cancel(List<? extends Future<?>> futures) {
        futures.reversed().forEach(future -> future.cancel(true));
    }
}
