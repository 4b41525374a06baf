package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Calls that a worker was sent while it ran others: they are as safe and as free as those in the queue. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class SentAheadTest {

    @TempDir
    Path folder = Path.of("");

    private String log() {
        return folder.resolve("log").toString();
    }

    /** All calls of a test are of the same lambda, so the pool cannot know which of them will take long. */
    private ConcurrentFuture<Integer> submit(ProcessPool pool, int number, Deed deed) {
        String in = folder.toString();
        String log = log();
        return pool.submit(() -> run(in, log, number, deed));
    }

    private enum Deed {
        NOTHING,
        NOTE,
        STAY,
        HALT
    }

    private static int run(String folder, String log, int number, Deed deed) throws IOException {
        switch (deed) {
            case NOTHING -> {}
            case NOTE ->
                Files.writeString(Path.of(log), number + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            case STAY -> Gate.pass(folder, "stays" + number);
            case HALT -> Runtime.getRuntime().halt(9);
        }
        return number;
    }

    /** Lets the pool learn that these calls are short. */
    private void warmUp(ProcessPool pool, int calls) {
        IntStream.range(0, calls)
                .mapToObj(i -> submit(pool, i, Deed.NOTHING))
                .toList()
                .forEach(ConcurrentFuture::result);
    }

    private Map<Integer, Integer> runs() throws IOException {
        Map<Integer, Integer> runs = new HashMap<>();
        if (Files.exists(Path.of(log()))) {
            Files.readAllLines(Path.of(log())).forEach(line -> runs.merge(Integer.valueOf(line), 1, Integer::sum));
        }
        return runs;
    }

    @Test
    void aLongCallDoesNotHoldUpTheCallsBehindIt() throws Exception {
        try (var pool = TestPools.of(2)) {
            warmUp(pool, 2_000);
            List<ConcurrentFuture<Integer>> staying = new ArrayList<>();
            for (int i = 0; pool.statistics().takenBack() == 0; i++) { // until one was sent behind it in time
                var first = submit(pool, 2 * i, Deed.STAY);
                var second = submit(pool, 2 * i + 1, Deed.STAY);
                var behind = IntStream.range(0, 4)
                        .mapToObj(number -> submit(pool, number, Deed.NOTHING))
                        .toList();
                Gate.await(folder, "stays" + 2 * i);
                Gate.await(folder, "stays" + (2 * i + 1));
                Gate.open(folder, "stays" + 2 * i);
                first.result();
                behind.forEach(ConcurrentFuture::result);
                assertThat(second.isDone()).isFalse();
                Gate.open(folder, "stays" + (2 * i + 1));
                staying.add(second);
                warmUp(pool, 200); // the pool has learnt that these calls may be long
            }
            staying.forEach(ConcurrentFuture::result);
        }
    }

    @Test
    void aCancelledCallDoesNotRun() throws Exception {
        try (var pool = TestPools.of(1)) {
            warmUp(pool, 1_000);
            for (int i = 0; i < 20; i++) {
                var first = submit(pool, i, Deed.STAY);
                var politely = submit(pool, i, Deed.NOTE);
                var forcibly = submit(pool, i, Deed.NOTE);
                assertThat(politely.cancel(false)).isTrue();
                assertThat(forcibly.cancel(true)).isTrue();
                Gate.until(() -> pool.statistics().queued() == 0);
                Gate.open(folder, "stays" + i);
                assertThat(first.result()).isEqualTo(i);
                warmUp(pool, 50);
            }
            assertThat(runs()).isEmpty();
            assertThat(pool.statistics().workersStarted()).isEqualTo(1);
        }
    }

    @Test
    void theTimeOfACallBeginsWithItsRun() throws Exception {
        try (var pool = TestPools.builder(1).cancelGrace(Duration.ofMillis(100)).build()) {
            warmUp(pool, 1_000);
            String in = folder.toString();
            String log = log();
            var first = submit(pool, 1, Deed.STAY);
            var hasty = pool.submit(
                    () -> run(in, log, 2, Deed.NOTHING), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(400)));
            var later = pool.submit(
                    () -> run(in, log, 3, Deed.STAY), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(1)));
            Gate.await(folder, "stays1");
            var late = submit(pool, 4, Deed.NOTHING);
            assertThat(hasty.isRunning()).isFalse();
            Gate.open(folder, "stays1");

            assertThat(first.result()).isEqualTo(1);
            assertThat(hasty.result()).isEqualTo(2);
            assertThat(later.exception()).containsInstanceOf(TimeoutException.class);
            assertThat(late.result()).isEqualTo(4);
        }
    }

    @RepeatedTest(2)
    void aCrashCostsTheOneCallThatHadBegun() throws Exception {
        try (var pool = TestPools.of(1)) {
            warmUp(pool, 2_000);
            List<ConcurrentFuture<Integer>> futures = IntStream.range(0, 200)
                    .mapToObj(number -> submit(pool, number, number % 100 == 50 ? Deed.HALT : Deed.NOTE))
                    .toList();
            for (int i = 0; i < 200; i++) {
                if (i % 100 == 50) {
                    assertThat(futures.get(i).exception()).containsInstanceOf(WorkerDiedException.class);
                } else {
                    assertThat(futures.get(i).result()).isEqualTo(i);
                }
            }
            assertThat(runs()).hasSize(198);
            assertThat(runs().values()).containsOnly(1);
            assertThat(pool.statistics().lost()).isEqualTo(2);
        }
    }

    /**
     * Each call notes that it runs, so one that ran twice would be seen, and one that was lost without having begun.
     */
    @Test
    void killsAtRandomCostOneCallEachAndNothingRunsTwice() throws Exception {
        var random = new SplittableRandom(20261121);
        int kills = 4;
        int calls = 2_000;
        try (var pool = TestPools.of(2)) {
            warmUp(pool, 2_000);
            var futures = new ArrayList<ConcurrentFuture<Integer>>();
            for (int i = 0; i < calls; i++) {
                futures.add(submit(pool, i, Deed.NOTE));
                if (i % (calls / kills) == 0) {
                    futures.get(random.nextInt(Math.max(0, i - 100), i + 1)).exception();
                    var pids = pool.workerPids();
                    ProcessHandle.of(pids.get(random.nextInt(pids.size()))).ifPresent(ProcessHandle::destroyForcibly);
                }
            }
            int lost = 0;
            for (int i = 0; i < calls; i++) {
                var thrown = futures.get(i).exception();
                if (thrown.isPresent()) {
                    assertThat(thrown).containsInstanceOf(WorkerDiedException.class);
                    lost++;
                } else {
                    assertThat(futures.get(i).result()).isEqualTo(i);
                }
            }
            var runs = runs();
            assertThat(lost).isLessThanOrEqualTo(kills);
            assertThat(runs.values()).containsOnly(1);
            assertThat(runs.size()).isBetween(calls - lost, calls);
            assertThat(pool.statistics().lost()).isEqualTo(lost);
        }
    }

    @Test
    void aWorkerStillRunsNoMoreCallsThanItMay() {
        try (var pool = TestPools.builder(1).maxTasksPerWorker(500).build()) {
            var pids = Collections.nCopies(2_000, 0).stream()
                    .map(_ -> pool.submit(Gate::pid))
                    .toList();
            Map<Long, Long> callsOf =
                    pids.stream().collect(Collectors.groupingBy(ConcurrentFuture::result, Collectors.counting()));

            assertThat(callsOf).hasSize(4);
            assertThat(callsOf.values()).containsOnly(500L);
        }
    }

    @Test
    void shutdownNowEndsWhatWasSentAhead() {
        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        try (var pool = TestPools.of(1)) {
            warmUp(pool, 1_000);
            for (int i = 0; i < 1_000; i++) {
                futures.add(submit(pool, i, Deed.NOTHING));
            }
            pool.shutdownNow();
        }
        assertThat(futures).allMatch(ConcurrentFuture::isDone);
    }

    @Test
    void killedWorkersEndWhatWasSentAhead() {
        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        try (var pool = TestPools.of(1)) {
            warmUp(pool, 1_000);
            for (int i = 0; i < 1_000; i++) {
                futures.add(submit(pool, i, Deed.NOTHING));
            }
            pool.killWorkers();
        }
        assertThat(futures).allMatch(ConcurrentFuture::isDone);
        assertThat(futures.stream().filter(each -> each.state() == Future.State.FAILED))
                .hasSizeLessThanOrEqualTo(1);
    }

    /** The thread that runs the calls also waits for them; an interrupt would close an ordinary channel. */
    @Test
    void aThreadLeftBehindThatInterruptsDoesNotEndTheWorker() {
        try (var pool = TestPools.of(1)) {
            long pid = pool.submit(SentAheadTest::leaveAnInterrupter).result();
            for (int i = 0; i < 200; i++) {
                assertThat(pool.submit(Gate::pid).result()).isEqualTo(pid);
            }
        }
    }

    private static long leaveAnInterrupter() {
        Thread runner = Thread.currentThread();
        Thread.ofPlatform().daemon().start(() -> {
            while (runner.isAlive()) {
                runner.interrupt();
                LockSupport.parkNanos(50_000);
            }
        });
        return ProcessHandle.current().pid();
    }
}
