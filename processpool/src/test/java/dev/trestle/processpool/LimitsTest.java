package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.trestle.processpool.WorkerDiedException.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The limits of workers: memory, processor time, files, processes. */
@Timeout(60)
@EnabledOnOs(OS.LINUX)
@ExtendWith(NothingLeft.class)
class LimitsTest {

    private static final long MIB = 1L << 20;
    private static final long MEMORY = 300 * MIB;

    @TempDir
    Path folder = Path.of("");

    private static long takeNativeMemoryWithoutEnd() {
        while (true) {
            RecyclingTest.leakNative(8 * MIB);
        }
    }

    @Test
    void callAboveTheMemoryLimitFailsWithFigureAndLimit() {
        try (var pool = TestPools.builder(1).memoryLimit(MEMORY).build()) {
            var call = pool.submit(LimitsTest::takeNativeMemoryWithoutEnd);
            var died = catchThrowableOfType(WorkerDiedException.class, call::result);

            assertThat(died)
                    .hasMessageMatching(
                            "(?s).* died while it was running .*: the pool killed it because it used [3-9]\\d\\d MiB"
                                + " of at most 300 MiB \\(memoryLimit: heap, native memory and the processes that it"
                                + " has started\\)\\. .*withRetries.*");
            assertThat(died.phase()).isEqualTo(Phase.RUNNING);
            assertThat(died.signal()).contains("SIGKILL");
            assertThat(died.outOfMemory()).isTrue();
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            assertThat(pool.statistics().killedForMemory()).isEqualTo(1);
            assertThat(pool.statistics().lost()).isEqualTo(1);
            assertThat(pool.statistics().rerun()).isZero();
        }
    }

    @Test
    void aCallThatMayRunAgainIsRunAgain() {
        String in = folder.toString();
        try (var pool = TestPools.builder(1).memoryLimit(MEMORY).build()) {
            var call = pool.submit(
                    () -> {
                        int run = Gate.number(in);
                        return run == 0 ? takeNativeMemoryWithoutEnd() : run;
                    },
                    CallOptions.DEFAULT.withRetries(1));

            assertThat(call.result()).isEqualTo(1);
            assertThat(pool.statistics().rerun()).isEqualTo(1);
        }
    }

    @Test
    void theProcessesOfACallCountAndEndWithIt() throws Exception {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String source = Files.writeString(
                        folder.resolve("Large.java"), "void main() throws Exception { System.in.read(); }")
                .toString();
        try (var pool = TestPools.builder(1).memoryLimit(MEMORY).build()) {
            var call = pool.submit(
                    () -> new ProcessBuilder(java, "-Xms400m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC", source)
                            .start()
                            .waitFor());

            assertThatThrownBy(call::result)
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining(" of at most 300 MiB");
        }
    }

    @Test
    void anInitializerThatTakesTooMuchBreaksThePoolInWords() {
        try (var pool = TestPools.builder(1)
                .memoryLimit(MEMORY)
                .startRetryTime(Duration.ofMillis(1))
                .initializer(() -> takeNativeMemoryWithoutEnd())
                .build()) {
            assertThatThrownBy(pool.submit(() -> 1)::result)
                    .isInstanceOf(dev.trestle.api.BrokenExecutorException.class)
                    .hasMessageContaining(" MiB of at most 300 MiB (memoryLimit");
        }
    }

    /** Without this, garbage would use up the memory that a worker may hold. */
    @Test
    void theHeapOfAWorkerFitsUnderItsLimit() {
        try (var pool = TestPools.builder(1).memoryLimit(MEMORY).build()) {
            long heap = pool.submit(() -> Runtime.getRuntime().maxMemory()).result();
            assertThat(heap).isBetween(MEMORY / 2, MEMORY - 60 * MIB);
            long made = pool.submit(() -> {
                        long sum = 0;
                        for (int i = 0; i < 3000; i++) {
                            sum += new byte[1 << 20].length;
                        }
                        return sum;
                    })
                    .result();
            assertThat(made).isEqualTo(3000 * MIB);
            assertThat(pool.statistics().killedForMemory()).isZero();
        }
    }

