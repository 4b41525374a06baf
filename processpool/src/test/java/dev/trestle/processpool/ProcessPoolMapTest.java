package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.FutureExecutor;
import dev.trestle.api.MapOptions;
import dev.trestle.api.MapOptions.OnError;
import dev.trestle.contract.MapContract;
import java.io.Serial;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@code map} in child JVMs, and what concerns only those: results that cannot travel, errors of the
 * JVM.
 */
@ExtendWith(NothingLeft.class)
class ProcessPoolMapTest extends MapContract {

    @Override
    protected FutureExecutor newExecutor(int size) {
        return TestPools.of(size);
    }

    /** The pool of the tests that leave its worker alive. */
    private final ProcessPool single = TestPools.builder(1).maxPayload(1 << 20).build();

    @AfterAll
    void closeSingle() {
        single.close();
    }

    private static Object threadForThree(int input) {
        return input == 3 ? Thread.currentThread() : "result " + input;
    }

    private static Object arrayForThree(int input) {
        return input == 3 ? new long[1 << 20] : "result " + input;
    }

    private static Object failureForThree(int input) {
        if (input == 3) {
            throw new WithSocket();
        }
        return "result " + input;
    }

    private static final class WithSocket extends RuntimeException {
        @Serial
        private static final long serialVersionUID = 1;

        @SuppressWarnings({"unused", "serial"}) // it is what cannot travel
        private final Socket socket = new Socket();

        WithSocket() {
            super("with a socket");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 100})
    void aResultThatCannotTravelCostsItsOwnInput(int chunkSize) {
        assertThat(outcomes(chunkSize, "thread"))
                .hasSize(8)
                .satisfies(
                        all -> assertThat(all.get(3))
                                .contains("CallNotSerializableException")
                                .contains("Thread"),
                        all -> assertThat(all)
                                .filteredOn(each -> each.startsWith("result"))
                                .hasSize(7));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 100})
    void aResultThatIsTooLargeCostsItsOwnInput(int chunkSize) {
        assertThat(outcomes(chunkSize, "array"))
                .hasSize(8)
                .satisfies(
                        all -> assertThat(all.get(3)).contains("CallNotSerializableException"),
                        all -> assertThat(all)
                                .filteredOn(each -> each.startsWith("result"))
                                .hasSize(7));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 100})
    void anExceptionThatCannotTravelCostsItsOwnInput(int chunkSize) {
        assertThat(outcomes(chunkSize, "failure"))
                .hasSize(8)
                .satisfies(
                        all -> assertThat(all.get(3)).contains("with a socket"),
                        all -> assertThat(all)
                                .filteredOn(each -> each.startsWith("result"))
                                .hasSize(7));
    }

    private List<String> outcomes(int chunkSize, String what) {
        var outcomes = new ArrayList<String>();
        var options = MapOptions.DEFAULT.withOnError(OnError.CONTINUE).withChunkSize(chunkSize);
        List<Integer> inputs = IntStream.range(0, 8).boxed().toList();
        long worker = single.submit(Gate::pid).result();
        var results = switch (what) {
            case "thread" -> single.map(ProcessPoolMapTest::threadForThree, inputs, options);
            case "array" -> single.map(ProcessPoolMapTest::arrayForThree, inputs, options);
            default -> single.map(ProcessPoolMapTest::failureForThree, inputs, options);
        };
        var spliterator = results.spliterator();
        boolean more = true;
        while (more) {
            try {
                more = spliterator.tryAdvance(result -> outcomes.add(String.valueOf(result)));
            } catch (RuntimeException e) {
                outcomes.add(e.toString());
            }
        }
        assertThat(single.submit(Gate::pid).result()).as("the worker, after it").isEqualTo(worker);
        return outcomes;
    }

    private static long pidOrError(int input) {
        if (input == 3) {
            throw new InternalError("thrown on purpose");
        }
        return ProcessHandle.current().pid();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void anErrorOfTheJvmHasItsWorkerReplaced(int chunkSize) {
        try (var pool = TestPools.of(1)) {
            var options = MapOptions.DEFAULT.withOnError(OnError.CONTINUE).withChunkSize(chunkSize);
            var pids = new ArrayList<@Nullable Long>();
            var spliterator = pool.map(
                            ProcessPoolMapTest::pidOrError,
                            IntStream.range(0, 8).boxed().toList(),
                            options)
                    .spliterator();
            boolean more = true;
            while (more) {
                try {
                    more = spliterator.tryAdvance(pids::add);
                } catch (InternalError e) {
                    assertThat(e).hasMessage("thrown on purpose");
                    pids.add(null);
                }
            }

            assertThat(pids).hasSize(8);
            assertThat(pids.get(3)).isNull();
            assertThat(pids.subList(0, 3)).containsOnly(pids.getFirst());
            assertThat(pids.subList(4, 8)).doesNotContain(pids.getFirst());
        }
    }

    @Test
    void aResultThatCannotTravelEndsAStreamThatStopsAtErrors() {
        try (var pool = TestPools.of(1)) {
            var results = pool.map(
                            ProcessPoolMapTest::threadForThree,
                            IntStream.range(0, 8).boxed().toList(),
                            MapOptions.DEFAULT.withChunkSize(8))
                    .iterator();

            assertThat(List.of(results.next(), results.next(), results.next()))
                    .containsExactly("result 0", "result 1", "result 2");
            assertThatThrownBy(results::hasNext)
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("Thread");
        }
    }
}
