package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.WorkerDiedException.Phase;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a call can do to its worker, and what the caller sees of it: one row per manner, and per place where it makes a
 * difference. In each row another call runs meanwhile, on another worker, and a third one follows. The page
 * {@code docs/process-pool.md} says which failure of the field has which row.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class FailureTableTest {

    private static final String IN_WORKER = "trestle.test.worker";

    private static final ProcessPool pool = TestPools.builder(2)
            .heap(64 << 20)
            .jvmArguments("-XX:MaxMetaspaceSize=32m", "--add-opens=java.base/java.io=ALL-UNNAMED")
            .systemProperty(IN_WORKER, "yes")
            .cancelGrace(Duration.ofMillis(200))
            .build();

    @TempDir
    Path folder = Path.of("");

    private ConcurrentFuture<String> unharmed = new Promise<>();
    private long bystander;

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** Ends the worker: while it reads the call, runs it, or writes the result. */
    enum Death {
        EXITS(() -> System.exit(7), 7, "System.exit(7)"),
        EXITS_WITH_THE_CODE_OF_OUT_OF_MEMORY(() -> System.exit(3), 3, "System.exit(3)"),
        HALTS(() -> Runtime.getRuntime().halt(9), 9, "Runtime.halt(9)"),
        IS_KILLED(() -> signal("KILL"), 137, "SIGKILL"),
        IS_TERMINATED(() -> signal("TERM"), 143, "SIGTERM"),
        CRASHES(() -> signal("SEGV"), 1, "the JVM crashed"),
        EXHAUSTS_THE_HEAP(() -> fill(new byte[1024][]), 3, "ran out of memory"),
        EXHAUSTS_THE_METASPACE(FailureTableTest::defineClasses, 3, "ran out of memory"),
        CORRUPTS_THE_STREAM(FailureTableTest::writeIntoSockets, 137, "its conversation failed"),
        EXITS_WITH_A_CHILD_THAT_HOLDS_STDOUT(
                () -> {
                    leaveChild();
                    System.exit(7);
                },
                7,
                "System.exit(7)");

        interface Action extends RunnableCall {}

        @SuppressWarnings("ImmutableEnumChecker") // lambdas that capture nothing
        private final Action action;

        private final int exitCode;
        private final String clue;

        Death(Action action, int exitCode, String clue) {
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

    /** Goes wrong when the worker makes one, so while it reads the call that captured it. */
    record FatalToReaders(Death death) {
        FatalToReaders {
            if (System.getProperty(IN_WORKER) != null) {
                death.happen();
            }
        }
    }

    /** Does no harm to the worker, or ought not to. */
    enum Nuisance {
        FLOODS_STDOUT(() -> System.out.println("x".repeat(4 << 20) + "\n".repeat(100_000))),
        CLOSES_ITS_STREAMS(FailureTableTest::closeStreams),
        LEAVES_A_NON_DAEMON_THREAD(() -> Thread.ofPlatform().start(Gate::hang)),
        LEAVES_A_CHILD_THAT_HOLDS_STDOUT(FailureTableTest::leaveChild),
        LEAVES_ITS_THREAD_INTERRUPTED(() -> Thread.currentThread().interrupt()),
        SETS_A_CLASS_LOADER(() -> Thread.currentThread().setContextClassLoader(null));

        @SuppressWarnings("ImmutableEnumChecker") // lambdas that capture nothing
        private final Death.Action action;

        Nuisance(Death.Action action) {
            this.action = action;
        }

        long happen() {
            action.run();
            return ProcessHandle.current().pid();
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

    private static void defineClasses() {
        var classes = new ArrayList<Class<?>>();
        try (var in = FailureTableTest.class.getResourceAsStream("FailureTableTest$Death$Action.class")) {
            byte[] bytes = requireNonNull(in).readAllBytes();
            while (true) {
                classes.add(
                        MethodHandles.lookup().defineHiddenClass(bytes, false).lookupClass());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalAccessException e) {
            throw new AssertionError("A class may define classes in its own package: " + classes.size(), e);
        }
    }

    /** Writes what is no frame into each socket of this process, as native code that has gone wild might. */
    private static void writeIntoSockets() {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path each : descriptors.toList()) {
                if (Files.isSymbolicLink(each)
                        && Files.readSymbolicLink(each).toString().startsWith("socket:")) {
                    var descriptor = new FileDescriptor();
                    var number = FileDescriptor.class.getDeclaredField("fd");
                    number.setAccessible(true);
                    number.setInt(
                            descriptor, Integer.parseInt(each.getFileName().toString()));
                    writeGarbage(descriptor);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("java.io is open to the workers of this test", e);
        }
    }

    private static void writeGarbage(FileDescriptor socket) {
        try {
            new FileOutputStream(socket).write("This is no frame. ".repeat(10).getBytes(UTF_8));
        } catch (IOException e) {
            System.err.println("Nobody reads from this one: " + e); // each connection has one direction
        }
    }

    private static void closeStreams() {
        try {
            new FileInputStream(FileDescriptor.in).close();
            new FileOutputStream(FileDescriptor.out).close();
            new FileOutputStream(FileDescriptor.err).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void leaveChild() {
        try {
            new ProcessBuilder("sleep", "3600").inheritIO().start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @BeforeEach
    void occupyAWorker() {
        String in = folder.toString();
        unharmed = pool.submit(() -> Gate.pass(in, "bystander"));
        bystander = Gate.await(folder, "bystander");
    }

    @AfterEach
    void theBystanderIsUnharmed() throws IOException {
        var next = pool.submit(() -> "the pool answers");
        Gate.open(folder, "bystander");

        assertThat(next.result()).isEqualTo("the pool answers");
        assertThat(unharmed.result()).isEqualTo("bystander");
        assertThat(pool.workerPids()).contains(bystander);
    }

    private void costsItsOwnCall(Death death, Call<?> call, Phase phase) {
        assertThatThrownBy(pool.submit(call)::result)
                .hasMessageContaining(death.clue)
                .isInstanceOfSatisfying(WorkerDiedException.class, e -> {
                    assertThat(e.exitCode()).hasValue(death.exitCode);
                    assertThat(e.signal().isPresent()).isEqualTo(death.exitCode > 128);
                    assertThat(e.pid()).isPositive().isNotEqualTo(bystander);
                    assertThat(e.phase()).isEqualTo(phase);
                });
    }

    @ParameterizedTest
    @EnumSource
    void whileItRuns(Death death) {
        costsItsOwnCall(death, death::happen, Phase.RUNNING);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXITS", "IS_KILLED", "EXHAUSTS_THE_HEAP"})
    void whileTheCallIsRead(Death death) {
        var captured = new FatalToReaders(death);

        costsItsOwnCall(death, captured::hashCode, Phase.DECODING);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXITS", "IS_KILLED", "EXHAUSTS_THE_HEAP"})
    void whileTheResultIsWritten(Death death) {
        costsItsOwnCall(death, () -> Stream.of(1).map(_ -> death.happen()), Phase.ENCODING); // read when it is sent
    }

    @ParameterizedTest
    @EnumSource
    void theWorkerSurvives(Nuisance nuisance) {
        Call<Long> call = nuisance::happen;
        long died = pool.statistics().workersDied();
        long worker = pool.submit(call).result();

        assertThat(worker).isNotEqualTo(bystander);
        assertThat(pool.submit(() -> ProcessHandle.current().pid()).result()).isEqualTo(worker);
        assertThat(pool.submit(() -> Thread.currentThread().isInterrupted()
                                || Thread.currentThread().getContextClassLoader() == null)
                        .result())
                .isFalse();
        assertThat(pool.statistics().workersDied()).isEqualTo(died);
    }

    /** Does not end by itself, nor by an interrupt. */
    enum Delay {
        WAITS,
        LOOPS;

        int happen() {
            if (this == WAITS) {
                Gate.hang();
            }
            int turns = 0;
            while (turns >= 0) {
                turns = turns + 1 & 0xff;
            }
            return turns;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLateCallEndsWithItsWorker(Delay delay) {
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(200));
        long died = pool.statistics().workersDied();

        assertThatThrownBy(pool.submit(delay::happen, options)::result)
                .hasRootCauseInstanceOf(TimeoutException.class)
                .hasMessageContaining("PT0.2S");
        assertThat(pool.submit(() -> "replaced").result()).isEqualTo("replaced");
        assertThat(pool.statistics().workersDied()).isEqualTo(died + 1);
    }
}
