package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A pool to which things happen while the heap of the program is full, and there is room again later. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class FullHeapTest {

    /** The time for which no thread of the program gets memory. */
    private static final long FULL_NANOS = TimeUnit.SECONDS.toNanos(2);

    @TempDir
    Path folder = Path.of("");

    private Process start(Class<?> program) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx48m",
                        "-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("tmp")),
                        "-cp",
                        System.getProperty("java.class.path"),
                        program.getName(),
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
    }

    /** All free memory, so that no other code gets any. */
    private static final class Hoard {
        private @Nullable Object @Nullable [] last;

        /**
         * Takes what there is, and what becomes free, for a while; then gives it back. Tells through a file that it is
         * full.
         */
        static void keepHeapFull(Path folder) throws IOException {
            var hoard = new Hoard();
            ByteBuffer full = map(folder.resolve("full"));
            var _ = hoard.take(Integer.MAX_VALUE); // to catch an error the first time takes memory, too
            int size = 1 << 16;
            long fullNanos = FULL_NANOS;
            long began = System.nanoTime() & 0; // what is used below must be linked while there is memory
            while (began == 0 || System.nanoTime() - began < fullNanos) {
                if (!hoard.take(size) && size > 1) {
                    size /= 16;
                }
                if (size == 1 && began == 0) {
                    began = System.nanoTime();
                    full.put(0, (byte) 1);
                }
            }
        }

        /** Returns memory that is a file, so that to write to it needs no other. */
        private static ByteBuffer map(Path file) throws IOException {
            try (var channel = FileChannel.open(
                    file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                ByteBuffer memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1);
                return memory.put(0, (byte) 0); // the first time takes memory
            }
        }

        private boolean take(int size) {
            try {
                var more = new @Nullable Object[size];
                more[0] = last;
                last = more;
                return true;
            } catch (OutOfMemoryError e) {
                return false;
            }
        }
    }

    private void awaitFullHeap() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(isFull(folder.resolve("full")))
                        .as("the heap is full; the program said: %s", Files.readString(folder.resolve("output")))
                        .isTrue());
    }

    private static boolean isFull(Path file) throws IOException {
        return Files.exists(file) && Files.size(file) > 0 && Files.readAllBytes(file)[0] == 1;
    }

    private static void kill(long pid) {
        assertThat(ProcessHandle.of(pid).map(ProcessHandle::destroyForcibly)).contains(true);
    }

    /** A program with two workers that die while the heap is full. */
    static final class LosesWorkers {
        public static void main(String[] arguments) throws IOException {
            String in = arguments[0];
            try (var pool = TestPools.of(2)) {
                var first = pool.submit(() -> Gate.pass(in, "first"));
                var second = pool.submit(() -> Gate.pass(in, "second"));
                Gate.await(Path.of(in), "first");
                Gate.await(Path.of(in), "second");
                Hoard.keepHeapFull(Path.of(in));
                require(first.exception().orElseThrow());
                require(second.exception().orElseThrow());
                pool.submit(() -> Gate.mark(in, "healed")).result();
            }
            Gate.mark(in, "closed");
        }

        private static void require(Throwable thrown) {
            if (!(thrown instanceof WorkerDiedException)) {
                throw new IllegalStateException("It ended otherwise", thrown);
            }
        }
    }

    /** This test is not in every build: to fill a heap takes seconds. {@link MissedEndTest} has what went wrong. */
    @Test
    @EnabledIfSystemProperty(named = "trestle.storm.heap", matches = "true")
    void poolHealsAfterWorkersDiedWhileTheHeapIsFull() throws Exception {
        Process program = start(LosesWorkers.class);
        try {
            long first = Gate.await(folder, "first");
            long second = Gate.await(folder, "second");
            awaitFullHeap();
            kill(first);
            kill(second);

            assertThat(program.waitFor(40, TimeUnit.SECONDS))
                    .as("the program ends; it said: %s", Files.readString(folder.resolve("output")))
                    .isTrue();
            assertThat(folder.resolve("healed"))
                    .as("the program said: %s", Files.readString(folder.resolve("output")))
                    .exists();
            assertThat(folder.resolve("closed")).exists();
            assertThat(program.exitValue()).isZero();
            assertThat(folder.resolve("tmp")).isEmptyDirectory();
        } finally {
            program.destroyForcibly();
        }
    }
}
