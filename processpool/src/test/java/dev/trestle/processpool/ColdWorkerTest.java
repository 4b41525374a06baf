package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Workers that take long to get ready for their first call: longer than the call may run. Workers of these pools wait
 * in the initializer of a class until the test opens a gate.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class ColdWorkerTest {

    private static final String FOLDER = "trestle.test.folder";
    /**
     * So long that what a cold worker does beside its setup, such as loading a class of the test, takes less on a busy
     * machine.
     */
    private static final Duration LIMIT = Duration.ofMillis(400);

    private static final CallOptions LIMITED = CallOptions.DEFAULT.withTimeout(LIMIT);

    @TempDir
    Path folder = Path.of("");

    private ProcessPool.Builder builder(int workers) {
        return TestPools.builder(workers).systemProperty(FOLDER, folder.toString());
    }

    /** Its initializer waits in a worker, which so takes long before it can read a call that has one of these. */
    record SlowToSetUp(int number) {
        static {
            String in = System.getProperty(FOLDER);
            if (in != null) {
                pass(in);
            }
        }

        private static void pass(String in) {
            try {
                Gate.pass(in, "setup");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Lets a time limit pass, on another worker. */
    private void letALimitPass(ProcessPool pool) {
        String in = folder.toString();
        assertThat(pool.submit(() -> Gate.stay(in, "elsewhere"), LIMITED).exception())
                .containsInstanceOf(TimeoutException.class);
    }

    @Test
    void theSetupOfAWorkerDoesNotCountForTheLimitOfItsFirstCall() throws Exception {
        var argument = new SlowToSetUp(1);
        try (var pool = builder(2).build()) {
            var first = pool.submit(
                    () -> argument.number() + ProcessHandle.current().pid(), LIMITED);
            long worker = Gate.await(folder, "setup");
            letALimitPass(pool);
            assertThat(first.isDone()).isFalse();
            Gate.open(folder, "setup");

            assertThat(first.result()).isEqualTo(1 + worker);
            var others = IntStream.range(0, 20)
                    .mapToObj(_ -> pool.submit(() -> argument.number(), LIMITED))
                    .toList();
            assertThat(others).allMatch(each -> each.result() == 1);
            assertThat(pool.statistics().workersDied()).isZero();
        }
    }

    /** Its initializer waits in a worker. It is set up with what has a field of it, although there is none. */
    enum SlowKind {
        ONE;

        static {
            String in = System.getProperty(FOLDER);
            if (in != null) {
                SlowToSetUp.pass(in);
            }
        }
    }

    record SlowToWrite(@Nullable SlowKind kind) {}

    static final class SlowToWriteException extends RuntimeException {
        private static final long serialVersionUID = 1;

        @SuppressWarnings("UnusedVariable") // travels as the state of the exception
        private final List<SlowToWrite> details = List.of(new SlowToWrite(null));
    }

    /** Calls whose results take long to write the first time, each in another place. */
    static Stream<Call<?>> firstResults() {
        return Stream.of(
                () -> new SlowToWrite(null),
                () -> List.of(1, List.of(new SlowToWrite(null))),
                () -> Map.of("key", new SlowToWrite(null)),
                () -> {
                    throw new SlowToWriteException();
                });
    }

    @ParameterizedTest
    @MethodSource("firstResults")
    void setupOfAWorkerDoesNotCountForTheTimeLimit(Call<?> call) throws Exception {
        try (var pool = builder(2).build()) {
            var first = pool.submit(call, LIMITED);
            Gate.await(folder, "setup");
            letALimitPass(pool);
            assertThat(first.isDone()).isFalse();
            Gate.open(folder, "setup");

            Throwable thrown = first.exception().orElse(null);
            assertThat(thrown == null || thrown instanceof SlowToWriteException)
                    .as("%s", thrown)
                    .isTrue();
            assertThat(pool.statistics().workersDied()).isZero();
        }
    }

    @Test
    void aWorkerThatIsOnlyColdIsNotKilledWhenItsCallIsCancelled() throws Exception {
        String in = folder.toString();
        var argument = new SlowToSetUp(1);
        try (var pool = builder(2).cancelGrace(LIMIT).build()) {
            var first = pool.submit(() -> Gate.mark(in, "ran" + argument.number()));
            long cold = Gate.await(folder, "setup");
            var endless = pool.submit(() -> Gate.spin(in, "spinning"));
            Gate.await(folder, "spinning");
            first.cancel(true);
            endless.cancel(true);
            Gate.until(() -> pool.statistics().workersDied() == 1); // the other, which is not cold
            Gate.open(folder, "setup");

            assertThat(first.isCancelled()).isTrue();
            Gate.until(() -> pool.statistics().busy() == 0);
            assertThat(pool.workerPids()).contains(cold);
            assertThat(Gate.isMarked(folder, "ran1"))
                    .as("ran, though it was cancelled")
                    .isFalse();
        }
    }

    record NeverRead(int number) {
        NeverRead {
            if (System.getProperty(FOLDER) != null) {
                Gate.hang();
            }
        }
    }

    /** The test takes as long as a worker may take to start, which must not be too short for busy machines. */
    @Test
    void aCallWhoseArgumentsAreReadForeverHasTheTimeOfAStart() {
        var argument = new NeverRead(1);
        var start = Duration.ofSeconds(6);
        try (var pool =
                builder(1).startTimeout(start).cancelGrace(Duration.ofMillis(1)).build()) {
            var first = pool.submit(() -> argument.number(), LIMITED);

            assertThat(first.exception())
                    .containsInstanceOf(TimeoutException.class)
                    .hasValueSatisfying(e -> Assertions.assertThat(e)
                            .hasMessageContaining("while it was reading the call's arguments")
                            .hasMessageContaining("PT6S")
                            .hasMessageContaining("Gate.hang"));
            assertThat(pool.submit(() -> 1).result()).as("by another worker").isEqualTo(1);
        }
    }

    @Test
    void aResultThatIsWrittenForeverIsLate() {
        try (var pool = builder(1).cancelGrace(Duration.ofMillis(1)).build()) {
            var endless = pool.submit(() -> Stream.generate(() -> "more"), LIMITED);

            assertThat(endless.exception())
                    .containsInstanceOf(TimeoutException.class)
                    .hasValueSatisfying(e -> Assertions.assertThat(e).hasMessageContaining("ran longer than " + LIMIT));
            assertThat(pool.submit(() -> 1).result()).as("by another worker").isEqualTo(1);
        }
    }
}
