package dev.trestle.processpool;

import static dev.trestle.processpool.FailureTable.Fate.LIVES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.FailureTable.Row;
import dev.trestle.processpool.FailureTable.Where;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rows of {@link FailureTable} that go wrong in a call, in a worker that runs two other calls at that time: they go
 * on if the worker lives; otherwise one fails, and the other, which has retries, is run again.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class PlacesFailureTest {

    private static final boolean ALL_ROWS = Boolean.getBoolean("trestle.failures.all");

    private static final Set<Where> IN_A_CALL = EnumSet.of(
            Where.DECODING_THE_CALL,
            Where.RUNNING,
            Where.STREAMING,
            Where.ENCODING_THE_RESULT,
            Where.DECODING_THE_RESULT);

    /** The mishaps that represent all others in a build. */
    private static final Set<Mishap> SOME = EnumSet.of(
            Mishap.THROWS,
            Mishap.OVERFLOWS_THE_STACK,
            Mishap.EXITS,
            Mishap.IS_KILLED,
            Mishap.EXHAUSTS_THE_HEAP,
            Mishap.EXHAUSTS_THE_THREADS,
            Mishap.CORRUPTS_THE_STREAM,
            Mishap.WAITS,
            Mishap.LOOPS,
            Mishap.LEAVES_ITS_THREAD_INTERRUPTED,
            Mishap.SETS_A_CLASS_LOADER);

    /** Ways to die that are tried while a call runs; where a call is read or answered, its worker exits. */
    private static final Set<Mishap> OTHER_DEATHS =
            EnumSet.of(Mishap.IS_KILLED, Mishap.EXHAUSTS_THE_HEAP, Mishap.CORRUPTS_THE_STREAM);

    private static final ProcessPool pool =
            FailureTable.builder(1).callsPerWorker(4).build();

    @TempDir
    Path folder = Path.of("");

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    static Stream<Row> rows() {
        return FailureTable.rows()
                .filter(row -> IN_A_CALL.contains(row.where()))
                .filter(row -> ALL_ROWS
                        || (SOME.contains(row.how())
                                && (row.where() == Where.RUNNING || !OTHER_DEATHS.contains(row.how()))));
    }

    private ConcurrentFuture<String> bystander(String name, CallOptions options) {
        String in = folder.toString();
        var future = pool.submit(() -> Gate.pass(in, name), options);
        Gate.await(folder, name);
        return future;
    }

    @ParameterizedTest
    @MethodSource("rows")
    void row(Row row) throws Exception {
        long worker = pool.submit(Mishap::worker).result();
        long pid = pool.workerPids().getFirst();
        long lost = pool.statistics().lost();
        var once = bystander("once", CallOptions.DEFAULT);
        var again = bystander("again", CallOptions.DEFAULT.withRetries(1));
        assertThat(pool.workerPids()).containsExactly(pid);

        FailureTable.sees(row, () -> FailureTable.outcome(pool, row), worker, pid);
        if (row.fate() == LIVES) {
            Gate.open(folder, "once");
            Gate.open(folder, "again");
            assertThat(once.result()).isEqualTo("once");
            assertThat(again.result()).isEqualTo("again");
            assertThat(pool.workerPids()).containsExactly(pid);
        } else {
            assertThat(once.exception().orElseThrow())
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining(" calls ran in this worker");
            Gate.open(folder, "again");
            assertThat(again.result()).isEqualTo("again");
            assertThat(pool.workerPids()).doesNotContain(pid);
        }
        int expected = row.fate() == LIVES ? 0 : row.error() == WorkerDiedException.class ? 2 : 1;
        assertThat(pool.statistics().lost() - lost).isEqualTo(expected);
        for (int i = 0; i < 8; i++) { // in each place
            assertThat(pool.submit(() -> Thread.currentThread().isInterrupted()
                                    || Thread.currentThread().getContextClassLoader() == null)
                            .result())
                    .isFalse();
        }
    }
}
