package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many calls while workers are killed, and many pools that end at any moment; small here, at full size by the command in
 * CONTRIBUTING. Mutated frames are in {@code wire.FrameFuzzTest}.
 */
@Timeout(1800)
@ExtendWith(NothingLeft.class)
class StormTest {

    private static final int CALLS = Integer.getInteger("trestle.storm.calls", 400);
    private static final int POOLS = Integer.getInteger("trestle.storm.pools", 10);
    private static final long SEED = Long.getLong("trestle.storm.seed", 20261121);

    private static final int KILL_EVERY_MILLIS = Integer.getInteger("trestle.storm.killMillis", 200);

    /** One in so many calls is declared idempotent. */
    private static final int IDEMPOTENT = 4;

    @TempDir
    private Path folder;

    /** Notes in a file of its process that a call has begun, works for a tenth of a millisecond, and returns its number. */
    private static int noteAndWork(int number, String folder) throws IOException {
        Path notes = Path.of(folder, Long.toString(ProcessHandle.current().pid()));
        try (var file = Files.newByteChannel(
                notes, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            file.write(ByteBuffer.allocate(Integer.BYTES).putInt(number).flip());
        }
        long end = System.nanoTime() + 100_000;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        return number;
    }

    @Test
    void everyCallEndsAndNoneRunsTwiceWhileWorkersAreKilled() throws Exception {
        String notes = folder.toString();
        var over = new CountDownLatch(1);
        var kills = new AtomicInteger();
        List<ConcurrentFuture<Integer>> futures = new ArrayList<>();
        ProcessPool.Statistics counts;
        try (var pool = TestPools.of(3)) {
            Thread killer = Thread.ofVirtual().start(() -> killNowAndThen(pool, over, kills));
            for (int i = 0; i < CALLS; i++) {
                int number = i;
                Call<Integer> call = () -> noteAndWork(number, notes);
                futures.add(
                        number % IDEMPOTENT == 0
                                ? pool.submit(call, CallOptions.DEFAULT.withRetries(1_000))
                                : pool.submit(call));
            }
            futures.forEach(ConcurrentFuture::exception);
            over.countDown();
            killer.join();
            counts = pool.statistics();
        }

        Map<Integer, Integer> begun = countNotes();
        int lost = 0;
        int twice = 0;
        for (int i = 0; i < CALLS; i++) {
            var future = futures.get(i);
            int times = begun.getOrDefault(i, 0);
            boolean idempotent = i % IDEMPOTENT == 0;
            if (future.state() == Future.State.SUCCESS) {
                assertThat(future.resultNow()).isEqualTo(i);
                assertThat(times).as("runs of call %d", i).isGreaterThanOrEqualTo(1);
            } else {
                assertThat(idempotent).as("call %d may be run again", i).isFalse();
                assertThat(future.exceptionNow()).isInstanceOf(WorkerDiedException.class);
                lost++;
            }
            if (!idempotent) {
                assertThat(times).as("runs of call %d", i).isLessThanOrEqualTo(1);
            }
            twice += times > 1 ? 1 : 0;
        }
        System.out.printf(
                "storm of kills: %d calls, %d workers killed, %d calls lost, %d idempotent ones run more than once;"
                        + " %s%n",
                CALLS, kills.get(), lost, twice, counts);
        assertThat(kills).hasPositiveValue();
        assertThat(lost).isLessThanOrEqualTo(kills.get());
        assertThat(counts.lost()).isEqualTo(lost);
    }

    /** Kills a worker that runs calls, so that it is not one that starts: if none ever starts, the pool is rightly broken. */
    private void killNowAndThen(ProcessPool pool, CountDownLatch over, AtomicInteger kills) {
        var random = new SplittableRandom(SEED);
        while (!reached(over, KILL_EVERY_MILLIS)) {
            List<Long> running = pool.workerPids().stream()
                    .filter(pid -> Files.exists(folder.resolve(Long.toString(pid))))
                    .toList();
            if (!running.isEmpty()
                    && ProcessHandle.of(running.get(random.nextInt(running.size())))
                            .map(ProcessHandle::destroyForcibly)
                            .orElse(false)) {
                kills.incrementAndGet();
            }
        }
    }

    private Map<Integer, Integer> countNotes() throws IOException {
        var counts = new HashMap<Integer, Integer>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                ByteBuffer numbers = ByteBuffer.wrap(Files.readAllBytes(file));
                while (numbers.remaining() >= Integer.BYTES) {
                    counts.merge(numbers.getInt(), 1, Integer::sum);
                }
            }
        }
        return counts;
    }

    /** How a pool can be ended. */
    private enum End {
        CLOSE,
        SHUTDOWN,
        SHUTDOWN_NOW,
        TERMINATE,
        KILL,
        INTERRUPTED_CLOSE;

        void of(ProcessPool pool) {
            switch (this) {
                case CLOSE -> pool.close();
                case SHUTDOWN -> pool.shutdown();
                case SHUTDOWN_NOW -> pool.shutdownNow();
                case TERMINATE -> pool.terminateWorkers();
                case KILL -> pool.killWorkers();
                case INTERRUPTED_CLOSE -> {
                    Thread.currentThread().interrupt();
                    pool.close();
                    assertThat(Thread.interrupted()).isTrue();
                }
            }
        }
    }

    @Test
    void poolsEndAtAnyMomentAndLeaveNothing() throws Exception {
        var random = new SplittableRandom(SEED);
        var outcomes = new HashMap<Future.State, Integer>();
        var refused = 0;
        var ends = new HashMap<End, Integer>();
        long slowest = 0;
        for (int i = 0; i < POOLS; i++) {
            var pool = TestPools.of(random.nextInt(1, 4));
            var futures = new ArrayList<ConcurrentFuture<Integer>>();
            var never = new CountDownLatch(1);
            End end = End.values()[random.nextInt(End.values().length)];
            int calls = random.nextInt(8);
            int before = random.nextInt(calls + 1);
            Thread ender = Thread.ofVirtual().unstarted(() -> end.of(pool));
            for (int n = 0; n < calls; n++) {
                if (n == before) {
                    reached(never, random.nextInt(400));
                    ender.start();
                }
                int number = n;
                try {
                    futures.add(pool.submit(() -> number));
                } catch (RejectedExecutionException e) {
                    refused++;
                }
            }
            if (before == calls) {
                reached(never, random.nextInt(400));
                ender.start();
            }
            long begin = System.nanoTime();
            ender.join();
            assertThat(pool.awaitTermination(60, TimeUnit.SECONDS))
                    .as("pool %d, ended by %s: %s", i, end, pool)
                    .isTrue();
            slowest = Math.max(slowest, System.nanoTime() - begin);
            assertThat(futures).allMatch(Future::isDone);
            futures.forEach(each -> outcomes.merge(each.state(), 1, Integer::sum));
            ends.merge(end, 1, Integer::sum);
        }
        System.out.printf(
                "storm of pools: %d pools, %s; calls %s, %d refused; slowest end %d ms%n",
                POOLS,
                ends.entrySet().stream().sorted(Map.Entry.comparingByKey()).toList(),
                outcomes.entrySet().stream()
                        .sorted(Comparator.comparing(Map.Entry::getKey))
                        .toList(),
                refused,
                slowest / 1_000_000);
    }

    private static boolean reached(CountDownLatch latch, int millis) {
        try {
            return latch.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError("Nobody interrupts this thread", e);
        }
    }
}
