package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofNanos;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Very many of everything. By default small enough for every build; with {@code -Dstorm=full} at the size that the loop
 * has to withstand, and then what was counted is printed. CONTRIBUTING.md has the command.
 */
@Timeout(300)
class LoopStormTest {

    private static final boolean FULL = "full".equals(System.getProperty("storm"));

    private static int size(int full, int small) {
        return FULL ? full : small;
    }

    private static void print(String what) {
        if (FULL) {
            IO.println("storm: " + what);
        }
    }

    private static double seconds(long begin) {
        return Duration.ofNanos(System.nanoTime() - begin).toMillis() / 1000.0;
    }

    private static double cpuSeconds() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElse(Duration.ZERO)
                        .toMillis()
                / 1000.0;
    }

    private int count;

    @Test
    void aMillionCoroutinesAreSuspendedAtOnceAndAllGoOn() {
        int coroutines = size(1_000_000, 20_000);
        warmUp(size(20, 0));
        EventLoop.run(() -> {
            LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
            List<Task<Integer>> tasks = new ArrayList<>(coroutines);
            long begin = System.nanoTime();
            double cpuBegin = cpuSeconds();
            for (int i = 0; i < coroutines; i++) {
                tasks.add(createTask(() -> {
                    int result = await(future);
                    count++;
                    return result;
                }));
            }
            yieldNow();
            double toStart = seconds(begin);
            double cpu = cpuSeconds() - cpuBegin;
            assertThat(count).isZero();
            if (FULL) {
                System.gc();
                long heap = Runtime.getRuntime().totalMemory()
                        - Runtime.getRuntime().freeMemory();
                print(coroutines + " suspended coroutines: started in " + toStart + " s, " + cpu
                        + " s of them computing, "
                        + heap / coroutines
                        + " bytes of heap each, of at most "
                        + (Runtime.getRuntime().maxMemory() >> 20) + " MB");
                assertThat(cpu).isLessThan(5); // what else the machine does is not counted
            }
            long resumed = System.nanoTime();
            future.setResult(1);
            long sum = 0;
            for (Task<Integer> task : tasks) {
                sum += await(task);
            }
            print(coroutines + " coroutines: all have gone on and ended after " + seconds(resumed) + " s");
            assertThat(sum).isEqualTo(coroutines);
            assertThat(count).isEqualTo(coroutines);
        });
    }

    /** Code that has never gone on after an await is compiled as if it never did: each that goes on is deoptimized. */
    private static void warmUp(int rounds) {
        for (int round = 0; round < rounds; round++) {
            EventLoop.run(() -> {
                LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
                List<Task<Integer>> tasks = new ArrayList<>();
                for (int i = 0; i < 5_000; i++) {
                    tasks.add(createTask(() -> await(future)));
                }
                yieldNow();
                future.setResult(1);
                for (Task<Integer> task : tasks) {
                    await(task);
                }
            });
        }
    }

    @Test
    void aHundredThousandTimersFireOnceEachAndInOrder() {
        int timers = size(100_000, 10_000);
        var random = new Random(42);
        var handles = new ArrayList<TimerHandle>();
        var fired = new ArrayList<Duration>();
        long begin = System.nanoTime();
        try (var loop = new EventLoop(new VirtualClock())) {
            for (int i = 0; i < timers; i++) {
                Duration when = ofNanos(random.nextLong(1_000_000_000));
                handles.add(loop.callAt(when, () -> fired.add(when)));
            }
            for (int i = 0; i < timers; i += 2) {
                handles.get(i).cancel();
            }
            loop.callAt(Duration.ofSeconds(1), loop::stop);
            loop.runForever();
        }
        print(timers + " timers, half of them cancelled: " + fired.size() + " fired, in " + seconds(begin) + " s");
        assertThat(fired).hasSize(timers / 2).isSorted();
    }

    @Test
    void aChainOfTenMillionCallbacksDoesNotGrowTheStack() {
        int length = size(10_000_000, 300_000);
        long begin = System.nanoTime();
        try (var loop = new EventLoop()) {
            loop.callSoon(new Runnable() {
                @Override
                public void run() {
                    if (++count == length) {
                        loop.stop();
                    } else {
                        loop.callSoon(this);
                    }
                }
            });
            loop.runForever();
        }
        print("chain of callbacks: " + count + ", in " + seconds(begin) + " s");
        assertThat(count).isEqualTo(length);
    }

    /** The threads pause now and then, so that the loop falls asleep in between: a wake-up that is lost is a hang. */
    @Test
    void sixteenForeignThreadsLoseNoCallbackAndNoWakeUp() {
        int threads = 16;
        int each = size(500_000, 5_000);
        int[] next = new int[threads];
        long begin = System.nanoTime();
        try (var loop = new EventLoop()) {
            LoopFuture<String> all = loop.createFuture();
            for (int t = 0; t < threads; t++) {
                int thread = t;
                Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < each; i++) {
                        int number = i;
                        loop.callSoonThreadsafe(() -> {
                            if (next[thread] == number) { // each thread's in its own order
                                next[thread]++;
                            }
                            if (++count == threads * each) {
                                all.setResult("all");
                            }
                        });
                        if (i % 1_000 == thread) {
                            LockSupport.parkNanos(1_000);
                        }
                    }
                });
            }
            loop.runUntilComplete(all);
        }
        print(threads + " foreign threads: " + count + " callbacks, in " + seconds(begin) + " s");
        assertThat(next).containsOnly(each);
    }
}
