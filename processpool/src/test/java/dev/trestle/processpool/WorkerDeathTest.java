package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.WorkerDiedException.Phase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a worker can do to itself while it runs a call, and what the caller sees of it. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class WorkerDeathTest {

    private static final ProcessPool pool = TestPools.builder(2).heap(64 << 20).build();

    @TempDir
    Path folder = Path.of("");

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    enum Mishap {
        EXITS(
                () -> {
                    System.err.println("about to exit");
                    System.exit(7);
                },
                7,
                "System.exit(7)"),
        EXITS_WITH_THE_CODE_OF_OUT_OF_MEMORY(() -> System.exit(3), 3, "System.exit(3)"),
        HALTS(() -> Runtime.getRuntime().halt(9), 9, "Runtime.halt(9)"),
        IS_KILLED(() -> signal("KILL"), 137, "SIGKILL"),
        IS_TERMINATED(() -> signal("TERM"), 143, "SIGTERM"),
        CRASHES(() -> signal("SEGV"), 1, "the JVM crashed"),
        EXHAUSTS_THE_HEAP(() -> fill(new byte[1024][]), 3, "ran out of memory");

        interface Action extends RunnableCall {}

        @SuppressWarnings("ImmutableEnumChecker") // lambdas that capture nothing
        private final Action action;

        private final int exitCode;
        private final String clue;

        Mishap(Action action, int exitCode, String clue) {
            this.action = action;
            this.exitCode = exitCode;
            this.clue = clue;
        }

        int happen() {
            action.run();
            Gate.hang(); // until the JVM is gone
            return 0;
        }
    }

    private static void signal(String name) {
        try {
            new ProcessBuilder(
                            "kill",
                            "-" + name,
                            Long.toString(ProcessHandle.current().pid()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void fill(byte[][] memory) {
        for (int i = 0; i < memory.length; i++) {
            memory[i] = new byte[1 << 20];
        }
    }

    @ParameterizedTest
    @EnumSource
    void costsItsOwnCallAndNoOther(Mishap mishap) throws IOException {
        String in = folder.toString();
        var bystander = pool.submit(() -> {
            Gate.pass(in, "bystander");
            return "unharmed";
        });
        long pid = Gate.await(folder, "bystander");
        try {
            Call<Integer> call = mishap::happen;
            var future = pool.submit(call);
            var queued = pool.submit(() -> "queued");

            assertThatThrownBy(future::result)
                    .hasMessageContaining("happen")
                    .hasMessageContaining(mishap.clue)
                    .isInstanceOfSatisfying(WorkerDiedException.class, e -> {
                        assertThat(e.exitCode()).hasValue(mishap.exitCode);
                        assertThat(e.signal().isPresent()).isEqualTo(mishap.exitCode > 128);
                        assertThat(e.pid()).isPositive().isNotEqualTo(pid);
                        assertThat(e.phase()).isEqualTo(Phase.RUNNING);
                    });
            assertThat(queued.result()).isEqualTo("queued");
        } finally {
            Gate.open(folder, "bystander");
            assertThat(bystander.result()).isEqualTo("unharmed");
        }
        assertThat(pool.workerPids()).contains(pid);
    }

    @Test
    void theTailOfStderrIsInTheException() {
        Call<Integer> call = Mishap.EXITS::happen;

        assertThatThrownBy(pool.submit(call)::result)
                .hasMessageEndingWith("Its last lines on stderr:\nabout to exit")
                .isInstanceOfSatisfying(
                        WorkerDiedException.class,
                        e -> assertThat(e.stderrTail()).isEqualTo("about to exit"));
    }

    @Test
    void theHeadOfTheCrashLogIsInTheException() {
        Call<Integer> call = Mishap.CRASHES::happen;

        assertThatThrownBy(pool.submit(call)::result)
                .hasMessageContaining("crash log begins")
                .hasMessageContaining("SIGSEGV");
    }

    @Test
    void anIdempotentCallIsRunAgain() {
        String in = folder.toString();
        var future = pool.submit(() -> dieOnce(in), CallOptions.DEFAULT.withRetries(1));

        assertThat(future.result()).isEqualTo("second time");
    }

    @Test
    void retriesEnd() {
        long before = pool.statistics().rerun();
        Call<Integer> call = Mishap.HALTS::happen;

        assertThatThrownBy(pool.submit(call, CallOptions.DEFAULT.withRetries(2))::result)
                .isInstanceOf(WorkerDiedException.class);
        assertThat(pool.statistics().rerun() - before).isEqualTo(2);
    }

    private static String dieOnce(String folder) throws IOException {
        if (Gate.isMarked(Path.of(folder), "died")) {
            return "second time";
        }
        Gate.mark(folder, "died");
        Runtime.getRuntime().halt(1);
        return "first time";
    }

    @Test
    void aWorkerKilledFromOutsideWhileIdleIsReplacedWhenItIsNeeded() {
        try (var single = TestPools.of(1)) {
            long pid = single.submit(() -> ProcessHandle.current().pid()).result();
            var handle = ProcessHandle.of(pid).orElseThrow();
            handle.destroyForcibly();
            handle.onExit().join();

            assertThat(single.submit(() -> ProcessHandle.current().pid()).result())
                    .isNotEqualTo(pid);
        }
    }

    @Test
    void anErrorThatLeavesTheJvmInDoubtEndsTheWorkerAfterItsAnswer() {
        try (var single = TestPools.of(1)) {
            long pid = single.submit(() -> ProcessHandle.current().pid()).result();

            assertThatThrownBy(single.submit(() -> throwOutOfMemory())::result)
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessage("by hand");
            assertThat(single.submit(() -> ProcessHandle.current().pid()).result())
                    .isNotEqualTo(pid);
        }
    }

    private static int throwOutOfMemory() {
        throw new OutOfMemoryError("by hand");
    }

    @Test
    void aStackOverflowIsAnOrdinaryException() {
        long died = pool.statistics().workersDied();

        assertThatThrownBy(pool.submit(() -> deep(0))::result).isInstanceOf(StackOverflowError.class);
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        assertThat(pool.statistics().workersDied()).isEqualTo(died);
    }

    private static int deep(int level) {
        return level < 0 ? 0 : deep(level + 1) + 1;
    }
}
