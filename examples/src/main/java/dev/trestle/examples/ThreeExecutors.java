package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;

import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.Task;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * One blocking call in the default executor, the same call in a thread pool, and a CPU-bound call in a process pool.
 * The end of each {@code try} closes a pool in the coroutine: closing suspends the coroutine, and the loop goes on.
 */
final class ThreeExecutors {

    private ThreeExecutors() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            byte[] some = await(Bridge.toThread(ThreeExecutors::blockingInput));
            IO.println("default executor: " + some.length + " bytes");

            try (var pool = new ThreadPool(1)) {
                byte[] more = await(Bridge.runInExecutor(pool, ThreeExecutors::blockingInput));
                IO.println("custom thread pool: " + more.length + " bytes");
            }

            Task<?> printing;
            try (var pool = new ProcessPool(1)) {
                LoopFuture<BigInteger> sum = Bridge.runInExecutor(pool, ThreeExecutors::cpuBound);
                printing = createTask(() -> IO.println("process pool: " + await(sum)));
            } // waits until the call has ended; the loop goes on, so the other coroutine prints
            await(printing);
        });
    }

    private static byte[] blockingInput() throws IOException {
        try (var random = Files.newInputStream(Path.of("/dev/urandom"))) {
            return random.readNBytes(100);
        }
    }

    /** The sum of i * i for all i below ten million; too large for a long. */
    private static BigInteger cpuBound() {
        BigInteger sum = BigInteger.ZERO;
        for (long i = 0; i < 10_000_000; i++) {
            sum = sum.add(BigInteger.valueOf(i * i));
        }
        return sum;
    }
}
