package dev.trestle.examples.documents;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.trestle.examples.InheritedSignals;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The end of the server: uploads in flight are answered, and no process is left. */
@Timeout(300)
class DocumentsStopTest {

    @Test
    void moduleReadsDocumentsAndEnds(@TempDir Path directory) throws Exception {
        try (var server = RunningServer.startModular(directory, "--workers", "1")) {
            assertThat(server.get("documents.js").statusCode()).isEqualTo(200);
            assertThat(server.upload(Good.pdf(new Random(1), 1)).outcome()).isEqualTo("preview");
            assertThat(server.upload(Hostile.PDF_OF_A_LOOP_OF_PAGES.make(new Random(1)))
                            .outcome())
                    .isEqualTo("damaged");

            server.process.destroy();

            server.assertEnds();
            assertThat(server.process.exitValue()).isEqualTo(143);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"INT, 130", "TERM, 143"})
    void signalLetsUploadsInFlightEnd(String signal, int exitCode, @TempDir Path directory) throws Exception {
        assumeFalse(
                signal.equals("INT") && InheritedSignals.ignoreInterrupts(),
                "The shell of this build ignores Ctrl-C, and so would the server");
        try (var server = RunningServer.start(directory, "--workers", "1", "--seconds", Machine.timeLimit())) {
            assertThat(server.upload(Good.png(new Random(1), 90, 90)).outcome()).isEqualTo("preview");
            var running = server.accepted(Hostile.LOOPS.make(new Random(1)));
            var waiting = server.accepted(Good.pdf(new Random(1), 1));
            List<ProcessHandle> workers = server.workers();

            assertThat(new ProcessBuilder("kill", "-" + signal, String.valueOf(server.process.pid()))
                            .start()
                            .waitFor())
                    .isZero();

            assertThat(running.join().outcome()).isEqualTo("timed-out");
            assertThat(waiting.join().outcome()).isEqualTo("preview");
            server.assertEnds();
            assertThat(server.process.exitValue()).as(server.err()).isEqualTo(exitCode);
            assertThat(server.out()).contains("documents: ending");
            assertThat(server.err()).doesNotContain("Exception in");
            assertThat(workers).isNotEmpty();
            await().pollInterval(Duration.ofMillis(5))
                    .atMost(Duration.ofSeconds(2))
                    .until(() -> workers.stream()
                            .noneMatch(worker ->
                                    worker.isAlive() && worker.info().command().isPresent()));
        }
    }
}
