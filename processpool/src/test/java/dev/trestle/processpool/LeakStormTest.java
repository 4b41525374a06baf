package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.jvm.ProcessMemory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Calls that leak native memory and heap, for as many seconds as {@code -Dtrestle.storm.leaks} says: no call is lost,
 * and the memory of all workers together stays bounded.
 */
@Timeout(900)
@EnabledOnOs(OS.LINUX)
@ExtendWith(NothingLeft.class)
class LeakStormTest {

    private static final int SECONDS = Integer.getInteger("trestle.storm.leaks", 2);
    private static final int WORKERS = 2;
    private static final int AT_A_TIME = 8;
    private static final long MIB = 1L << 20;
    private static final long MAX_RESIDENT = 200 * MIB;
    private static final long MEMORY_LIMIT = 500 * MIB;

    /** The largest number of processes, with spares, and with as many that are just ending. */
    private static final long FAMILY = 4 * WORKERS * MEMORY_LIMIT;

    private final Map<Long, ProcessMemory> memories = new HashMap<>();

    private static long leak(int call) {
        switch (call % 3) {
            case 0 -> RecyclingTest.leakNative(2 * MIB);
            case 1 -> RecyclingTest.leakHeap(2 * MIB);
            default -> {
                RecyclingTest.leakNative(MIB);
                RecyclingTest.leakHeap(MIB);
            }
        }
        return call;
    }

    private long heldBy(ProcessPool pool) {
        long sum = 0;
        for (long pid : pool.workerPids()) {
            sum += memories.computeIfAbsent(pid, each -> new ProcessMemory(each, System::nanoTime))
                    .bytes(Long.MAX_VALUE);
        }
        return sum;
    }

    private record Waiting(int call, long since, ConcurrentFuture<Long> future) {}

    @Test
    void leakingCallsAllEndInBoundedMemory() {
        long peak = 0;
        long longest = 0;
        int calls = 0;
        Queue<Waiting> waiting = new ArrayDeque<>();
        try (var pool = TestPools.builder(WORKERS)
                .maxResident(MAX_RESIDENT)
                .memoryLimit(MEMORY_LIMIT)
                .build()) {
            assertThat(pool.submit(() -> 0).result()).isZero();
            long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
            while (System.nanoTime() < end || pool.statistics().retiredByResident() < WORKERS) {
                int call = calls++;
                waiting.add(new Waiting(call, System.nanoTime(), pool.submit(() -> leak(call))));
                if (waiting.size() >= AT_A_TIME) {
                    Waiting first = waiting.remove();
                    assertThat(first.future.result()).isEqualTo(first.call);
                    longest = Math.max(longest, System.nanoTime() - first.since);
                    peak = Math.max(peak, heldBy(pool));
                }
            }
            for (Waiting each : waiting) {
                assertThat(each.future.result()).isEqualTo(each.call);
            }
            ProcessPool.Statistics statistics = pool.statistics();
            System.out.printf(
                    "%d calls leaked %d MiB in %d s, in %d workers; %d were too large. The workers held %d MiB at most;"
                            + " a call took %d ms at most. %s%n",
                    calls,
                    2L * calls,
                    SECONDS,
                    statistics.workersStarted(),
                    statistics.retiredByResident(),
                    peak / MIB,
                    longest / 1_000_000,
                    statistics);

            assertThat(statistics.lost()).isZero();
            assertThat(statistics.rerun()).isZero();
            assertThat(statistics.killedForMemory()).isZero();
            assertThat(statistics.workersDied()).isZero();
            assertThat(statistics.completed()).isEqualTo(calls + 1);
            assertThat(peak).isLessThan(FAMILY);
        }
    }
}
