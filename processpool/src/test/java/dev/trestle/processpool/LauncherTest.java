package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.api.BrokenExecutorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Commands in front of the {@code java} of workers. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {

    @TempDir
    Path folder = Path.of("");

    /** A launcher that stays as the parent of the worker, in the same PID namespace or around another one. */
    enum Staying {
        SHELL("sh", "-c", "\"$@\"; exit $?", "sh"),
        NAMESPACE(
                "bwrap",
                "--dev-bind",
                "/",
                "/",
                "--unshare-user",
                "--unshare-pid",
                "--proc",
                "/proc",
                "--die-with-parent",
                "--new-session");

        @SuppressWarnings("ImmutableEnumChecker") // of List.of
        final List<String> prefix;

        Staying(String... prefix) {
            this.prefix = List.of(prefix);
        }

        void assumeThatItWorks() throws Exception {
            assumeThatItRuns(prefix);
        }
    }

    private static void assumeThatItRuns(List<String> prefix) throws Exception {
        var command = Stream.concat(prefix.stream(), Stream.of("true")).toList();
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), UTF_8);
            assumeTrue(process.waitFor() == 0, command + " says: " + said);
        } catch (IOException e) {
            assumeTrue(false, "Not installed: " + e.getMessage());
        }
    }

    private static ProcessPool.Builder builder(Staying launcher) {
        return TestPools.builder(1).launcher(launcher.prefix);
    }

    // Recipes

    private static String ownStatus(String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith(key))
                .map(line -> line.substring(key.length() + 1).strip())
                .findFirst()
                .orElse("");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void niceGivesWorkersALowPriority() {
        try (
        // @start region="nice"
        var pool = ProcessPool.builder()
                .workers(2)
                .launcher(List.of("nice", "-n", "10"))
                .build()
        // @end
        ) {
            String stat = pool.submit(() -> Files.readString(Path.of("/proc/self/stat")))
                    .result();
            String niceness = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16];

            assertThat(Integer.parseInt(niceness)).isGreaterThanOrEqualTo(10);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void tasksetKeepsWorkersOnSomeProcessors() throws Exception {
        String first = ownStatus("Cpus_allowed_list").split("[-,]", -1)[0];
        try (var pool = TestPools.builder(1)
                .launcher(List.of("taskset", "--cpu-list", first))
                .build()) {
            assertThat(pool.submit(() -> ownStatus("Cpus_allowed_list")).result())
                    .isEqualTo(first);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void prlimitLimitsWorkers() {
        try (var pool = TestPools.builder(1)
                .launcher(List.of("prlimit", "--fsize=1048576", "--core=0"))
                .build()) {
            String in = folder.toString();
            assertThat(pool.submit(() -> Files.write(Path.of(in, "small"), new byte[1 << 20])
                                    .toString())
                            .result())
                    .endsWith("small");
            assertThat(pool.submit(() -> Files.write(Path.of(in, "large"), new byte[(1 << 20) + 1])
                                    .toString())
                            .exception())
                    .hasValueSatisfying(
                            e -> assertThat(e).isInstanceOf(IOException.class).hasMessageContaining("too large"));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void setprivTakesPrivilegesFromWorkers() throws Exception {
        List<String> prefix = List.of("setpriv", "--no-new-privs", "--inh-caps=-all", "--pdeathsig", "KILL");
        assumeThatItRuns(prefix);
        try (var pool = TestPools.builder(1).launcher(prefix).build()) {
            assertThat(pool.submit(() -> ownStatus("NoNewPrivs")).result()).isEqualTo("1");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void firejailHidesTheNetworkFromWorkers() throws Exception {
        List<String> prefix = List.of("firejail", "--quiet", "--noprofile", "--net=none");
        assumeThatItRuns(prefix);
        try (var pool = TestPools.builder(1).launcher(prefix).build()) {
            assertThat(pool.submit(() -> Files.readAllLines(Path.of("/proc/self/net/dev")).stream()
                                    .filter(line -> line.contains(":"))
                                    .map(line ->
                                            line.substring(0, line.indexOf(':')).strip())
                                    .toList())
                            .result())
                    .containsExactly("lo");
        }
    }

    // Its processes

    @ParameterizedTest
    @EnumSource
    void workerPidsNameTheJvms(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        String in = folder.toString();
        try (var pool = builder(launcher).build()) {
            var call = pool.submit(() -> Gate.pass(in, "call"));
            Gate.await(folder, "call");
            long pid = pool.workerPids().getFirst();

            assertThat(ProcessHandle.of(pid).orElseThrow().info().command())
                    .hasValueSatisfying(command -> assertThat(command).endsWith("/java"));
            assertThat(ProcessHandle.current().children()).noneMatch(child -> child.pid() == pid);
            TestProcess.stop(pid);
            Gate.open(folder, "call");
            assertThat(call.isDone()).isFalse();
            TestProcess.signal("CONT", pid);
            assertThat(call.result()).isEqualTo("call");
        }
    }

    @ParameterizedTest
    @EnumSource
    void aWorkerThatIsKilledIsReportedAsWithoutALauncher(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        String in = folder.toString();
        try (var pool = builder(launcher).build()) {
            var call = pool.submit(() -> Gate.pass(in, "call"));
            Gate.await(folder, "call");
            long pid = pool.workerPids().getFirst();
            TestProcess.signal("KILL", pid);

            assertThat(call.exception()).hasValueSatisfying(e -> {
                assertThat(e)
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageContaining("(pid " + pid + ")")
                        .hasMessageContaining("killed by SIGKILL (exit code 137): by a kill -9");
                assertThat(((WorkerDiedException) e).signal()).contains("SIGKILL");
            });
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
        }
    }

    /** With a PID namespace they are tried by {@link FailureTableInSandboxTest}. */
    @ParameterizedTest
    @EnumSource(names = "SHELL")
    void exitCodesAndCrashesAreReportedAsWithoutALauncher(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        try (var pool = builder(launcher).heap(32 << 20).build()) {
            assertThat(pool.submit(Mishap.EXITS::happen).exception())
                    .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("System.exit(7)"));
            assertThat(pool.submit(Mishap.HALTS::happen).exception())
                    .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("Runtime.halt(9)"));
            assertThat(pool.submit(Mishap.IS_TERMINATED::happen).exception())
                    .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("killed by SIGTERM (exit code 143)"));
            assertThat(pool.submit(Mishap.CRASHES::happen).exception())
                    .hasValueSatisfying(e -> assertThat(e)
                            .hasMessageContaining("the JVM crashed")
                            .hasMessageContaining("SIGSEGV"));
            assertThat(pool.submit(Mishap.EXHAUSTS_THE_HEAP::happen).exception())
                    .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("ran out of memory"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCallThatLoopsIsKilledWithItsLauncher(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        try (var pool = builder(launcher).cancelGrace(Duration.ofMillis(50)).build()) {
            var loop = pool.submit(Mishap.LOOPS::happen, CallOptions.DEFAULT.withTimeout(Duration.ofMillis(100)));

            assertThat(loop.exception())
                    .hasValueSatisfying(e ->
                            assertThat(e).isInstanceOf(TimeoutException.class).hasMessageContaining("Mishap.spin"));
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
        }
    }

    /** The signal is for the JVM: a launcher would die of it, and leave no time for hooks. */
    @ParameterizedTest
    @EnumSource
    void aWorkerThatIsToldToEndRunsItsShutdownHooks(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        String in = folder.toString();
        try (var pool = builder(launcher).build()) {
            pool.submit(() -> Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                        try {
                            Gate.mark(in, "hook");
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    })))
                    .result();
            pool.terminateWorkers();
        }
        assertThat(folder.resolve("hook")).exists();
    }

    @ParameterizedTest
    @EnumSource
    @EnabledOnOs(OS.LINUX)
    void theKernelTakesTheJvmBeforeTheProgramWhenMemoryRunsOut(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        int own = Integer.parseInt(
                Files.readString(Path.of("/proc/self/oom_score_adj")).trim());
        try (var pool = builder(launcher).build()) {
            pool.submit(() -> 1).result();
            String score = Files.readString(
                    Path.of("/proc", pool.workerPids().getFirst().toString(), "oom_score_adj"));

            assertThat(Integer.parseInt(score.trim())).isEqualTo(Math.min(1000, own + 300));
        }
    }

    @Test
    void aJvmWhoseLauncherIsKilledEndsAndItsCallFails() throws Exception {
        String in = folder.toString();
        try (var pool = builder(Staying.SHELL).build()) {
            var call = pool.submit(() -> Gate.spin(in, "call"));
            ProcessHandle jvm = ProcessHandle.of(Gate.await(folder, "call")).orElseThrow();
            TestProcess.signal("KILL", jvm.parent().orElseThrow().pid());

            assertThat(call.exception())
                    .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("killed by SIGKILL"));
            await().pollInterval(Duration.ofMillis(1)).until(() -> !TestProcess.runs(jvm));
        }
    }

    /** A terminal sends these to all processes of the program; the program alone decides what becomes of its calls. */
    @ParameterizedTest
    @CsvSource({"SHELL, INT", "SHELL, HUP", "NAMESPACE, INT"})
    void aLauncherLeavesTheSignalsOfATerminalToTheProgram(Staying launcher, String signal) throws Exception {
        launcher.assumeThatItWorks();
        String in = folder.toString();
        try (var pool = builder(launcher).build()) {
            var call = pool.submit(() -> Gate.pass(in, "call"));
            Gate.await(folder, "call");
            List<ProcessHandle> started = ProcessHandle.current().descendants().toList();
            for (ProcessHandle each : started) {
                TestProcess.signal(signal, each.pid());
            }
            await().during(Duration.ofMillis(300)).until(() -> started.stream().allMatch(TestProcess::runs));
            Gate.open(folder, "call");

            assertThat(call.result()).isEqualTo("call");
        }
    }

    /**
     * Linux tells a launcher of the death of its parent when the thread ends that has started it. The thread that reads
     * answers has started the worker, and another one takes its place while a callback takes long.
     */
    @Test
    void launcherOutlivesTheThreadThatStartedIt() throws Exception {
        Staying.NAMESPACE.assumeThatItWorks();
        var open = new CountDownLatch(1);
        var done = new CountDownLatch(1);
        try (var pool = builder(Staying.NAMESPACE).build()) {
            pool.submit(() -> 1).result();
            long worker = pool.workerPids().getFirst();
            pool.submit(() -> 2).addDoneCallback(_ -> {
                Thread reader = Thread.currentThread();
                Thread.ofVirtual().start(() -> {
                    try {
                        reader.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    done.countDown();
                });
                try {
                    open.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            assertThat(pool.submit(() -> 3).result()).as("on another thread").isEqualTo(3);
            open.countDown();
            assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();

            await().during(Duration.ofMillis(300)) // a thread ends a moment after Java says so
                    .until(() -> pool.workerPids().equals(List.of(worker)));
            assertThat(pool.submit(() -> 4).result()).isEqualTo(4);
        }
    }

    /** A program whose worker is in an endless loop behind a launcher; it waits to be killed. */
    static final class Waiting {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var pool = builder(Staying.valueOf(arguments[1])).build();
            var _ = pool.submit(() -> Gate.spin(in, "spinning"));
            while (true) {
                LockSupport.park();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothingOutlivesAProgramThatIsKilled(Staying launcher) throws Exception {
        launcher.assumeThatItWorks();
        Process program = TestJvm.start(
                TestJvm.command(
                        List.of("-Xmx64m", "-Djava.io.tmpdir=" + folder), Waiting.class, folder, launcher.name()),
                folder.resolve("output"));
        List<ProcessHandle> started;
        try {
            Gate.await(folder, "spinning");
            started = program.descendants().toList();
            assertThat(started).hasSizeGreaterThan(1);
        } finally {
            program.destroyForcibly();
        }
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(started).noneMatch(TestProcess::runs));
    }

    // Launchers that cannot start

    static Stream<List<String>> missing() {
        return Stream.of(
                List.of("no-such-launcher", "--option"),
                List.of("/no/such/launcher"),
                List.of("./no-such-launcher"),
                List.of("/"));
    }

    @ParameterizedTest
    @MethodSource("missing")
    void aProgramThatIsNotThereIsNamed(List<String> prefix) {
        assertThatThrownBy(TestPools.builder(1).launcher(prefix)::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(String.join(" ", prefix))
                .hasMessageContaining("there is no program")
                .hasMessageContaining("that this user may run")
                .hasMessageContaining("Install it, or give its whole path");
    }

    @Test
    void aListOfOneStringIsExplained() {
        assertThatThrownBy(TestPools.builder(1).launcher(List.of("nice -n 10"))::build)
                .hasMessageContaining("no program 'nice -n 10'")
                .hasMessageContaining("launcher(List.of(\"nice\", \"-n\", \"10\"))");
    }

    @Test
    void argumentsThatNoCommandCanHaveAreRefused() {
        var builder = TestPools.builder(1);

        assertThatThrownBy(() -> builder.launcher(List.of(" ", "x")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("blank");
        assertThatThrownBy(builder.launcher(List.of("nice", "a\0b"))::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("character with the number 0");
    }

    @ParameterizedTest
    @CsvSource({
        "sh -c 'echo no such jail >&2; exit 5' sh, no such jail, exit code 5",
        "sh -c 'echo on stdout; exit 1' sh, on stdout, exit code 1",
        "sh -c 'kill -9 $$' sh, sh -c, SIGKILL",
        "nice -n nonsense, nonsense, exit code 125"
    })
    void aLauncherThatEndsAtOnceIsReportedWithWhatItSaid(String line, String said, String how) {
        var prefix = List.of(line.replaceAll("'.*'", "SCRIPT").split(" ", -1)).stream()
                .map(each -> each.equals("SCRIPT") ? line.replaceAll(".*'(.*)'.*", "$1") : each)
                .toList();
        try (var pool = TestPools.builder(1)
                .launcher(prefix)
                .startRetryTime(Duration.ofMillis(1))
                .build()) {
            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining(how)
                    .hasMessageContaining(said)
                    .hasMessageContaining("its launcher has started no JVM")
                    .hasMessageContaining(String.join(" ", prefix) + " java -version");
        }
    }

    @Test
    void anEmptyLauncherIsNone() {
        try (var pool = TestPools.builder(1)
                .launcher(List.of("no-such-launcher"))
                .launcher(List.of())
                .build()) {
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
        }
    }
}
