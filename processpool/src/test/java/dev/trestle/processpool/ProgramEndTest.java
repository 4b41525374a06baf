package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.processpool.jvm.PrivateDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The fate of workers and files when a program ends, in one way or another, without closing its pool. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class ProgramEndTest {

    @TempDir
    Path folder = Path.of("");

    private Path temporary = Path.of("");
    private Path output = Path.of("");

    @BeforeEach
    void prepare() throws IOException {
        temporary = Files.createDirectory(folder.resolve("tmp"));
        output = folder.resolve("output");
    }

    private Process start(Class<?> program, String... more) throws IOException {
        List<String> command = TestJvm.command(
                List.of("-Xmx64m", "-Djava.io.tmpdir=" + temporary, "-Dorg.slf4j.simpleLogger.defaultLogLevel=info"),
                program,
                Stream.concat(Stream.of(folder), Stream.of(more)).toArray());
        return TestJvm.start(command, output);
    }

    /** Shares an array in memory and one on the disk, which the program does not close. */
    private static void share(ProcessPool pool) {
        var _ = pool.share(new byte[1 << 20]);
        var _ = pool.share(Path.of("/proc/self/exe"));
    }

    /** Returns the directory in memory of the only pool of a program. */
    private Path inMemory() throws IOException {
        try (Stream<Path> directories = Files.list(temporary)) {
            return Path.of("/dev/shm")
                    .resolve(directories.findFirst().orElseThrow().getFileName());
        }
    }

    /** A program with one worker in an endless loop and one idle worker, which waits to be killed. */
    static final class Waiting {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var pool = TestPools.of(2);
            share(pool);
            var idle = pool.submit(() -> Gate.pass(in, "idle"));
            var _ = pool.submit(() -> Gate.spin(in, "spinning"));
            idle.result();
            pool.submit(() -> Gate.mark(in, "ready")).result();
            while (true) {
                LockSupport.park();
            }
        }
    }

    @Test
    void noWorkerOutlivesAKilledProgramByMoreThanASecond() throws Exception {
        Process program = start(Waiting.class);
        List<ProcessHandle> workers;
        Path inMemory;
        try {
            long spinning = Gate.await(folder, "spinning");
            long idle = Gate.await(folder, "idle");
            Gate.open(folder, "idle");
            Gate.await(folder, "ready");
            inMemory = inMemory();
            workers = Stream.of(spinning, idle)
                    .map(pid -> ProcessHandle.of(pid).orElseThrow())
                    .toList();
            assertThat(program.descendants()).containsExactlyInAnyOrderElementsOf(workers);
        } finally {
            program.destroyForcibly();
        }
        assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();

        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(1))
                .untilAsserted(() -> assertThat(workers).noneMatch(TestProcess::runs));

        assertThat(inMemory).as("memory, which its workers have freed").doesNotExist();
        assertThat(temporary).isNotEmptyDirectory();
        try (var next = PrivateDirectory.create(temporary)) {
            next.removeStale();
        }
        assertThat(temporary).isEmptyDirectory();
    }

    /** The further course of a call that has started other processes. */
    enum Meanwhile {
        ENDED,
        WAITS,
        LOOPS
    }

    /** A program with a worker whose call has started processes, which waits to be killed. */
    static final class Starting {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var meanwhile = Meanwhile.valueOf(arguments[1]);
            var pool = TestPools.of(1);
            share(pool);
            var _ = pool.submit(() -> leaveProcesses(in, meanwhile));
            while (true) {
                LockSupport.park();
            }
        }

        private static int leaveProcesses(String in, Meanwhile meanwhile) throws IOException, InterruptedException {
            var child = new ProcessBuilder("sleep", "3600").start();
            Files.writeString(Path.of(in, "child"), Long.toString(child.pid()));
            for (String how : List.of("", "setsid ")) {
                Path mark = Path.of(in, how + "orphan");
                new ProcessBuilder("sh", "-c", how + "sleep 3600 & echo $! > \"$0\"", mark.toString())
                        .start()
                        .waitFor(); // now it has lost its parent
            }
            return switch (meanwhile) {
                case ENDED -> Gate.mark(in, "worker").length();
                case WAITS -> Gate.pass(in, "worker").length();
                case LOOPS -> Gate.spin(in, "worker");
            };
        }
    }

    private List<ProcessHandle> processesOfCalls() throws IOException {
        var found = new ArrayList<ProcessHandle>();
        for (String mark : List.of("child", "orphan", "setsid orphan")) {
            long pid = Long.parseLong(Files.readString(folder.resolve(mark)).strip());
            found.add(ProcessHandle.of(pid).orElseThrow());
        }
        return found;
    }

    private static void awaitEnd(List<ProcessHandle> processes) {
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(processes).noneMatch(TestProcess::runs));
    }

    @ParameterizedTest
    @EnumSource
    @EnabledOnOs(OS.LINUX)
    void processesOfCallsEndWithTheWorkerOfAKilledProgram(Meanwhile meanwhile) throws Exception {
        Process program = start(Starting.class, meanwhile.name());
        List<ProcessHandle> processes = List.of();
        try {
            Gate.await(folder, "worker");
            processes = processesOfCalls();
            assertThat(processes).allMatch(TestProcess::runs);
            program.destroyForcibly();
            assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();

            awaitEnd(processes);
        } finally {
            program.destroyForcibly();
            processes.forEach(ProcessHandle::destroyForcibly);
        }
    }

    /** The end of a container, or the OOM killer, takes a program and its workers together. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theNextProgramFindsTheProcessesOfAKilledWorker() throws Exception {
        Process program = start(Starting.class, Meanwhile.WAITS.name());
        List<ProcessHandle> processes = List.of();
        try {
            long worker = Gate.await(folder, "worker");
            processes = processesOfCalls();
            Path inMemory = inMemory();
            TestProcess.signal("STOP", worker); // or it would be faster
            program.destroyForcibly();
            assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();
            TestProcess.signal("KILL", worker);
            awaitEnd(ProcessHandle.of(worker).stream().toList());
            assertThat(processes).allMatch(TestProcess::runs);
            assertThat(inMemory.resolve("shared/a1")).exists();
            try (var next = PrivateDirectory.create(temporary)) {
                next.removeStale();
            }

            awaitEnd(processes);
            assertThat(temporary).isEmptyDirectory();
            assertThat(inMemory).doesNotExist();
        } finally {
            program.destroyForcibly();
            processes.forEach(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void aProgramThatIsStoppedForAWhileLosesNothing() throws Exception {
        Process program = start(Waiting.class);
        try {
            long spinning = Gate.await(folder, "spinning");
            long idle = Gate.await(folder, "idle");
            TestProcess.signal("STOP", program.pid());
            Gate.open(folder, "idle"); // its worker answers, and no thread reads
            await().during(Duration.ofMillis(300)).until(() -> !Gate.isMarked(folder, "ready"));
            TestProcess.signal("CONT", program.pid());

            assertThat(Gate.await(folder, "ready")).isEqualTo(idle);
            assertThat(program.descendants().map(ProcessHandle::pid)).containsExactlyInAnyOrder(spinning, idle);
        } finally {
            program.destroyForcibly();
        }
        assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    /** Runs out of memory, and goes on. */
    static final class OutOfMemory {
        public static void main(String[] arguments) throws IOException {
            String in = arguments[0];
            try (var pool = TestPools.of(1)) {
                long worker = pool.submit(() -> ProcessHandle.current().pid()).result();
                var waiting = pool.submit(() -> Gate.pass(in, "waiting"));
                Gate.await(Path.of(in), "waiting");
                exhaust();
                Gate.open(Path.of(in), "waiting");
                waiting.result();
                if (pool.submit(() -> ProcessHandle.current().pid()).result() == worker) {
                    Gate.mark(in, "same worker");
                }
            }
        }

        private static void exhaust() {
            try {
                Mishap.fill(new byte[1024][]);
                throw new IllegalStateException("This program was to have a smaller heap");
            } catch (OutOfMemoryError e) {
                // as it was meant; what was allocated is garbage now
            }
        }
    }

    @Test
    void aProgramThatRanOutOfMemoryKeepsItsWorkers() throws Exception {
        Process program = start(OutOfMemory.class);

        assertThat(program.waitFor(25, TimeUnit.SECONDS)).isTrue();
        assertThat(program.exitValue()).isZero();
        assertThat(Gate.isMarked(folder, "same worker")).isTrue();
        assertThat(temporary).isEmptyDirectory();
    }

    /** A program with a worker in an endless loop, which ends. */
    static final class Ending {
        public static void main(String[] arguments) throws IOException {
            String in = arguments[0];
            var pool = TestPools.builder(1).daemon().build();
            share(pool);
            var _ = pool.submit(() -> Gate.spin(in, "spinning"));
            Gate.await(Path.of(in), "spinning");
            Gate.pass(in, "end");
        }
    }

    /** A program with a worker that prints, which closes its pool. */
    static final class Printing {
        public static void main(String[] arguments) {
            try (var pool = TestPools.builder(1).name("printing").build()) {
                pool.submit(() -> print()).result();
            }
        }

        @SuppressWarnings("SystemOut") // what this is about
        private static int print() {
            System.out.println("to stdout: ä");
            System.err.println("to stderr");
            System.out.print("half a line");
            System.out.flush();
            return 0;
        }
    }

    @Test
    void aProgramThatEndsLeavesNothing() throws Exception {
        Process program = start(Ending.class);
        long spinning = Gate.await(folder, "spinning");
        Gate.await(folder, "end");
        Path inMemory = inMemory();
        Gate.open(folder, "end");
        assertThat(program.waitFor(20, TimeUnit.SECONDS)).isTrue();

        assertThat(program.exitValue()).isZero();
        assertThat(temporary).isEmptyDirectory();
        assertThat(inMemory).doesNotExist();
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(1))
                .until(() ->
                        ProcessHandle.of(spinning).filter(TestProcess::runs).isEmpty());
    }

    @Test
    void printsOfCallsAreLoggedWithTheNameOfTheWorker() throws Exception {
        assertThat(start(Printing.class).waitFor(20, TimeUnit.SECONDS)).isTrue();

        assertThat(output)
                .content()
                .containsPattern("INFO dev.trestle.processpool.worker - \\[printing-worker-\\d] to stdout: ä")
                .containsPattern("WARN dev.trestle.processpool.worker - \\[printing-worker-\\d] to stderr")
                .containsPattern("INFO dev.trestle.processpool.worker - \\[printing-worker-\\d] half a line");
    }
}
