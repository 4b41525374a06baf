package dev.trestle.bridge;

import dev.trestle.loop.EventLoop;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The executor that belongs to a loop: made when it is first asked for, closed with the loop. */
final class DefaultExecutor {

    private static final Map<EventLoop, ExecutorService> executors = Collections.synchronizedMap(new WeakHashMap<>());

    private DefaultExecutor() {}

    static ExecutorService of(EventLoop loop) {
        return executors.computeIfAbsent(loop, DefaultExecutor::open);
    }

    private static ExecutorService open(EventLoop loop) {
        ExecutorService executor = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("trestle-to-thread-", 1).factory());
        loop.closeWithLoop(executor);
        return executor;
    }
}
