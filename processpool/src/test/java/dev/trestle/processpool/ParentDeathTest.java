package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of the workers when their program is killed. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class ParentDeathTest {

    @TempDir
    Path folder = Path.of("");

    /** The program that is going to be killed: one worker in an endless loop, one idle. */
    static final class Program {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var pool = new ProcessPool(2);
            var idle = pool.submit(() -> Gate.pass(in, "idle"));
            var _ = pool.submit(() -> Gate.spin(in, "spinning"));
            idle.result();
            pool.submit(() -> 1).result();
            pool.submit(() -> Gate.mark(in, "ready")).result();
            while (true) {
                LockSupport.park();
            }
        }
    }

    /** A process that has ended and that nobody has waited for still exists, but has no command any more. */
    private static boolean runs(ProcessHandle process) {
        return process.isAlive() && process.info().command().isPresent();
    }

    @Test
    void noWorkerOutlivesItsProgramByMoreThanASecond() throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + temporary,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Program.class.getName(),
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        List<ProcessHandle> workers;
        try {
            long spinning = Gate.await(folder, "spinning");
            long idle = Gate.await(folder, "idle");
            Gate.open(folder, "idle");
            Gate.await(folder, "ready");
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
                .untilAsserted(() -> assertThat(workers).noneMatch(ParentDeathTest::runs));

        File[] left = temporary.toFile().listFiles();
        assertThat(left).as("the private directory of the dead program").hasSize(1);
        PrivateDirectory.removeStale(temporary);
        assertThat(temporary).isEmptyDirectory();
    }
}
