package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Workers that are replaced since they are too old or have grown too large. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class RecyclingTest {

    private static final long MIB = 1L << 20;

    /** Far above what a worker has that runs nothing. */
    private static final long MAX_RESIDENT = 300 * MIB;

    @TempDir
    Path folder = Path.of("");

    static final List<Object> leaked = new ArrayList<>();

    /** Takes native memory that is never freed; returns the worker's process id. */
    static long leakNative(long bytes) {
        MemorySegment segment = Arena.global().allocate(bytes);
        for (long at = 0; at < bytes; at += 4096) {
            segment.set(java.lang.foreign.ValueLayout.JAVA_BYTE, at, (byte) 1);
        }
        return Gate.pid();
    }

    static long leakHeap(long bytes) {
        for (long each = 0; each < bytes; each += MIB) {
            leaked.add(new byte[(int) MIB]);
        }
        return Gate.pid();
    }

    @Test
    void anIdleWorkerThatIsTooOldIsReplacedOnce() {
        try (var pool = TestPools.builder(1).maxAge(Duration.ofMillis(100)).build()) {
            long first = pool.submit(Gate::pid).result();
            Gate.until(() -> pool.statistics().retiredByAge() == 1);
            Gate.until(() -> pool.statistics().alive() == 1);

            LockSupport.parkNanos(Duration.ofMillis(500).toNanos()); // five times its age: nothing must happen
            assertThat(pool.statistics().workersStarted()).isEqualTo(2);
            assertThat(pool.statistics().workersRetired()).isEqualTo(1);
            assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(first);
        }
    }

    @Test
    void idleWorkersThatAreReplacedEndAllTheSame() {
        try (var pool = TestPools.builder(2)
                .maxAge(Duration.ofMillis(50))
                .idleTime(Duration.ofSeconds(1))
                .build()) {
            IntStream.range(0, 2).mapToObj(_ -> pool.submit(Gate::pid)).toList().forEach(ConcurrentFuture::result);
            Gate.until(() -> pool.statistics().alive() == 0);

            assertThat(pool.statistics().workersStarted()).isBetween(2L, 4L);
            assertThat(pool.statistics().starting()).isZero();
        }
    }

    @Test
    void aWorkerThatIsTooOldRunsCallsUntilAnotherIsReady() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.builder(1)
                .maxAge(Duration.ofMillis(1))
                .initializer(() -> startOneAfterTheOther(in))
                .build()) {
            Gate.open(folder, "starts0");
            long first = pool.submit(Gate::pid).result();
            Gate.await(folder, "starts1");
            for (int i = 0; i < 3; i++) {
                assertThat(pool.submit(Gate::pid).result()).as("no call waits").isEqualTo(first);
            }
            Gate.open(folder, "starts1");
            Gate.until(() -> pool.statistics().retiredByAge() == 1);

            Gate.open(folder, "starts2");
            assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(first);
        }
    }

    private static void startOneAfterTheOther(String folder) throws java.io.UncheckedIOException {
        try {
            Gate.pass(folder, "starts" + Gate.number(folder));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** The call goes on, however long it takes; its worker leaves after it. */
    @Test
    void aWorkerThatBecomesTooOldDuringItsCallLeavesAfterIt() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.builder(1).maxAge(Duration.ofMillis(100)).build()) {
            var long1 = pool.submit(() -> Gate.pass(in, "long"));
            Gate.until(() -> pool.statistics().spares() == 1);
            assertThat(pool.statistics().workersRetired()).isZero();
            Gate.open(folder, "long");

            assertThat(long1.result()).isEqualTo("long");
            Gate.until(() -> pool.statistics().retiredByAge() == 1);
            assertThat(pool.statistics().lost()).isZero();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aWorkerWhoseNativeMemoryHasGrownIsReplacedAfterItsCall() throws Exception {
        Path file = folder.resolve("recording.jfr");
        long first;
        try (var recording = new Recording()) {
            recording.enable("dev.trestle.ProcessPoolWorkerEnd");
            recording.start();
            try (var pool = TestPools.builder(1).maxResident(MAX_RESIDENT).build()) {
                first = pool.submit(() -> leakNative(1)).result();
                assertThat(pool.submit(Gate::pid).result())
                        .as("it is not large yet")
                        .isEqualTo(first);
                pool.submit(() -> leakNative(MAX_RESIDENT)).result();
                Gate.until(() -> pool.statistics().retiredByResident() == 1);

                assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(first);
                assertThat(pool.statistics().workersDied()).isZero();
                assertThat(pool.statistics().retiredByCalls()).isZero();
            }
            recording.dump(file);
        }
        RecordedEvent end = RecordingFile.readAllEvents(file).stream()
                .filter(each -> each.getEventType().getName().endsWith("WorkerEnd"))
                .filter(each -> each.getLong("pid") == first)
                .findAny()
                .orElseThrow();
        assertThat(end.getString("retired"))
                .matches("it held [3-9]\\d\\d MiB after a call, more than 300 MiB \\(maxResident\\)");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aWorkerWhoseHeapHasGrownIsReplacedAfterItsCall() {
        try (var pool = TestPools.builder(1)
                .maxResident(MAX_RESIDENT)
                .jvmArguments("-Xmx1g")
                .build()) {
            long first = pool.submit(() -> leakHeap(MAX_RESIDENT)).result();
            Gate.until(() -> pool.statistics().retiredByResident() == 1);

            assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(first);
        }
    }

    /** Tells that its heap is there, and stays. */
    static final class Large {
        @SuppressWarnings("SystemOut") // so it tells
        public static void main(String[] arguments) throws IOException {
            System.out.println(1);
            System.in.read();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theProcessesThatCallsHaveStartedCount() throws Exception {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String classPath = TestJvm.CLASS_PATH;
        String large = Large.class.getName();
        try (var pool = TestPools.builder(1).maxResident(MAX_RESIDENT).build()) {
            long first = pool.submit(() -> {
                        var child = new ProcessBuilder(
                                        java, "-Xms400m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC", "-version")
                                .start();
                        child.waitFor();
                        return Gate.pid();
                    })
                    .result();
            assertThat(pool.submit(Gate::pid).result())
                    .as("what has ended does not count")
                    .isEqualTo(first);
            pool.submit(() -> {
                        var child = new ProcessBuilder(
                                        java,
                                        "-Xms400m",
                                        "-XX:+AlwaysPreTouch",
                                        "-XX:+UseSerialGC",
                                        "-cp",
                                        classPath,
                                        large)
                                .start();
                        return child.getInputStream().read(); // when its heap is there
                    })
                    .result();
            Gate.until(
                    () -> { // they are looked for once a second, after a call
                        pool.submit(Gate::pid).result();
                        return pool.statistics().retiredByResident() == 1;
                    });
        }
    }

    /** Without this, a limit below the size of any JVM would start one JVM after the other. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aLimitThatEveryWorkerExceedsStartsOneWorkerForEachCall() {
        try (var pool = TestPools.builder(1).maxResident(1).build()) {
            for (int call = 1; call <= 2; call++) {
                int calls = call;
                pool.submit(Gate::pid).result();
                Gate.until(() -> pool.statistics().retiredByResident() == calls);
            }
            LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
            assertThat(pool.statistics().workersStarted()).isEqualTo(3);
        }
    }

    @Test
    void limitsThatMakeNoSenseAreRefused() {
        var builder = ProcessPool.builder();
        assertThatThrownBy(() -> builder.maxAge(Duration.ZERO)).hasMessage("maxAge must be positive: PT0S");
        assertThatThrownBy(() -> builder.maxAge(Duration.ofSeconds(-1))).hasMessage("maxAge must be positive: PT-1S");
        assertThatThrownBy(() -> builder.maxResident(0)).hasMessage("maxResident must be positive, in bytes: 0");
        assertThatThrownBy(() -> builder.maxResident(Integer.MIN_VALUE))
                .hasMessage("maxResident must be positive, in bytes: -2147483648");
    }

    @Test
    void anAgeWithoutEndIsAllowed() {
        try (var pool = TestPools.builder(1)
                .maxAge(Duration.ofSeconds(Long.MAX_VALUE))
                .maxResident(Long.MAX_VALUE)
                .build()) {
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }
}
