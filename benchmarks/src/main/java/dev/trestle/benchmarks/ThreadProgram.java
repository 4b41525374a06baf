package dev.trestle.benchmarks;

import java.lang.reflect.Constructor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * The cost of the JDK's own means: threads, pools, bare virtual threads. It is the lower limit of the loop's cost.
 * Needs {@code --add-opens java.base/java.lang=ALL-UNNAMED}.
 */
final class ThreadProgram {

    private ThreadProgram() {}

    public static void main(String[] wanted) throws Exception {
        new Program()
                .least("raw yield on own scheduler", "ns", 10, () -> yieldOnOwnScheduler(400_000))
                .least("raw yield", "ns", 5, () -> yieldOnDefaultScheduler(2, 400_000))
                .least("raw yield among 1000000", "ns", 1, () -> yieldOnDefaultScheduler(1_000_000, 3_000_000))
                .least("raw hand-over", "ns", 8, () -> handOver(false, 400_000))
                .least("wake a thread and be woken", "ns", 5, () -> handOver(true, 20_000) * 2)
                .least("create and await", "ns", 8, () -> createAndJoin(100_000))
                .least("300000 at once", "ns", 5, () -> atOnce(300_000))
                .least("await a thread's call", "ns", 8, () -> submitAndGet(20_000))
                .least("await a virtual thread's call", "ns", 8, () -> supplyAndJoin(20_000))
                .run(wanted);
    }

    /**
     * Two virtual threads that yield to each other on the only carrier: the limit of a loop on its own scheduler.
     */
    private static double yieldOnOwnScheduler(int yields) throws Exception {
        var ready = new ArrayDeque<Runnable>();
        Thread.Builder.OfVirtual builder = onScheduler(ready::addLast);
        Runnable body = () -> {
            for (int i = 0; i < yields / 2; i++) {
                Thread.yield();
            }
        };
        builder.start(body);
        builder.start(body);
        long begin = System.nanoTime();
        for (Runnable next = ready.poll(); next != null; next = ready.poll()) {
            next.run();
        }
        return (System.nanoTime() - begin) / (double) yields;
    }

    private static Thread.Builder.OfVirtual onScheduler(Executor scheduler) throws ReflectiveOperationException {
        Constructor<?> constructor =
                Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder").getDeclaredConstructor(Executor.class);
        constructor.setAccessible(true);
        return (Thread.Builder.OfVirtual) constructor.newInstance(scheduler);
    }

    private static double yieldOnDefaultScheduler(int tasks, int yields) throws InterruptedException {
        int each = yields / tasks;
        var start = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>(tasks);
        for (int i = 0; i < tasks; i++) {
            threads.add(Thread.startVirtualThread(() -> {
                awaitUninterrupted(start);
                for (int n = 0; n < each; n++) {
                    Thread.yield();
                }
            }));
        }
        long begin = System.nanoTime();
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        return (System.nanoTime() - begin) / ((double) each * tasks);
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("This thread was interrupted, which no code should do", e);
        }
    }

    /** Two threads of which one runs at a time, and unparks the other: the limit of a hand-over by public API. */
    private static double handOver(boolean platform, int times) throws InterruptedException {
        var holder = new AtomicReference<Thread>();
        var threads = new Thread[2];
        for (int me = 0; me < 2; me++) {
            int other = 1 - me;
            Runnable body = () -> {
                for (int i = 0; i < times / 2; i++) {
                    while (holder.get() != Thread.currentThread()) {
                        LockSupport.park();
                    }
                    holder.set(threads[other]);
                    LockSupport.unpark(threads[other]);
                }
            };
            threads[me] = platform
                    ? Thread.ofPlatform().unstarted(body)
                    : Thread.ofVirtual().unstarted(body);
        }
        holder.set(threads[0]);
        long begin = System.nanoTime();
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return (System.nanoTime() - begin) / (double) times;
    }

    private static double createAndJoin(int times) throws Exception {
        return inVirtualThread(() -> Program.nanosEach(times, () -> {
            var result = new CompletableFuture<Integer>();
            Thread.startVirtualThread(() -> result.complete(1));
            return result.get();
        }));
    }

    private static double atOnce(int times) throws Exception {
        return inVirtualThread(() -> {
            long begin = System.nanoTime();
            List<CompletableFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < times; i++) {
                var result = new CompletableFuture<Integer>();
                Thread.startVirtualThread(() -> result.complete(1));
                all.add(result);
            }
            for (CompletableFuture<Integer> result : all) {
                result.get();
            }
            return (System.nanoTime() - begin) / (double) times;
        });
    }

    private static double inVirtualThread(Program.Measurement measurement) throws Exception {
        var result = new CompletableFuture<Double>();
        Thread.startVirtualThread(() -> {
            try {
                result.complete(measurement.measure());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result.get();
    }

    private static double submitAndGet(int times) throws Exception {
        try (var pool = Executors.newFixedThreadPool(1)) {
            return Program.nanosEach(times, () -> pool.submit(() -> 1).get());
        }
    }

    private static double supplyAndJoin(int times) throws Exception {
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            return inVirtualThread(() -> Program.nanosEach(
                    times, () -> CompletableFuture.supplyAsync(() -> 1, pool).get()));
        }
    }
}
