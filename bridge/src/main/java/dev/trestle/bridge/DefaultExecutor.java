package dev.trestle.bridge;

import dev.trestle.api.CarriedContext;
import dev.trestle.api.ContextCarrier;
import dev.trestle.loop.Context;
import dev.trestle.loop.EventLoop;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The default executor of a loop: created at its first use, closed with the loop. For any thread. */
final class DefaultExecutor implements AutoCloseable {

    /** The executors by loop. An executor must not hold its loop, or neither would ever be garbage. */
    private static final Map<EventLoop, DefaultExecutor> executors = Collections.synchronizedMap(new WeakHashMap<>());

    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("trestle-to-thread-", 1).factory());

    private final Set<Running> running = ConcurrentHashMap.newKeySet();

    private DefaultExecutor() {}

    static DefaultExecutor of(EventLoop loop) {
        return executors.computeIfAbsent(loop, DefaultExecutor::open);
    }

    private static DefaultExecutor open(EventLoop loop) {
        var executor = new DefaultExecutor();
        loop.closeWithLoop(executor);
        return executor;
    }

    /** Runs a task on a thread of its own, in a context, and with what the calling thread carries. */
    <T extends @Nullable Object> Future<T> submit(Callable<T> task, Context context) {
        CarriedContext carried = CarriedContext.capture();
        return threads.submit(() -> {
            ContextCarrier.Scope scope = carried.restore();
            var call = new Running(task);
            running.add(call);
            try {
                return context.call(task);
            } finally {
                running.remove(call);
                scope.close();
            }
        });
    }

    /**
     * Waits for the calls that have not ended. If this thread is interrupted, interrupts the calls and goes on waiting.
     */
    @Override
    public void close() {
        threads.close();
    }

    @Override
    public String toString() {
        return "the executor of Bridge.toThread, with calls that have not ended: "
                + running.stream().map(Running::toString).collect(Collectors.joining("; "));
    }

    /** A call that has not ended; compared by identity. */
    private static final class Running {
        private final Callable<?> task;
        private final Thread thread = Thread.currentThread();

        Running(Callable<?> task) {
            this.task = task;
        }

        @Override
        public String toString() {
            return task.getClass().getName()
                    + Stream.of(thread.getStackTrace())
                            .filter(frame -> !"java.base".equals(frame.getModuleName()))
                            .findFirst()
                            .map(frame -> " at " + frame)
                            .orElse("");
        }
    }
}
