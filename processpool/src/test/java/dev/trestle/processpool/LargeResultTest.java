package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A result that is too large for the heap of the program, though not for that of the worker, says so. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class LargeResultTest {

    /** A program with a small heap; its workers have more. */
    static final class Program {

        public static void main(String[] arguments) {
            try (var pool = TestPools.plain(1).heap(400 << 20).aotCache(false).build()) {
                long worker = pool.submit(Gate::pid).result();
                List<Call<?>> calls = List.of(
                        () -> new byte[100 << 20],
                        () -> List.of(new long[10 << 20], new double[4 << 20]),
                        () -> new byte[100][1 << 20], // in the data, not beside it
                        () -> Collections.nCopies(1, "x".repeat(60 << 20)));
                for (Call<?> each : calls) {
                    System.out.println(pool.submit(each).exception().orElseThrow());
                }
                boolean lives = pool.submit(Gate::pid).result() == worker;
                System.out.println("the worker " + (lives ? "lives" : "is another"));
                try (Stream<byte[]> items = pool.stream(() -> Stream.of(new byte[100 << 20]))) {
                    System.out.println(items.count());
                } catch (WorkerDiedException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    @Test
    void saysSoAndTheWorkerLives() throws IOException, InterruptedException {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx48m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Program.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String said = new String(program.getInputStream().readAllBytes(), UTF_8);
        assertThat(program.waitFor(30, TimeUnit.SECONDS)).isTrue();

        List<String> lines = said.lines().toList();
        assertThat(lines).as(said).hasSize(6);
        assertThat(lines.subList(0, 4))
                .allMatch(each -> each.startsWith(CallNotSerializableException.class.getName()))
                .allMatch(each -> each.contains(" has no room in the heap of this "))
                .allMatch(each -> each.contains("Xmx"));
        assertThat(lines.getFirst()).contains("a result of 1048576");
        assertThat(lines.get(4)).isEqualTo("the worker lives");
        assertThat(lines.get(5)).contains("an item of 1048576", " has no room in the heap of this JVM");
    }
}
