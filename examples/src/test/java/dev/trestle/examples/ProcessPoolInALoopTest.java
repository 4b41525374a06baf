package dev.trestle.examples;

import static dev.trestle.bridge.Bridge.runInExecutor;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.EventLoop;
import dev.trestle.processpool.ProcessPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process pool that is closed in a coroutine: the loop goes on. */
@Timeout(60)
class ProcessPoolInALoopTest {

    @TempDir
    private Path directory = Path.of("");

    /** The call ends when another coroutine has run. */
    @Test
    void theEndOfATryLetsOtherCoroutinesRun() {
        String file = directory.resolve("the other coroutine has run").toString();
        EventLoop.run(() -> {
            var pool = new ProcessPool(1);
            try (pool) {
                var _ = pool.submit(() -> waitFor(file));
                createTask(() -> Files.createFile(Path.of(file)));
            }
            assertThat(pool.isTerminated()).isTrue();
            assertThat(pool.statistics().completed()).isOne();
        });
    }

    /** The worker is stopped, so it reads nothing until another coroutine lets it go on. */
    @Test
    void largeCallToABusyWorkerLetsCoroutinesRun() {
        byte[] large = new byte[20 << 20];
        EventLoop.run(() -> {
            try (var pool = new ProcessPool(1)) {
                long worker =
                        await(runInExecutor(pool, () -> ProcessHandle.current().pid()));
                signal("STOP", worker);
                var length = runInExecutor(pool, () -> large.length);
                createTask(() -> signal("CONT", worker));

                assertThat(await(length)).isEqualTo(large.length);
            }
        });
    }

    private static int signal(String name, long pid) throws IOException, InterruptedException {
        return new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .inheritIO()
                .start()
                .waitFor();
    }

    private static void waitFor(String file) {
        while (Files.notExists(Path.of(file))) {
            Thread.onSpinWait();
        }
    }
}
