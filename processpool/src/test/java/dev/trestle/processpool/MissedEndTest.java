package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pool whose workers end without the help of the JDK, whose thread that waits for a process may have died of a full
 * heap.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
@EnabledOnOs(OS.LINUX)
class MissedEndTest {

    /**
     * Misses the end of its first worker. The call of its second worker leaves a process that holds the worker's output
     * and cannot be found by its environment.
     */
    static final class Program {
        public static void main(String[] arguments) throws Exception {
            String in = arguments[0];
            long pipes = pipes();
            try (var pool = TestPools.of(1)) {
                var lost = pool.submit(() -> Gate.pass(in, "first"));
                long pid = Gate.await(Path.of(in), "first");
                forgetEnd(pid);
                assertThat(ProcessHandle.of(pid).map(ProcessHandle::destroyForcibly))
                        .contains(true);
                assertThat(lost.exception().orElseThrow())
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageContaining("it is not known how it ended");
                pool.submit(() -> leaveProcess(in)).result();
            }
            Gate.until(() -> pipes() == pipes + 1); // that which the process holds
            Gate.mark(in, "closed");
        }

        /** Keeps the JDK from reporting the end of a process, as if the JDK's thread had died. */
        private static void forgetEnd(long pid) throws ReflectiveOperationException {
            Field completions = Class.forName("java.lang.ProcessHandleImpl").getDeclaredField("completions");
            completions.setAccessible(true);
            Field stack = CompletableFuture.class.getDeclaredField("stack");
            stack.setAccessible(true);
            stack.set(((Map<?, ?>) completions.get(null)).get(pid), null);
        }

        private static int leaveProcess(String in) throws IOException, InterruptedException {
            return new ProcessBuilder("/bin/sh", "-c", "/usr/bin/env -i /bin/sleep 50 & echo $! > " + in + "/left")
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .start()
                    .waitFor();
        }

        private static long pipes() throws IOException {
            try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
                return open.filter(Program::isPipe).count();
            }
        }

        private static boolean isPipe(Path handle) {
            try {
                return Files.readSymbolicLink(handle).toString().startsWith("pipe:");
            } catch (IOException e) {
                return false; // that of the list itself, closed by now
            }
        }
    }

    @Test
    void poolAndProgramEndThoughTheJdkMissesTheEndOfAWorker(@TempDir Path folder) throws Exception {
        Path output = folder.resolve("output");
        var options = List.of(
                "-Xmx64m",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED");
        Process program = TestJvm.start(TestJvm.command(TestJvm.CLASS_PATH, options, Program.class, folder), output);
        try {
            boolean ended = program.waitFor(30, TimeUnit.SECONDS);
            assertThat(folder.resolve("closed")).as(Files.readString(output)).exists();
            assertThat(ended).as("the program ends").isTrue();
            assertThat(program.exitValue()).isZero();
        } finally {
            program.destroyForcibly();
            Path left = folder.resolve("left");
            if (Files.exists(left)) {
                ProcessHandle.of(Long.parseLong(Files.readString(left).strip()))
                        .ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }
}
