package dev.trestle.benchmarks;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;

import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.Task;
import dev.trestle.threadpool.ThreadPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The cost of coroutines, tasks, timers and the ways out of the loop. */
final class LoopProgram {

    private LoopProgram() {}

    public static void main(String[] wanted) throws Exception {
        new Program()
                .least("suspended, bytes", "B", 1, () -> suspended(1_000_000).bytes())
                .least("suspended, time", "ns", 1, () -> suspended(1_000_000).nanos())
                .least("switch among 2", "ns", 10, () -> switching(2, 400_000))
                .least("switch among 100", "ns", 7, () -> switching(100, 400_000))
                .least("switch among 10000", "ns", 5, () -> switching(10_000, 1_000_000))
                .least("switch among 1000000", "ns", 1, () -> switching(1_000_000, 3_000_000))
                .least("create and await", "ns", 10, () -> createAndAwait(200_000))
                .least("300000 at once", "ns", 8, () -> atOnce(300_000))
                .least("timers 1000", "ns", 50, () -> timers(1_000))
                .least("timers 10000", "ns", 20, () -> timers(10_000))
                .least("timers 100000", "ns", 8, () -> timers(100_000))
                .least("timers 1000000", "ns", 3, () -> timers(1_000_000))
                .least("await a thread's call", "ns", 8, () -> awaitPool(new ThreadPool(1), 20_000))
                .least(
                        "await a virtual thread's call",
                        "ns",
                        8,
                        () -> awaitPool(ThreadPool.builder().size(1).virtual().build(), 20_000))
                .least("await a blocking call", "ns", 8, () -> awaitBlocking(50_000))
                .run(wanted);
    }

    private static double switching(int tasks, int switches) {
        int each = switches / tasks;
        return EventLoop.run(() -> {
            LoopFuture<Integer> start = EventLoop.getRunningLoop().createFuture();
            List<Task<Integer>> all = new ArrayList<>(tasks);
            for (int i = 0; i < tasks; i++) {
                all.add(createTask(() -> {
                    await(start);
                    for (int n = 0; n < each; n++) {
                        yieldNow();
                    }
                    return each;
                }));
            }
            yieldNow(); // now they all wait for the start
            long begin = System.nanoTime();
            start.setResult(0);
            for (Task<Integer> task : all) {
                await(task);
            }
            return (System.nanoTime() - begin) / ((double) each * tasks);
        });
    }

    private static double createAndAwait(int times) {
        return EventLoop.run(() -> {
            long begin = System.nanoTime();
            for (int i = 0; i < times; i++) {
                await(createTask(() -> 1));
            }
            return (System.nanoTime() - begin) / (double) times;
        });
    }

    private static double atOnce(int times) {
        return EventLoop.run(() -> {
            long begin = System.nanoTime();
            List<Task<Integer>> all = new ArrayList<>();
            for (int i = 0; i < times; i++) {
                all.add(createTask(() -> 1));
            }
            for (Task<Integer> task : all) {
                await(task);
            }
            return (System.nanoTime() - begin) / (double) times;
        });
    }

    private record Suspended(double bytes, double nanos) {}

    private static Suspended suspended(int count) {
        return EventLoop.run(() -> {
            LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
            List<Task<Integer>> all = new ArrayList<>(count);
            long before = Program.reachableBytes();
            long begin = System.nanoTime();
            for (int i = 0; i < count; i++) {
                all.add(createTask(() -> await(future)));
            }
            yieldNow();
            double nanos = (System.nanoTime() - begin) / (double) count;
            double bytes = (Program.reachableBytes() - before) / (double) count;
            future.setResult(1);
            for (Task<Integer> task : all) {
                await(task);
            }
            return new Suspended(bytes, nanos);
        });
    }

    /** Callbacks at random times, so dense that the loop never sleeps for long. */
    private static double timers(int count) {
        return EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            LoopFuture<Integer> allFired = loop.createFuture();
            var random = new Random(42);
            int[] fired = {0};
            long begin = System.nanoTime();
            for (int i = 0; i < count; i++) {
                loop.callLater(Duration.ofNanos(random.nextLong(100L * count)), () -> {
                    if (++fired[0] == count) {
                        allFired.setResult(count);
                    }
                });
            }
            await(allFired);
            return (System.nanoTime() - begin) / (double) count;
        });
    }

    private static double awaitPool(ThreadPool pool, int times) {
        try (pool) {
            return EventLoop.run(() -> Program.nanosEach(times, () -> await(Bridge.runInExecutor(pool, () -> 1))));
        }
    }

    private static double awaitBlocking(int times) {
        return EventLoop.run(() -> Program.nanosEach(times, () -> blocking(() -> 1)));
    }
}
