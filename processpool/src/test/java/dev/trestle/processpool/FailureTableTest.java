package dev.trestle.processpool;

import static dev.trestle.processpool.FailureTable.Fate.LIVES;
import static dev.trestle.processpool.FailureTable.Where.INITIALIZING;
import static dev.trestle.processpool.FailureTable.Where.RUNNING;
import static dev.trestle.processpool.Mishap.CRASHES;
import static dev.trestle.processpool.Mishap.EXHAUSTS_THE_HEAP;
import static dev.trestle.processpool.Mishap.EXITS_WITH_THE_CODE_OF_OUT_OF_MEMORY;
import static dev.trestle.processpool.Mishap.EXITS_WITH_THE_CODE_OF_SIGKILL;
import static dev.trestle.processpool.Mishap.EXITS_WITH_THE_CODE_OF_SIGTERM;
import static dev.trestle.processpool.Mishap.HALTS;
import static dev.trestle.processpool.Mishap.HALTS_WITH_A_CHILD_THAT_HOLDS_STDOUT;
import static dev.trestle.processpool.Mishap.HALTS_WITH_THE_CODE_OF_OUT_OF_MEMORY;
import static dev.trestle.processpool.Mishap.HALTS_WITH_THE_CODE_OF_SIGSEGV;
import static dev.trestle.processpool.Mishap.IS_KILLED;
import static dev.trestle.processpool.Mishap.WAITS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.processpool.FailureTable.Row;
import dev.trestle.processpool.jvm.PrivateDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each row of {@link FailureTable}. In each another call runs meanwhile on another worker, and a third one follows.
 * After each row there is nothing left of what went wrong. The page {@code docs/process-pool.md} says which failure of
 * the field has which row.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FailureTableTest {

    static final boolean ALL_ROWS = Boolean.getBoolean("trestle.failures.all");

    private static final Set<Mishap> OTHER_DEATHS = Set.of(HALTS, IS_KILLED, CRASHES, EXHAUSTS_THE_HEAP);

    /** Deaths that differ from others by their exit code; {@code jvm.ExitStatusTest} has the words for each code. */
    private static final Set<Mishap> OTHER_CODES = Set.of(
            EXITS_WITH_THE_CODE_OF_OUT_OF_MEMORY,
            EXITS_WITH_THE_CODE_OF_SIGKILL,
            EXITS_WITH_THE_CODE_OF_SIGTERM,
            HALTS_WITH_THE_CODE_OF_OUT_OF_MEMORY,
            HALTS_WITH_THE_CODE_OF_SIGSEGV,
            HALTS_WITH_A_CHILD_THAT_HOLDS_STDOUT);

    /** The files by which this test and its calls wait for each other. */
    @TempDir
    static Path folders = Path.of("");

    private ProcessPool pool = TestPools.of(1); // until the folders are there
    private Path folder = Path.of("");
    private ConcurrentFuture<String> unharmed = new Promise<>();
    private long bystander;

    /** Returns a builder of the pools whose failures are tried. */
    ProcessPool.Builder builder(int workers) {
        return FailureTable.builder(workers);
    }

    @BeforeAll
    void open() {
        pool.close();
        pool = builder(2).build();
    }

    @AfterAll
    void close() {
        pool.shutdownNow();
        pool.close();
    }

    @BeforeEach
    void occupyAWorker() throws IOException {
        folder = Files.createTempDirectory(folders, "row");
        String in = folder.toString();
        unharmed = pool.submit(() -> {
            Files.writeString(Path.of(in, "worker"), Long.toString(Mishap.worker()));
            return Gate.pass(in, "bystander");
        });
        Gate.await(folder, "bystander");
        bystander = pidOf(Long.parseLong(Files.readString(folder.resolve("worker"))));
    }

    /** Returns the process id of the worker of the pool that has a number. */
    private long pidOf(long worker) {
        return pool.workerPids().stream()
                .filter(pid -> Mishap.workerOf(ProcessHandle.of(pid).orElseThrow()) == worker)
                .findFirst()
                .orElseThrow();
    }

    private List<Long> workers() {
        return pool.workerPids().stream()
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .map(Mishap::workerOf)
                .toList();
    }

    /**
     * The rows of a build: all, except further ways to die at places where a worker that exits is tried already, and
     * further exit codes.
     * CONTRIBUTING.md has the command for all.
     */
    static Stream<Row> rows() {
        return FailureTable.rows()
                .filter(row -> ALL_ROWS
                        || (row.where() == RUNNING && !OTHER_CODES.contains(row.how()))
                        || row.where() == INITIALIZING
                        || (row.where() != RUNNING && !OTHER_DEATHS.contains(row.how())));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void row(Row row) throws Exception {
        switch (row.where()) {
            case ENCODING_THE_CALL, DECODING_THE_CALL, RUNNING, STREAMING, ENCODING_THE_RESULT, DECODING_THE_RESULT ->
                inACall(row);
            case IDLE -> whileIdle(row);
            case RECYCLING -> whileRecycled(row);
            case SHUTTING_DOWN -> whileShutDown(row);
            case STARTING, INITIALIZING -> whileStarting(row);
        }
    }

    @AfterEach
    void theBystanderIsUnharmedAndNothingIsLeft() throws IOException {
        Gate.open(folder, "bystander");

        assertThat(unharmed.result()).isEqualTo("bystander");
        assertThat(pool.workerPids()).contains(bystander);
        await().pollInterval(Duration.ofMillis(1)).untilAsserted(() -> {
            assertThat(ProcessHandle.current().children())
                    .as("children")
                    .allMatch(child -> Stream.concat(Stream.of(child), child.descendants())
                            .anyMatch(each -> pool.workerPids().contains(each.pid())));
            assertThat(PrivateDirectory.ours()).hasSize(directoriesOfAPool());
            assertThat(files())
                    .as("files")
                    .hasSizeLessThanOrEqualTo(
                            filesOfAWorker() * pool.workerPids().size() + filesOfThePool());
        });
    }

    /** Returns the most files that a worker has in the private directory. */
    int filesOfAWorker() {
        return 2;
    }

    /** Returns the number of directories that the pool has made. */
    int directoriesOfAPool() {
        return 1;
    }

    /** Returns the number of files there that belong to no worker: each directory has the proof of its owner. */
    int filesOfThePool() {
        return 1;
    }

    private static List<Path> files() throws IOException {
        var files = new ArrayList<Path>();
        for (Path directory : PrivateDirectory.ours()) {
            try (var found = Files.list(directory)) {
                found.forEach(files::add);
            }
        }
        return files;
    }

    // In a call, which is all that it costs

    private void inACall(Row row) {
        long worker = pool.submit(Mishap::worker).result();
        long pid = pidOf(worker);
        long lost = pool.statistics().lost();
        FailureTable.sees(row, () -> FailureTable.outcome(pool, row), worker, pid);

        assertThat(pool.submit(() -> Thread.currentThread().isInterrupted()
                                || Thread.currentThread().getContextClassLoader() == null)
                        .result())
                .isFalse();
        if (row.fate() == LIVES) {
            assertThat(workers()).contains(worker);
        } else {
            assertThat(workers()).doesNotContain(worker);
        }
        assertThat(pool.statistics().lost() - lost).isEqualTo(row.error() == WorkerDiedException.class ? 1 : 0);
    }

    // In a worker that has no call

    private void whileIdle(Row row) {
        Mishap how = row.how();
        long died = pool.statistics().workersDied();
        long worker = pool.submit(how::happenLater).result();
        Gate.until(() -> pool.statistics().workersDied() > died);

        assertThat(pool.submit(Mishap::worker).result()).isNotEqualTo(worker);
        assertThat(pool.statistics().workersDied()).isEqualTo(died + 1);
    }

    private void whileRecycled(Row row) {
        Mishap how = row.how();
        try (var small = builder(1).maxTasksPerWorker(1).build()) {
            long first = small.submit(how::happenAtTheEnd).result();
            long second = small.submit(Mishap::worker).result();

            assertThat(second).isNotEqualTo(first);
            assertThat(small.statistics().workersDied()).isZero(); // it was to go
            assertThat(small.statistics().lost()).isZero();
        }
    }

    private void whileShutDown(Row row) throws ExecutionException, InterruptedException {
        Mishap how = row.how();
        String in = folder.toString();
        Future<String> running;
        Future<Integer> queued;
        try (var small = builder(2).build()) {
            running = small.submit(() -> Gate.pass(in, "running"));
            Gate.await(folder, "running");
            small.submit(how::happenAtTheEnd).result();
            queued = small.submit(() -> 6 * 7);
            small.shutdown();
            Gate.open(folder, "running");
        } catch (IOException e) {
            throw new AssertionError("The folder of the test can be written to", e);
        }
        assertThat(running.get()).isEqualTo("running");
        assertThat(queued.get()).isEqualTo(42);
    }

    // Before it is ready

    private void whileStarting(Row row) {
        Mishap how = row.how();
        var builder = builder(1)
                .startTimeout(Duration.ofMillis(how == WAITS ? 500 : 20_000))
                .startRetryTime(Duration.ofMillis(1));
        if (row.where() == INITIALIZING) {
            builder.initializer(how::happen);
        } else {
            builder.jvmArguments(
                    "-Djava.system.class.loader=" + MishapLoader.class.getName(), "-Dtrestle.test.mishap=" + how);
        }
        try (var small = builder.build()) {
            var first = small.submit(() -> 1);
            var second = small.submit(() -> 2);

            FailureTable.sees(row, first::result, 0, 0);
            FailureTable.sees(row, second::result, 0, 0);
            assertThatThrownBy(() -> small.submit(() -> 3)).isInstanceOf(BrokenExecutorException.class);
        }
    }
}
