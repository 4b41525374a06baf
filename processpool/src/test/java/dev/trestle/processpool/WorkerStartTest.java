package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.processpool.jvm.JavaCommand;
import dev.trestle.processpool.jvm.Nesting;
import dev.trestle.processpool.jvm.StaleDirectories;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.spi.SelectorProvider;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The options with which workers are started, and failures of the start. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class WorkerStartTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void aWorkerHasTheOptionsOfItsPool() throws Exception {
        try (var pool = TestPools.builder(1)
                .name("with-options")
                .jvmArguments("-Xss2m", "-Dquoted=a \"b\" \\ c#")
                .heap(48 << 20)
                .environment("TRESTLE_TEST", "some value")
                .environment("JAVA_TOOL_OPTIONS", "-Dfrom.tool=yes")
                .systemProperty("test.property", "another value")
                .workingDirectory(folder)
                .initializer(() -> System.setProperty("initialized", "yes"))
                .build()) {
            assertThat(pool.submit(() -> System.getProperty("quoted")).result()).isEqualTo("a \"b\" \\ c#");
            assertThat(pool.submit(() -> Runtime.getRuntime().maxMemory()).result())
                    .isBetween(40L << 20, 48L << 20);
            assertThat(pool.submit(() -> System.getenv("TRESTLE_TEST")).result())
                    .isEqualTo("some value");
            assertThat(pool.submit(() -> System.getProperty("from.tool")).result())
                    .isEqualTo("yes");
            assertThat(pool.submit(() -> System.getProperty("test.property")).result())
                    .isEqualTo("another value");
            assertThat(pool.submit(() -> System.getProperty("initialized")).result())
                    .isEqualTo("yes");
            assertThat(Path.of(pool.submit(() -> System.getProperty("user.dir")).result()))
                    .isEqualTo(folder.toRealPath());
            assertThat(pool.toString()).contains("with-options");
        }
    }

    /** A worker would look for another selector provider in all jars of its class path. */
    @Test
    void aWorkerIsToldTheSelectorProviderAndMayHaveAnother() {
        String property = "java.nio.channels.spi.SelectorProvider";
        String provider = SelectorProvider.provider().getClass().getName();
        try (var pool = TestPools.of(1)) {
            assertThat(pool.submit(() -> System.getProperty(property)).result()).isEqualTo(provider);
            assertThat(pool.submit(() -> SelectorProvider.provider().getClass().getName())
                            .result())
                    .isEqualTo(provider);
        }
        PoolOptions options = TestPools.builder(1)
                .systemProperty(property, "another.Provider")
                .options();
        assertThat(JavaCommand.arguments(options.jvm()).filter(argument -> argument.contains(property)))
                .as("the last one counts")
                .endsWith("-D" + property + "=another.Provider");
    }

    /** To set Jackson up takes longer than the rest of a start, and the first call may do without. */
    @Test
    void jacksonIsSetUpAfterTheFirstAnswer() {
        try (var pool = TestPools.plain(1).build()) {
            assertThat(pool.submit(WorkerStartTest::stateOfTheSetUp).result()).isEqualTo("TIMED_WAITING");
            Gate.until(
                    () -> pool.submit(WorkerStartTest::stateOfTheSetUp).result().equals("over"));
        }
    }

    private static String stateOfTheSetUp() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("trestle-codec"))
                .map(thread -> thread.getState().name())
                .findFirst()
                .orElse("over");
    }

    @Test
    void aWorkerGetsItsShareOfTheMachine() {
        int workers = Math.max(2, Runtime.getRuntime().availableProcessors());
        try (var pool = TestPools.of(workers)) {
            List<String> arguments = pool.submit(() ->
                            List.copyOf(ManagementFactory.getRuntimeMXBean().getInputArguments()))
                    .result();

            assertThat(arguments)
                    .contains("-XX:ActiveProcessorCount=1", "-XX:+ExitOnOutOfMemoryError")
                    .anyMatch(argument -> argument.startsWith("-XX:MaxRAMPercentage="));
            assertThat(String.join(" ", arguments)).doesNotContain("jdwp", "javaagent");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void oomKillerTakesAWorkerBeforeTheProgram() throws Exception {
        int own = Integer.parseInt(
                Files.readString(Path.of("/proc/self/oom_score_adj")).trim());
        try (var pool = TestPools.of(1)) {
            String score = pool.submit(() -> Files.readString(Path.of("/proc/self/oom_score_adj")))
                    .result();

            assertThat(Integer.parseInt(score.trim())).isEqualTo(Math.min(1000, own + 300));
        }
    }

    @Test
    void anInitializerThatFailsBreaksThePoolAndIsTheCause() {
        try (var pool = TestPools.builder(2)
                .startRetryTime(Duration.ofMillis(1))
                .initializer(() -> Integer.parseInt("no number"))
                .build()) {
            var first = pool.submit(() -> 1);
            var second = pool.submit(() -> 2);

            assertThatThrownBy(first::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining(" times in a row within PT")
                    .hasMessageContaining("no number")
                    .hasCauseInstanceOf(WorkerDiedException.class)
                    .hasRootCauseInstanceOf(NumberFormatException.class);
            assertThatThrownBy(second::result).isInstanceOf(BrokenExecutorException.class);
            assertThatThrownBy(() -> pool.submit(() -> 3)).isInstanceOf(BrokenExecutorException.class);
            assertThat(pool.toString()).contains("broken");
        }
    }

    @Test
    void aBadJvmArgumentBreaksThePoolWithWhatTheJvmSaid() {
        try (var pool = TestPools.builder(1).jvmArguments("-XX:NoSuchFlag").build()) {
            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining("NoSuchFlag")
                    .hasMessageContaining("exit code 1");
        }
    }

    /** The JVM says why on stdout, and nothing on stderr. */
    @Test
    void aJvmThatDoesNotStartIsQuoted() {
        try (var pool = TestPools.builder(1).jvmArguments("-Xms64m", "-Xmx32m").build()) {
            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining("Initial heap size set to a larger value than the maximum heap size");
        }
    }

    /** Its initializer would keep it for the minute of the start timeout. */
    @Test
    void closeDoesNotWaitForAWorkerWithoutACall() {
        String in = folder.toString();
        try (var pool = TestPools.builder(2)
                .minWorkers(1)
                .initializer(() -> markAndHang(in))
                .build()) {
            Gate.await(folder, "starting");
            assertThat(pool.statistics().starting()).isEqualTo(1);
        }
    }

    private static void markAndHang(String folder) {
        try {
            Gate.mark(folder, "starting");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Gate.hang();
    }

    @Test
    void aCallCancelledAfterShutdownLeavesNoWorkerStarting() throws Exception {
        String in = folder.toString();
        var pool = TestPools.builder(1).initializer(() -> markAndHang(in)).build();
        var call = pool.submit(() -> 1);
        Gate.await(folder, "starting");
        pool.shutdown();
        assertThat(pool.isTerminated()).isFalse();
        call.cancel(true);

        assertThat(pool.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
        assertThat(pool.statistics().startsFailed()).as("it was told to go").isZero();
    }

    @Test
    void aWrongWorkingDirectoryShowsNoEnvironment() {
        try (var pool = TestPools.builder(1)
                .startRetryTime(Duration.ofMillis(1))
                .workingDirectory(folder.resolve("missing"))
                .environment("PASSWORD", "do not show")
                .build()) {
            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining("missing")
                    .satisfies(e -> assertThat(e).hasStackTraceContaining("No such file"))
                    .satisfies(e -> assertThat(stackTrace(e)).doesNotContain("do not show"));
        }
    }

    @Test
    void aPoolWhoseWorkersCannotStartForAWhileHeals() throws Exception {
        Path late = folder.resolve("late");
        try (var pool = TestPools.builder(1).workingDirectory(late).build()) {
            var future = pool.submit(() -> System.getProperty("user.dir"));
            Gate.until(() -> pool.statistics().startsFailed() > StartBackoff.ATTEMPTS);
            Files.createDirectory(late);

            assertThat(Path.of(future.result())).isEqualTo(late.toRealPath());
        }
    }

    private static String stackTrace(Throwable e) {
        var text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    @Test
    void aWorkerThatIsNotReadyInTimeIsKilled() {
        try (var pool = TestPools.builder(1)
                .startTimeout(Duration.ofMillis(400))
                .startRetryTime(Duration.ofMillis(1))
                .initializer(Gate::hang)
                .build()) {
            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining("not ready within PT0.4S");
        }
    }

    @Test
    void aWorkerIsReplacedAfterItsLastCall() {
        try (var pool = TestPools.builder(1).maxTasksPerWorker(2).build()) {
            var pids = List.of(1, 2, 3, 4).stream()
                    .map(_ -> pool.submit(Gate::pid).result())
                    .toList();

            assertThat(pids.get(0)).isEqualTo(pids.get(1)).isNotEqualTo(pids.get(2));
            assertThat(pids.get(2)).isEqualTo(pids.get(3));
            assertThat(pool.statistics().workersDied()).isZero();
        }
    }

    @Test
    void aPoolInAWorkerWorksAndOneTooDeepIsRefused() {
        try (var pool = TestPools.of(1)) {
            assertThat(pool.submit(() -> nested()).result()).isEqualTo(42);
        }
        assertThatThrownBy(() -> Nesting.below(Nesting.depth("3")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("never ends");
    }

    private static int nested() {
        try (var pool = TestPools.of(1)) {
            return pool.submit(() -> 6 * 7).result();
        }
    }

    @Test
    void valuesThatMakeNoSenseAreRefused() {
        var builder = ProcessPool.builder();

        assertThatThrownBy(() -> new ProcessPool(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.heap(1)).hasMessageContaining("4 MiB");
        assertThatThrownBy(() -> builder.cancelGrace(Duration.ZERO)).hasMessageContaining("cancelGrace");
        assertThatThrownBy(() -> builder.maxTasksPerWorker(0)).hasMessageContaining("1 call or more");
        assertThatThrownBy(() -> builder.queueLimit(-1)).hasMessageContaining("must not be negative: -1");
        assertThatThrownBy(() -> CallOptions.DEFAULT.withRetries(-1)).hasMessageContaining("-1");
        assertThatThrownBy(() -> CallOptions.DEFAULT.withTimeout(Duration.ZERO)).hasMessageContaining("PT0S");
    }

    /**
     * Replaces the JDK by way of a link. An upgrade of the directory itself looks the same to code that opens files in
     * it later.
     */
    @Test
    void aJdkThatIsReplacedMeanwhileIsSaidSo() throws Exception {
        String home = System.getProperty("java.home");
        Path replaced = Files.createSymbolicLink(folder.resolve("jdk"), Path.of(home));
        Path broken = Files.createDirectories(folder.resolve("broken").resolve("bin"));
        Path java = Files.writeString(broken.resolve("java"), "#!/bin/sh\necho 'Error: no JVM here' >&2\nexit 6\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        System.setProperty("java.home", replaced.toString());
        try (var pool =
                TestPools.builder(1).startRetryTime(Duration.ofMillis(1)).build()) {
            long pid = pool.submit(Gate::pid).result();
            Files.delete(replaced);
            Files.createSymbolicLink(replaced, broken.getParent());
            assertThat(pool.submit(() -> "the old one goes on").result()).isEqualTo("the old one goes on");
            pool.submit(() -> Runtime.getRuntime().halt(1)).exception();

            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining("its workers cannot start")
                    .hasMessageContaining("exit code 6")
                    .hasMessageContaining("Error: no JVM here")
                    .hasMessageContaining("has been replaced since this pool was created");
            assertThat(ProcessHandle.of(pid)).isEmpty();
        } finally {
            System.setProperty("java.home", home);
        }
    }

    /** Some programs delete old files in a directory for temporary files, while the pool lives. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void workersStartAfterTheFilesOfThePoolWereDeleted(boolean directoryToo) throws Exception {
        String temporary = System.getProperty("java.io.tmpdir");
        System.setProperty("java.io.tmpdir", folder.toString());
        try (var pool = TestPools.of(1)) {
            long first = pool.submit(Gate::pid).result();
            Path directory;
            try (var found = Files.list(folder)) {
                directory = found.findFirst().orElseThrow();
            }
            if (directoryToo) {
                StaleDirectories.delete(directory);
            } else {
                try (var files = Files.list(directory)) {
                    for (Path each : files.toList()) {
                        Files.delete(each);
                    }
                }
            }
            assertThat(pool.submit(Gate::pid).result()).as("the one that lives").isEqualTo(first);
            pool.submit(() -> Runtime.getRuntime().halt(1)).exception();

            assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(first);
            assertThat(pool.statistics().startsFailed()).isZero();
            assertThat(directory).isNotEmptyDirectory();
        } finally {
            System.setProperty("java.io.tmpdir", temporary);
        }
        assertThat(folder).isEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sp ace q'uo\"te ha#sh",
                "new\nline per%pcent",
                "back\\slash st*r @t",
                "gr\u00fc\u00dfe",
                "\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d"
                        + "\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d"
            })
    void workersStartWhateverTheNameOfTheTemporaryDirectory(String name) throws Exception {
        assumeTrue(
                Charset.forName(System.getProperty("sun.jnu.encoding"))
                        .newEncoder()
                        .canEncode(name),
                "the locale of this test has these characters");
        String temporary = System.getProperty("java.io.tmpdir");
        Path odd = Files.createDirectory(folder.resolve(name));
        System.setProperty("java.io.tmpdir", odd.toString());
        try (var pool = TestPools.builder(1).workingDirectory(odd).build()) {
            assertThat(pool.submit(() -> System.getProperty("user.dir")).result())
                    .isEqualTo(odd.toRealPath().toString());
            assertThat(pool.statistics().startsFailed()).isZero();
        } finally {
            System.setProperty("java.io.tmpdir", temporary);
        }
        assertThat(odd).isEmptyDirectory();
    }

    /** All of a worker's life goes over ports of the loopback interface, as on a system without Unix-domain sockets. */
    @Test
    void workersUsePortsWhereASocketsPathWouldBeTooLong() throws Exception {
        String temporary = System.getProperty("java.io.tmpdir");
        System.setProperty(
                "java.io.tmpdir",
                Files.createDirectory(folder.resolve("d".repeat(120))).toString());
        try (var pool = TestPools.builder(1).build()) {
            byte[] large = new byte[4 << 20];
            assertThat(pool.submit(() -> large).result()).hasSize(4 << 20);
            String in = folder.toString();
            var stays = pool.submit(() -> Gate.stay(in, "stays"));
            Gate.await(folder, "stays");
            assertThat(stays.cancel(true)).isTrue();
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            assertThat(pool.statistics().workersStarted()).isEqualTo(1);
        } finally {
            System.setProperty("java.io.tmpdir", temporary);
        }
    }
}
