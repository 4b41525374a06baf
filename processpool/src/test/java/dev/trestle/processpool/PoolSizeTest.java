package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The number of workers: before the first call, after the last, and when one takes the place of another. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class PoolSizeTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void minWorkersStartWithThePoolAndAreReplaced() {
        try (var pool = TestPools.builder(3).minWorkers(2).build()) {
            Gate.until(() -> pool.statistics().workersStarted() == 2);
            assertThat(pool.workerPids()).hasSize(2);
            var victim = ProcessHandle.of(pool.workerPids().getFirst()).orElseThrow();
            victim.destroyForcibly();

            Gate.until(() -> pool.statistics().workersStarted() == 3);
            assertThat(pool.statistics().workersDied()).isEqualTo(1);
        }
    }

    /** Without this, the pool would start one JVM after the other, as fast as it can. */
    @Test
    void workersDeadBeforeACallAreReplacedAfterAPause() {
        try (var pool = TestPools.builder(1).minWorkers(1).build()) {
            for (int death = 1; death <= 2; death++) {
                int started = death;
                Gate.until(() -> pool.statistics().workersStarted() == started);
                ProcessHandle.of(pool.workerPids().getFirst()).orElseThrow().destroyForcibly();
            }
            Gate.until(() -> pool.statistics().alive() == 0);
            assertThat(pool.statistics().workersDied()).isEqualTo(2);
            assertThat(pool.submit(() -> "healed").result()).isEqualTo("healed");
        }
    }

    @Test
    void workersCanBeStartedBeforeThereAreCalls() {
        try (var pool = TestPools.of(2)) {
            pool.prestart(1);
            Gate.until(() -> pool.statistics().workersStarted() == 1);
            var first = pool.workerPids();
            assertThat(pool.submit(Gate::pid).result()).isEqualTo(first.getFirst());

            pool.prestart(Integer.MAX_VALUE);
            Gate.until(() -> pool.statistics().workersStarted() == 2);
            assertThat(pool.workerPids()).hasSize(2).containsAll(first);
        }
    }

    @Test
    void idleWorkersEndUntilTheLeastAreLeft() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.builder(3)
                .minWorkers(1)
                .idleTime(Duration.ofMillis(100))
                .build()) {
            var futures = IntStream.range(0, 3)
                    .mapToObj(i -> pool.submit(() -> Gate.pass(in, "call" + i)))
                    .toList();
            for (int i = 0; i < 3; i++) {
                Gate.await(folder, "call" + i);
            }
            assertThat(pool.statistics().alive()).isEqualTo(3);
            for (int i = 0; i < 3; i++) {
                Gate.open(folder, "call" + i);
                futures.get(i).result();
            }
            Gate.until(() -> pool.workerPids().size() == 1);

            assertThat(pool.statistics().workersRetired()).isEqualTo(2);
            assertThat(pool.statistics().workersDied()).isZero();
            assertThat(pool.submit(Gate::pid).result())
                    .isEqualTo(pool.workerPids().getFirst());
        }
    }

    @Test
    void aPoolWhoseWorkersHaveAllEndedStartsOthers() {
        try (var pool = TestPools.builder(1).idleTime(Duration.ofMillis(20)).build()) {
            long first = pool.submit(Gate::pid).result();
            Gate.until(() -> pool.workerPids().isEmpty());

            assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(first);
        }
    }

    /** The one call is the last but one of its worker, so a spare is started; then both have nothing to do. */
    @Test
    void anIdlePoolStartsNoWorkerForOneThatRetires() {
        try (var pool = TestPools.builder(1)
                .maxTasksPerWorker(2)
                .idleTime(Duration.ofMillis(500))
                .build()) {
            pool.submit(Gate::pid).result();
            Gate.until(() -> pool.statistics().workersStarted() == 2);
            Gate.until(() -> pool.statistics().alive() == 0);

            assertThat(pool.statistics().workersStarted()).isEqualTo(2);
            assertThat(pool.statistics().workersRetired()).isEqualTo(2);
        }
    }

    @Test
    void aSpareIsReadyWhenAWorkerHasRunItsLastCall() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.builder(1).maxTasksPerWorker(2).build()) {
            long first = pool.submit(Gate::pid).result();
            var last = pool.submit(() -> Gate.pass(in, "last"));
            Gate.until(() -> pool.statistics().spares() == 1);
            var next = pool.submit(Gate::pid);
            assertThat(next.isDone())
                    .as("one call at a time, though there are two processes")
                    .isFalse();
            Gate.open(folder, "last");

            last.result();
            assertThat(next.result()).isNotEqualTo(first);
            Gate.until(() -> pool.statistics().workersRetired() == 1);
        }
    }

    @Test
    void aSpareThatIsReadyAfterShutdownRunsNoCall() throws Exception {
        String in = folder.toString();
        var pool = TestPools.builder(1)
                .maxTasksPerWorker(1)
                .initializer(() -> startOneAfterTheOther(in))
                .build();
        Gate.open(folder, "starts0");
        var last = pool.submit(() -> Gate.pass(in, "last"));
        Gate.await(folder, "last");
        var next = pool.submit(Gate::pid);
        Gate.await(folder, "starts1");
        pool.shutdown();
        Gate.open(folder, "starts1");
        Gate.until(() -> pool.statistics().starting() == 0);
        assertThat(pool.statistics().busy()).as("calls at a time").isEqualTo(1);
        assertThat(next.isDone()).isFalse();
        Gate.open(folder, "last");

        assertThat(last.result()).isEqualTo("last");
        assertThat(next.result()).isPositive();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(pool.statistics().workersStarted()).isEqualTo(2);
    }

    private static void startOneAfterTheOther(String folder) {
        try {
            Gate.pass(folder, "starts" + Gate.number(folder));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void sparesRunNoCallsWhileTheyStandBy() {
        String in = folder.toString();
        try (var pool = TestPools.builder(1).maxTasksPerWorker(5).build()) {
            List<ConcurrentFuture<Long>> futures = IntStream.range(0, 25)
                    .mapToObj(_ -> pool.submit(() -> alone(in)))
                    .toList();

            assertThat(new HashSet<>(
                            futures.stream().map(ConcurrentFuture::result).toList()))
                    .hasSize(5);
        }
    }

    /** Fails if another call does this at the same time. */
    private static long alone(String folder) throws IOException {
        Path mark = Files.createFile(Path.of(folder, "alone"));
        LockSupport.parkNanos(5_000_000);
        Files.delete(mark);
        return Gate.pid();
    }

    @Test
    void sizesAreChecked() {
        var builder = ProcessPool.builder();

        assertThatThrownBy(() -> builder.minWorkers(-1)).hasMessageContaining("must not be negative: -1");
        assertThatThrownBy(() -> builder.idleTime(Duration.ZERO)).hasMessageContaining("idleTime must be positive");
        try (var pool = TestPools.of(1)) {
            assertThatThrownBy(() -> pool.prestart(-1)).hasMessageContaining("must not be negative: -1");
        }
    }
}