    @Test
    void aHeapThatCannotFitIsRefused() {
        String more = " in all, native memory included: it would be killed before its heap is full. Raise the limit,"
                + " or leave the option out: then the heap fits.";
        var builder = TestPools.builder(1).memoryLimit(512 * MIB);
        assertThatThrownBy(() -> builder.jvmArguments("-Xmx600m").build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "-Xmx600m gives each worker a heap of 600 MiB, and memoryLimit lets it hold 512 MiB" + more);
        assertThatThrownBy(() -> TestPools.builder(1)
                        .memoryLimit(512 * MIB)
                        .heap(513 * MIB)
                        .build())
                .hasMessageStartingWith("heap(537919488) gives each worker a heap of 513 MiB, and memoryLimit");
        TestPools.builder(1)
                .memoryLimit(512 * MIB)
                .jvmArguments("-Xmx512m")
                .build()
                .close();
    }

    @Test
    void aWorkerThatUsesTooMuchProcessorTimeIsEndedInWords() {
        try (var pool =
                TestPools.builder(1).cpuTimeLimit(Duration.ofMillis(1500)).build()) {
            var call = pool.submit(() -> {
                for (long i = 0; ; i++) {
                    if (i < 0) {
                        return i;
                    }
                }
            });
            assertThatThrownBy(call::result)
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining(
                            "killed by SIGXCPU (exit code 152): it had used all the processor time that it"
                                    + " may have in its life (cpuTimeLimit, or ulimit -t)");
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    @Test
    void aFileThatWouldBecomeTooLargeIsAnExceptionOfTheCall() throws Exception {
        Path file = folder.resolve("large");
        String name = file.toString();
        try (var pool = TestPools.builder(1).fileSizeLimit(100_000).build()) {
            long pid = pool.submit(Gate::pid).result();
            var call = pool.submit(() -> Files.write(Path.of(name), new byte[200_000]));
            assertThat(call.exception())
                    .containsInstanceOf(IOException.class)
                    .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("File too large"));
            assertThat(Files.size(file)).isEqualTo(100_000);
            assertThat(pool.submit(Gate::pid).result()).as("the worker lives").isEqualTo(pid);
            assertThat(pool.submit(() -> Files.readString(Path.of("/proc/self/limits")))
                            .result())
                    .containsPattern("Max file size +100000 +100000 ");
        }
    }

    /** A worker writes no files of its own that matter. */
    @Test
    void aWorkerThatMayWriteNoFilesWorks() {
        try (var pool = TestPools.builder(1).fileSizeLimit(1).build()) {
            assertThat(pool.submit(() -> List.of("a", "b")).result()).containsExactly("a", "b");
        }
    }

    @Test
    void theLimitOfProcessesIsSet() {
        try (var pool = TestPools.builder(1).processLimit(50_000).build()) {
            assertThat(pool.submit(() -> Files.readString(Path.of("/proc/self/limits")))
                            .result())
                    .containsPattern("Max processes +\\d+ +\\d+ ")
                    .satisfies(
                            limits -> assertThat(limits.replaceAll("(?s).*Max processes +(\\d+) +(\\d+) .*", "$1 $2"))
                                    .isEqualTo("50000 50000"));
        }
    }

    @Test
    void limitsThatMakeNoSenseAreRefused() {
        var builder = ProcessPool.builder();
        for (long bad : new long[] {0, -1, 1, 64 * MIB - 1, Long.MIN_VALUE}) {
            assertThatThrownBy(() -> builder.memoryLimit(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "memoryLimit must be 64 MiB or more, since a worker that runs nothing holds some 50 MiB;"
                                    + " in bytes: " + bad);
        }
        assertThatThrownBy(() -> builder.processLimit(0)).hasMessage("processLimit must be positive: 0");
        assertThatThrownBy(() -> builder.processLimit(-5)).hasMessage("processLimit must be positive: -5");
        assertThatThrownBy(() -> builder.fileSizeLimit(0)).hasMessage("fileSizeLimit must be positive, in bytes: 0");
        assertThatThrownBy(() -> builder.fileSizeLimit(-1)).hasMessage("fileSizeLimit must be positive, in bytes: -1");
        assertThatThrownBy(() -> builder.cpuTimeLimit(Duration.ZERO)).hasMessage("cpuTimeLimit must be positive: PT0S");
        assertThatThrownBy(() -> builder.cpuTimeLimit(Duration.ofNanos(-1)))
                .hasMessage("cpuTimeLimit must be positive: PT-0.000000001S");
    }

    @Test
    void limitsBeyondAllMeasureAreAllowed() {
        try (var pool = TestPools.builder(1)
                .memoryLimit(Long.MAX_VALUE)
                .processLimit(Integer.MAX_VALUE)
                .fileSizeLimit(Long.MAX_VALUE)
                .cpuTimeLimit(Duration.ofSeconds(Long.MAX_VALUE, 999_999_999))
                .build()) {
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }
}
