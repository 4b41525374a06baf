package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
@ExtendWith(NothingLeft.class)
class LateClassesTest {

    /** Marks in the list of loaded classes where the ends begin. */
    static final class EndsBegin {}

    /** Marks where they are over. */
    static final class EndsAreOver {}

    /** A program in which calls and workers end in all ways, after a first call. */
    static final class Program {
        public static void main(String[] arguments) throws Exception {
            String in = arguments[0];
            try (var pool = TestPools.builder(1)
                            .cancelGrace(Duration.ofMillis(50))
                            .build();
                    var broken = TestPools.builder(1)
                            .jvmArguments("-XX:+NoSuchOption")
                            .startRetryTime(Duration.ofMillis(100))
                            .build()) {
                awaitWarmUp();
                pool.submit(() -> 1).result();
                Gate.until(() -> pool.statistics().busy() == 0);
                Class.forName(EndsBegin.class.getName());

                var neverStarts = broken.submit(() -> 1);
                var hangs = pool.submit(() -> hang(), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(20)));
                var killed = pool.submit(() -> Gate.pass(in, "killed"));
                var waits = pool.submit(() -> Gate.stay(in, "waits"));
                assertThat(ProcessHandle.of(Gate.await(Path.of(in), "killed")).map(ProcessHandle::destroyForcibly))
                        .contains(true);
                Gate.await(Path.of(in), "waits");
                var queued = pool.submit(() -> 1);
                queued.cancel(true);
                waits.cancel(true);
                for (var each : List.of(neverStarts, hangs, killed)) {
                    assertThat(each.exception()).isPresent();
                }
            }
            Class.forName(EndsAreOver.class.getName());
        }

        private static int hang() {
            Gate.hang();
            return 0;
        }

        private static void awaitWarmUp() throws InterruptedException {
            for (Thread each : Thread.getAllStackTraces().keySet()) {
                if (each.getName().equals("trestle-warm-up")) {
                    each.join();
                }
            }
        }
    }

    @Test
    void noClassIsLoadedWhenCallsAndWorkersEnd(@TempDir Path folder) throws Exception {
        Path loaded = folder.resolve("loaded");
        Path output = folder.resolve("output");
        var options = List.of("-Xmx64m", "-Xlog:class+load=info:file=" + loaded + ":none");
        int exitCode = TestJvm.runToEnd(TestJvm.command(TestJvm.CLASS_PATH, options, Program.class, folder), output);

        assertThat(exitCode).as(Files.readString(output)).isZero();
        List<String> names = Files.readAllLines(loaded).stream()
                .map(line -> line.substring(0, line.indexOf(' ')))
                .toList();
        assertThat(names).contains(EndsBegin.class.getName(), EndsAreOver.class.getName());
        List<String> late =
                names.subList(names.indexOf(EndsBegin.class.getName()) + 1, names.indexOf(EndsAreOver.class.getName()));
        // The classes that the JVM makes of lambdas and of switches over types come from memory, not from files.
        assertThat(late)
                .filteredOn(name -> name.startsWith("dev.trestle.")
                        && !name.contains("$$")
                        && !name.contains("Test")
                        && !name.startsWith(Gate.class.getName()))
                .as("classes that LateClasses lacks")
                .isEmpty();
    }
}
