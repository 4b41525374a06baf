package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Workers that run several calls at a time, and are replaced or killed for a limit. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class PlacesLimitsTest {

    private static final long MIB = 1L << 20;
    private static final long MEMORY = 300 * MIB;
    private static final int PLACES = 4;

    @TempDir
    Path folder = Path.of("");

    private static ProcessPool.Builder builder(int workers) {
        return TestPools.builder(workers).callsPerWorker(PLACES).cancelGrace(Duration.ofMillis(200));
    }

    /** Lets the calls of a worker end that is to leave, and asserts that it lives until the last one has. */
    private void endOneAfterTheOther(ProcessPool pool, long worker, List<ConcurrentFuture<String>> calls)
            throws IOException {
        for (int i = 0; i < calls.size(); i++) {
            assertThat(pool.workerPids()).as("before the end of call %s", i).contains(worker);
            Gate.open(folder, "gate" + i);
            assertThat(calls.get(i).result()).isEqualTo("gate" + i);
        }
        Gate.until(() -> !pool.workerPids().contains(worker));
        assertThat(pool.statistics().workersDied()).isZero();
        assertThat(pool.statistics().lost()).isZero();
    }

    @Test
    void aWorkerThatIsTooOldLeavesAfterTheLastOfItsCalls() throws Exception {
        try (var pool = builder(1).maxAge(Duration.ofMillis(1)).build()) {
            var calls = Gate.block(pool, folder, 2, CallOptions.DEFAULT);
            long old = Gate.await(folder, "gate0");
            Gate.until(() -> pool.statistics().workersStarted() == 2);

            for (int i = 0; i < 2 * PLACES; i++) {
                assertThat(pool.submit(Gate::pid).result())
                        .as("no call waits for those of the old one")
                        .isNotEqualTo(old);
            }
            endOneAfterTheOther(pool, old, calls);
            assertThat(pool.statistics().retiredByAge()).isPositive();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aWorkerThatIsTooLargeLeavesAfterTheLastOfItsCalls() throws Exception {
        try (var pool = builder(1).maxResident(MEMORY).build()) {
            var calls = Gate.block(pool, folder, 2, CallOptions.DEFAULT);
            long large = pool.submit(() -> RecyclingTest.leakNative(MEMORY)).result();
            assertThat(large).isEqualTo(Gate.await(folder, "gate0"));
            Gate.until(() -> pool.statistics().workersStarted() == 2);

            assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(large);
            endOneAfterTheOther(pool, large, calls);
            assertThat(pool.statistics().retiredByResident()).isEqualTo(1);
        }
    }

    @Test
    void aWorkerThatHasRunAllItsCallsLeavesAfterTheLastOfThem() throws Exception {
        try (var pool = builder(1).maxTasksPerWorker(3).build()) {
            var calls = Gate.block(pool, folder, 2, CallOptions.DEFAULT);
            long spent = pool.submit(Gate::pid).result();
            assertThat(spent).isEqualTo(Gate.await(folder, "gate0"));

            assertThat(pool.submit(Gate::pid).result())
                    .as("it does not wait for the calls of the other")
                    .isNotEqualTo(spent);
            endOneAfterTheOther(pool, spent, calls);
            assertThat(pool.statistics().retiredByCalls()).isEqualTo(1);
        }
    }

    private static long takeNativeMemoryWithoutEnd() {
        while (true) {
            RecyclingTest.leakNative(8 * MIB);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void workerKilledForItsMemoryFailsEachCallWithTheReason() throws Exception {
        try (var pool = builder(1).memoryLimit(MEMORY).build()) {
            var calls = new ArrayList<ConcurrentFuture<?>>(Gate.block(pool, folder, 2, CallOptions.DEFAULT));
            String in = folder.toString();
            var again = pool.submit(() -> Gate.pass(in, "again"), CallOptions.DEFAULT.withRetries(1));
            Gate.await(folder, "again");
            calls.add(pool.submit(PlacesLimitsTest::takeNativeMemoryWithoutEnd));

            for (ConcurrentFuture<?> each : calls) {
                assertThat(each.exception().orElseThrow())
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageMatching("(?s).*the pool killed it because it used [3-9]\\d\\d MiB of at most"
                                + " 300 MiB \\(memoryLimit.* 4 calls ran in this worker.*");
            }
            Gate.open(folder, "again");
            assertThat(again.result()).isEqualTo("again");
            assertThat(pool.statistics().killedForMemory()).isEqualTo(1);
            assertThat(pool.statistics().lost()).isEqualTo(3);
            assertThat(pool.statistics().rerun()).isEqualTo(1);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theProcessorTimeOfAWorkerIsThatOfAllItsCalls() {
        String in = folder.toString();
        try (var pool = builder(1).cpuTimeLimit(Duration.ofMillis(1500)).build()) {
            List<ConcurrentFuture<?>> calls = new ArrayList<>(Gate.block(pool, folder, 1, CallOptions.DEFAULT));
            for (String each : List.of("spins", "spins too")) {
                calls.add(pool.submit(() -> Gate.spin(in, each)));
            }
            for (ConcurrentFuture<?> each : calls) {
                assertThat(each.exception().orElseThrow())
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageContaining("killed by SIGXCPU")
                        .hasMessageContaining("cpuTimeLimit")
                        .hasMessageContaining("3 calls ran in this worker, and any of them may be the cause");
            }
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    /** Lets four calls go on when they are all there; runs in a worker. */
    private static final CyclicBarrier four = new CyclicBarrier(PLACES);

    private static long meet() throws Exception {
        four.await(20, TimeUnit.SECONDS);
        return Gate.pid();
    }

    @Test
    void aKeyMovesToOneOtherWorkerWhenItsOwnIsTooOld() throws Exception {
        var key = CallOptions.DEFAULT.withKey("a");
        try (var pool = builder(2).maxAge(Duration.ofMillis(1)).build()) {
            var calls = Gate.block(pool, folder, 3, key);
            long old = Gate.await(folder, "gate0");
            Gate.until(() -> pool.submit(Gate::pid, key).result() != old);

            var pids = new HashSet<Long>();
            IntStream.range(0, PLACES)
                    .mapToObj(_ -> pool.submit(PlacesLimitsTest::meet, key))
                    .toList()
                    .forEach(each -> pids.add(each.result()));
            assertThat(pids).hasSize(1).doesNotContain(old);
            endOneAfterTheOther(pool, old, calls);
        }
    }

    @Test
    void callsRunTogetherInASandbox() {
        Jails.assume();
        try (var pool = builder(1).heap(64 << 20).sandbox(Sandbox.strict()).build()) {
            var pids = new HashSet<Long>();
            IntStream.range(0, 2 * PLACES)
                    .mapToObj(_ -> pool.submit(PlacesLimitsTest::meet))
                    .toList()
                    .forEach(each -> pids.add(each.result()));
            assertThat(pids).hasSize(1);
            assertThat(pool.statistics().size()).isEqualTo(1);
            long pid = pool.workerPids().getFirst();

            var stays = pool.submit(() -> {
                Gate.hang();
                return 1;
            });
            var exits = pool.submit(() -> System.exit(9));
            for (ConcurrentFuture<?> each : List.of(stays, exits)) {
                assertThat(each.exception().orElseThrow())
                        .isInstanceOfSatisfying(
                                WorkerDiedException.class,
                                died -> assertThat(died.pid()).isEqualTo(pid))
                        .hasMessageContaining("System.exit(9)")
                        .hasMessageContaining("2 calls ran in this worker");
            }
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }
}
