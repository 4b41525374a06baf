package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Programs that a pool runs, each in a JVM of its own. */
@Timeout(120)
@ExtendWith(NothingLeft.class)
class RunMainTest {

    /** The pool of all tests, as long as it is as good as new. */
    private static ProcessPool pool = open();

    private static ProcessPool open() {
        return TestPools.builder(1)
                .cancelGrace(Duration.ofMillis(500))
                .systemProperty("of.the.pool", "é")
                .environment("OF_THE_POOL", "yes")
                .build();
    }

    @AfterEach
    void replaceUnlessAsNew() {
        if (!ProcessPoolContractTest.isAsNew(pool)) {
            close();
            pool = open();
        }
    }

    /** Ends programs that a test that has failed has left running. */
    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** The time for what takes a moment, on a busy machine. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path folder = Path.of("");

    // Programs

    static final class Exits {
        public static void main(String[] arguments) {
            System.out.println("out " + String.join(" ", arguments));
            System.err.println("err");
            System.exit(Integer.parseInt(arguments[0]));
        }
    }

    static final class Returns {
        public static void main(String[] arguments) throws IOException {
            System.out.print(Arrays.toString(arguments) + " " + System.in.read() + " "
                    + System.getProperty("of.the.pool") + " " + System.getenv("OF_THE_POOL"));
        }
    }

    static final class Throws {
        @SuppressWarnings("DoNotCallSuggester") // only a JVM calls it
        public static void main(String[] arguments) {
            throw new IllegalStateException("broken ü");
        }
    }

    static final class HandlesItself {
        public static void main(String[] arguments) {
            Thread.setDefaultUncaughtExceptionHandler(
                    (_, thrown) -> System.out.print("handled " + thrown.getMessage()));
            throw new IllegalStateException("it");
        }
    }

