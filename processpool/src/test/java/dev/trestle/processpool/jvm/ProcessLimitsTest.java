package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command in front of {@code java}, and the options of heaps. */
@Timeout(30)
class ProcessLimitsTest {

    @TempDir
    Path folder = Path.of("");

    private static ProcessLimits cpu(Duration limit) {
        return new ProcessLimits(OptionalLong.empty(), OptionalInt.empty(), OptionalLong.empty(), Optional.of(limit));
    }

    private Path program() throws IOException {
        Path program = Files.createFile(folder.resolve("prlimit"));
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return program;
    }

    @Test
    void thePrefixHasWhatIsLimited() throws IOException {
        String program = program().toString();
        String path = "relative:/no/such/folder:" + folder;
        var all = new ProcessLimits(
                OptionalLong.of(1), OptionalInt.of(50), OptionalLong.of(1000), Optional.of(Duration.ofSeconds(7)));
        assertThat(all.prefix(path)).containsExactly(program, "--nproc=50", "--fsize=1000", "--cpu=7:8");
        assertThat(cpu(Duration.ofNanos(1)).prefix(path)).containsExactly(program, "--cpu=1:2");
        assertThat(cpu(Duration.ofMillis(2500)).prefix(path)).containsExactly(program, "--cpu=3:4");
        assertThat(cpu(Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)).prefix(path))
                .containsExactly(program, "--cpu=4294967296:4294967297");
    }

    /** Without this, prlimit would refuse to set it, and no worker would start. */
    @Test
    void aLimitAboveTheOneThatTheProgramHasIsThatOne() {
        String limits = """
            Limit                     Soft Limit           Hard Limit           Units
            Max cpu time              unlimited            unlimited            seconds
            Max processes             100                  200                  processes
            """;
        assertThat(ProcessLimits.atMost(limits, "processes", 150)).isEqualTo(150);
        assertThat(ProcessLimits.atMost(limits, "processes", 201)).isEqualTo(200);
        assertThat(ProcessLimits.atMost(limits, "cpu time", Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
        assertThat(ProcessLimits.atMost("", "file size", 7)).isEqualTo(7);
    }

    @Test
    void withoutLimitsOfTheSystemNothingIsNeeded() {
        assertThat(ProcessLimits.NONE.prefix("/no/such/folder")).isEmpty();
        var memory = new ProcessLimits(
                OptionalLong.of(1 << 30), OptionalInt.empty(), OptionalLong.empty(), Optional.empty());
        assertThat(memory.prefix("")).isEmpty();
    }

    @Test
    void aMissingPrlimitIsReported() {
        assertThatThrownBy(() -> ProcessLimits.find("/no/such/folder", "/nor/here"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "processLimit, fileSizeLimit and cpuTimeLimit are set by the program prlimit, which is not in"
                            + " the PATH of this program, /no/such/folder: install util-linux, which has it on Linux"
                            + " (no other system has it), or leave these options out.");
        assertThatThrownBy(() -> ProcessLimits.find(null, "/nor/here"))
                .hasMessageContaining("which is not in the PATH of this program, null: ");
    }

    @Test
    void aLimitThatDoesNotBindRootIsSaidToRoot() {
        var limits = new ProcessLimits(OptionalLong.empty(), OptionalInt.of(5), OptionalLong.empty(), Optional.empty());
        assertThat(limits.notBinding(0).orElseThrow())
                .startsWith(
                        "processLimit (RLIMIT_NPROC) does not bind root, and the workers of this program run as root");
        assertThat(limits.notBinding(1000)).isEmpty();
        assertThat(ProcessLimits.NONE.notBinding(0)).isEmpty();
    }

    @Test
    void theHeapsThatOptionsAskForAreKnown() {
        assertThat(HeapOptions.bytesOf("-Xmx600m")).isEqualTo(600L << 20);
        assertThat(HeapOptions.bytesOf("-Xmx2G")).isEqualTo(2L << 30);
        assertThat(HeapOptions.bytesOf("-Xmx1048576")).isEqualTo(1L << 20);
        assertThat(HeapOptions.bytesOf("-mx7k")).isEqualTo(7L << 10);
        assertThat(HeapOptions.bytesOf("-Xms1t")).isEqualTo(1L << 40);
        assertThat(HeapOptions.bytesOf("-XX:MaxHeapSize=3g")).isEqualTo(3L << 30);
        assertThat(HeapOptions.bytesOf("-XX:InitialHeapSize=5m")).isEqualTo(5L << 20);
        assertThat(HeapOptions.bytesOf("-Xmx999999999999999t")).isEqualTo(Long.MAX_VALUE);
        assertThat(HeapOptions.bytesOf("-Xss600m")).isZero();
        assertThat(HeapOptions.bytesOf("-Xmxlots")).isZero();
        long machine = HeapOptions.machineMemory().orElseThrow();
        assertThat(HeapOptions.bytesOf("-XX:MaxRAMPercentage=50.0")).isBetween(machine / 2 - 2, machine / 2 + 2);
    }

    @Test
    void aHeapOfTheProgramsOwnChoiceIsRecognized() {
        for (String each :
                List.of("-Xmx1g", "-mx1g", "-XX:MaxHeapSize=1g", "-XX:MaxRAMPercentage=10", "-XX:MaxRAM=1g", "@file")) {
            assertThat(HeapOptions.setLargest(List.of("-Xss1m", each))).as(each).isTrue();
        }
        for (String each : List.of("-Xms1g", "-XX:MaxMetaspaceSize=1g", "-Xmn1g", "-XX:MaxHeapFreeRatio=10")) {
            assertThat(HeapOptions.setLargest(List.of(each))).as(each).isFalse();
        }
    }

    private static JvmOptions options(int count, long heap, OptionalLong memoryLimit, String... arguments) {
        return new JvmOptions(
                count,
                Optional.empty(),
                List.of(),
                List.of(arguments),
                heap,
                Map.of(),
                false,
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                new ProcessLimits(memoryLimit, OptionalInt.empty(), OptionalLong.empty(), Optional.empty()));
    }

    private static String largest(JvmOptions options, long ofProgram, long machine) {
        return HeapOptions.largest(options, ofProgram, OptionalLong.of(machine));
    }

    @Test
    void theHeapsOfAllWorkersTogetherMayTakeAQuarterOfTheMemory() {
        long gib = 1L << 30;
        OptionalLong none = OptionalLong.empty();
        assertThat(largest(options(2, 0, none), Long.MAX_VALUE, 24 * gib)).isEqualTo("-XX:MaxRAMPercentage=12.500");
        assertThat(largest(options(3, 0, none), Long.MAX_VALUE, 24 * gib)).isEqualTo("-XX:MaxRAMPercentage=8.333");
        assertThat(largest(options(2, 0, none), gib, 24 * gib))
                .as("not more than the program's")
                .isEqualTo("-Xmx" + gib);
        assertThat(largest(options(2, 0, none), 20 * gib, 24 * gib))
                .as("not more than its share")
                .isEqualTo("-Xmx" + 3 * gib);
        assertThat(largest(options(64, 0, none), gib, 2 * gib))
                .as("not less than a JVM would take")
                .isEqualTo("-Xmx" + (124L << 20));
        assertThat(largest(options(1, 0, OptionalLong.of(gib)), Long.MAX_VALUE, 24 * gib))
                .as("what fits under the limit")
                .isEqualTo("-Xmx" + gib / 4 * 3);
        assertThat(HeapOptions.largest(options(1, 0, OptionalLong.of(gib)), Long.MAX_VALUE, none))
                .as("on a runtime without jdk.management")
                .isEqualTo("-Xmx" + gib / 4 * 3);
    }

    @Test
    void aHeapThatTheProgramChoosesForItsWorkersCounts() {
        OptionalLong none = OptionalLong.empty();
        assertThat(largest(options(2, 7 << 20, none), 1 << 30, 1L << 40)).isEqualTo("-Xmx" + (7 << 20));
        assertThat(largest(options(2, 0, none, "-Xmx3g"), 1 << 30, 1L << 40)).isEmpty();
        assertThat(largest(options(2, 0, none, "-XX:MaxRAMPercentage=60"), 1 << 30, 1L << 40))
                .isEmpty();
    }

    @Test
    void theMemoryOutsideOfTheHeapFits() {
        assertThat(HeapOptions.fitting(64L << 20)).isEqualTo(16L << 20);
        assertThat(HeapOptions.fitting(128L << 20)).isEqualTo(48L << 20);
        assertThat(HeapOptions.fitting(512L << 20)).isEqualTo(384L << 20);
        assertThat(HeapOptions.fitting(Long.MAX_VALUE)).isPositive();
    }
}
