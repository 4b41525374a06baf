package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofMillis;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.processpool.ProcessPool;

/**
 * The wrong way and the right ways to wait for a pool in an event loop.
 *
 * <p>{@code await(pool.submit(...))} does not compile: a pool's future is not a loop's. Blocking on it compiles, but
 * would stop every coroutine, so it is refused. {@code wrapFuture} and {@code runInExecutor} are right: another task
 * goes on ticking while they wait.
 */
final class AwaitPool {

    private AwaitPool() {}

    static void main(String[] args) {
        try (var pool = new ProcessPool(1)) {
            EventLoop.run(() -> {
                Task<?> ticking = createTask(AwaitPool::tick);
                ConcurrentFuture<Long> future = pool.submit(() -> sumOfSquares(1_000_000));

                try {
                    IO.println("blocked, and got " + future.result());
                } catch (IllegalStateException e) {
                    IO.println("result() was refused: " + e.getMessage());
                }
                IO.println("wrapFuture: " + await(Bridge.wrapFuture(future)));
                IO.println("runInExecutor: " + await(Bridge.runInExecutor(pool, () -> sumOfSquares(1000))));

                ticking.cancel();
                IO.println("the other task went on ticking: " + (ticks > 1));
            });
        }
    }

    private static int ticks;

    private static void tick() {
        while (true) {
            ticks++;
            sleep(ofMillis(1));
        }
    }

    private static long sumOfSquares(int below) {
        long sum = 0;
        for (long i = 0; i < below; i++) {
            sum += i * i;
        }
        return sum;
    }
}