    static final class ExitsInAHook {
        public static void main(String[] arguments) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                System.out.println("hook");
                Runtime.getRuntime().halt(5);
            }));
            System.exit(3);
        }
    }

    /** Runtime.exit in a hook never returns. */
    static final class HangsInAHook {
        public static void main(String[] arguments) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> System.exit(4)));
        }
    }

    static final class OtherThread {
        public static void main(String[] arguments) {
            Thread.ofPlatform().daemon(false).start(() -> {
                System.out.print("from another thread");
            });
        }
    }

    static final class Instance {
        void main() {
            System.out.print("of an object");
        }
    }

    static class Base {
        public static void main(String... arguments) {
            System.out.print("inherited");
        }
    }

    static final class Derived extends Base {}

    static final class Prints {
        public static void main(String[] arguments) {
            var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
            String line = "äöü€😀".repeat(1000) + "\n";
            int bytes = line.getBytes(StandardCharsets.UTF_8).length;
            out.print("first\n");
            for (long i = 0; i < Long.parseLong(arguments[0]); i += bytes) {
                out.print(line);
            }
            out.print("last");
            out.flush();
        }
    }

    static final class Endless {
        public static void main(String[] arguments) throws Exception {
            Process child = new ProcessBuilder("sleep", "1000").inheritIO().start();
            Files.writeString(Path.of(arguments[0]), ProcessHandle.current().pid() + " " + child.pid());
            Files.move(Path.of(arguments[0]), Path.of(arguments[0] + ".done"));
            while (true) {
                LockSupport.park();
            }
        }
    }

    static final class LeavesAChild {
        public static void main(String[] arguments) throws Exception {
            Process child = new ProcessBuilder("sleep", "1000").inheritIO().start();
            System.out.print(child.pid());
        }
    }

    static final class Logs {
        public static void main(String[] arguments) {
            LoggerFactory.getLogger("of.a.program").error("its own");
        }
    }

    static final class NoMain {}

    static final class PrivateMain {
        @SuppressWarnings({"UnusedMethod", "UnusedVariable"}) // no code can call it
        private static void main(String[] arguments) {}
    }

    static final class IntMain {
        @SuppressWarnings("IncorrectMainMethod") // hence it is refused
        public static int main(String[] arguments) {
            return 1;
        }
    }

    static final class NoConstructor {
        NoConstructor(int it) {}

        void main() {}
    }

    @Test
    void exitCodeAndOutputsAreTheResult() {
        // @start region="run-main"
        MainResult result = pool.runMain(Exits.class, "7", "words").result();
        // @end

        assertThat(result).isEqualTo(new MainResult(7, "out 7 words\n", "err\n"));
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }

    @Test
    void argumentsPropertiesAndEnvironmentArriveAndStdinIsEmpty() {
        List<String> odd = List.of("", "a b", "@file", "--main", "é😀", "\"'\\", "-Dx=y", "*", "\n");

        MainResult result =
                pool.runMain(Returns.class, odd.toArray(String[]::new)).result();

        assertThat(result).isEqualTo(new MainResult(0, odd + " -1 é yes", ""));
    }

    @Test
    void anExceptionOfMainIsPrintedAsJavaDoes() {
        MainResult result = pool.runMain(Throws.class).result();

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err().lines())
                .hasSize(2)
                .first()
                .isEqualTo("Exception in thread \"main\" java.lang.IllegalStateException: broken ü");
        assertThat(result.err()).contains("\tat dev.trestle.processpool.RunMainTest$Throws.main(RunMainTest.java:");
    }

    @Test
    void theProgramsOwnHandlerOfExceptionsIsAsked() {
        assertThat(pool.runMain(HandlesItself.class).result()).isEqualTo(new MainResult(1, "handled it", ""));
    }

    @Test
    void shutdownHooksRun() {
        assertThat(pool.runMain(ExitsInAHook.class).result()).isEqualTo(new MainResult(5, "hook\n", ""));
    }

    @Test
    void aProgramThatHangsInAHookIsKilledAtItsTimeLimit() {
        var limit = MainOptions.DEFAULT.withTimeout(Duration.ofSeconds(1));

        assertThatThrownBy(() -> pool.runMain(limit, HangsInAHook.class).result())
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class)
                .hasMessageContaining("main of " + HangsInAHook.class.getName());
    }

    @Test
    void aProgramGoesOnWhileItHasThreads() {
        assertThat(pool.runMain(OtherThread.class).result()).isEqualTo(new MainResult(0, "from another thread", ""));
    }

    @Test
    void allFormsOfMainThatJavaStartsAreStarted() {
        assertThat(pool.runMain(Instance.class).result().out()).isEqualTo("of an object");
        assertThat(pool.runMain(Derived.class).result().out()).isEqualTo("inherited");
    }

    @Test
    void ofALongOutputTheMiddleIsLeftOut() {
        MainResult whole =
                pool.runMain(MainOptions.DEFAULT, Prints.class, "20000").result();
        assertThat(whole.out()).startsWith("first\nä").endsWith("\nlast").doesNotContain("left out", "\uFFFD");

        MainResult cut = pool.runMain(MainOptions.DEFAULT.withMaxOutput(10_001), Prints.class, "20000000")
                .result();
        assertThat(cut.exitCode()).isZero();
        assertThat(cut.out())
                .startsWith("first\näöü€😀")
                .endsWith("äöü€😀\nlast")
                .doesNotContain("\uFFFD")
                .containsPattern("\n\\.\\.\\. \\(\\d{8} bytes are left out\\) \\.\\.\\.\n");
        assertThat(cut.out().getBytes(StandardCharsets.UTF_8)).hasSizeBetween(9_900, 10_060);
    }

    private Path endless() throws IOException {
        return Files.createTempDirectory(folder, "endless").resolve("pids");
    }

    private static List<ProcessHandle> processes(Path pids) throws IOException {
        Path done = Path.of(pids + ".done");
        await().atMost(PATIENCE).until(() -> Files.exists(done));
        return Arrays.stream(Files.readString(done).split(" ", -1))
                .map(each -> ProcessHandle.of(Long.parseLong(each)))
                .flatMap(Optional::stream)
                .toList();
    }

    private static void awaitEnd(List<ProcessHandle> processes) {
        await().atMost(PATIENCE).until(() -> processes.stream().noneMatch(TestProcess::runs));
    }

    @Test
    void cancelKillsTheProgramAndItsChildren() throws Exception {
        Path pids = endless();
        long worker = pool.submit(Gate::pid).result();
        ConcurrentFuture<MainResult> future = pool.runMain(Endless.class, pids.toString());
        List<ProcessHandle> processes = processes(pids);
        assertThat(processes).hasSize(2);

        assertThat(future.cancel(true)).isTrue();

        assertThatThrownBy(future::result).isInstanceOf(CancellationException.class);
        awaitEnd(processes);
        assertThat(pool.submit(Gate::pid).result()).as("not killed").isEqualTo(worker);
    }

    @Test
    void programsOfOneWorkerRunAtTheSameTime() throws Exception {
        Path pids = endless();
        try (var both = TestPools.builder(1).callsPerWorker(2).build()) {
            ConcurrentFuture<MainResult> endless = both.runMain(Endless.class, pids.toString());
            List<ProcessHandle> processes = processes(pids);

            assertThat(both.runMain(Exits.class, "7", "words").result())
                    .isEqualTo(new MainResult(7, "out 7 words\n", "err\n"));
            assertThat(processes).as("of the other program").hasSize(2).allMatch(TestProcess::runs);
            assertThat(endless.cancel(true)).isTrue();
            awaitEnd(processes);
            assertThat(both.statistics().workersStarted()).isEqualTo(1);
        }
    }

    @Test
    void theEndOfThePoolKillsTheProgram() throws Exception {
        Path pids = endless();
        ConcurrentFuture<MainResult> future = pool.runMain(Endless.class, pids.toString());
        List<ProcessHandle> processes = processes(pids);

        var _ = pool.shutdownNow();

        assertThatThrownBy(future::result).isInstanceOf(CancellationException.class);
        awaitEnd(processes);
    }

    @Test
    void closeWaitsForTheProgram() {
        ConcurrentFuture<MainResult> future = pool.runMain(Exits.class, "9");

        pool.close();

        assertThat(future.isDone()).isTrue();
        assertThat(future.result().exitCode()).isEqualTo(9);
        assertThatThrownBy(() -> pool.runMain(Exits.class, "9")).isInstanceOf(RejectedExecutionException.class);
    }

    @Test
    void theProgramDoesNotOutliveItsWorker() throws Exception {
        Path pids = endless();
        long worker = pool.submit(() -> ProcessHandle.current().pid()).result();
        ConcurrentFuture<MainResult> future = pool.runMain(Endless.class, pids.toString());
        List<ProcessHandle> processes = processes(pids);

        TestProcess.signal("KILL", worker);

        assertThatThrownBy(future::result).isInstanceOf(WorkerDiedException.class);
        awaitEnd(processes);
    }

    /** The pool kills what is left; a program whose pool is dead at the same moment has to look itself. */
    @Test
    void theProgramLooksWhetherItsWorkerLives() throws Exception {
        Path pids = endless();
        Process outer = new ProcessBuilder(TestJvm.command(List.of(), Outer.class, pids.toString()))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("outer").toFile())
                .start();
        List<ProcessHandle> processes = processes(pids);
        ProcessHandle worker = processes.getFirst().parent().orElseThrow();

        TestProcess.signal("STOP", worker.pid()); // it must not clean up
        outer.destroyForcibly().waitFor();
        TestProcess.signal("KILL", worker.pid());

        awaitEnd(processes);
    }

    static final class Outer {
        public static void main(String[] arguments) {
            try (var own = TestPools.of(1)) {
                own.runMain(Endless.class, arguments[0]).result();
            }
        }
    }

    @Test
    void processesThatAProgramLeavesBehindAreKilled() {
        MainResult result = pool.runMain(LeavesAChild.class).result();

        assertThat(result.exitCode()).isZero();
        Optional<ProcessHandle> child = ProcessHandle.of(Long.parseLong(result.out()));
        await().atMost(PATIENCE).until(() -> child.isEmpty() || !TestProcess.runs(child.get()));
    }

    /** A program keeps its worker busy: what runs at once is bounded. */
    @Test
    void aProgramTakesThePlaceOfACall() throws Exception {
        Path pids = endless();
        ConcurrentFuture<MainResult> running = pool.runMain(Endless.class, pids.toString());
        List<ProcessHandle> processes = processes(pids);
        var ended = new CountDownLatch(1);
        ConcurrentFuture<Integer> waiting = pool.submit(() -> 1);
        waiting.addDoneCallback(_ -> ended.countDown());

        assertThat(pool.statistics().queued()).isEqualTo(1);
        running.cancel(true);
        ended.await();
        awaitEnd(processes);
    }

    @Test
    void aProgramOfAPoolThatForwardsLogsHasItsOwnLoggingSystem() {
        try (var forwarding =
                TestPools.builder(1).forwardLogs(System.Logger.Level.INFO).build()) {
            MainResult result = forwarding.runMain(Logs.class).result();

            assertThat(result.exitCode()).isZero();
            assertThat(result.err()).contains("ERROR of.a.program - its own");
        }
    }

    @ParameterizedTest
    @ValueSource(classes = {NoMain.class, PrivateMain.class, IntMain.class})
    void aClassWithoutMainIsRefusedAtOnce(Class<?> program) {
        assertThatThrownBy(() -> pool.runMain(program))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(program.getName() + " has no main method that can be run. It needs \"static void"
                        + " main(String[] arguments)\" or another form that java starts, which is not private and"
                        + " returns void.");
    }

    @Test
    void anObjectThatCannotBeMadeIsRefusedAtOnce() {
        assertThatThrownBy(() -> pool.runMain(NoConstructor.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not static, and no object can be made for it. Make the method static");
    }

    @Test
    void anImpossibleLimitOfOutputIsRefused() {
        assertThatThrownBy(() -> MainOptions.DEFAULT.withMaxOutput(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The most output that is kept of a program must be between 256 bytes and 256 MiB: 0");
    }
}
