package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.processpool.jvm.PrivateDirectory;
import java.time.Duration;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Checks, after the tests of a class and its own clean-up, that no child process, thread or directory is left. Before
 * them it sees to the archive of {@link TestJvm}, so that the first test does not make it in its own time.
 */
public final class NothingLeft implements BeforeAllCallback, AfterAllCallback {

    /** Created by JUnit. */
    public NothingLeft() {}

    @Override
    public void beforeAll(ExtensionContext context) {
        var _ = TestJvm.archiveOptions();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> {
                    assertThat(ProcessHandle.current().descendants())
                            .as("child processes")
                            .isEmpty();
                    assertThat(Thread.getAllStackTraces().keySet())
                            .as("threads")
                            .noneMatch(thread -> thread.getName().startsWith("trestle-processpool"));
                    assertThat(PrivateDirectory.ours())
                            .as("private directories")
                            .isEmpty();
                });
    }
}
