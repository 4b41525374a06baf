package dev.trestle.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The census as a program of its own, on the module path, and how it ends when it is told to. */
@Timeout(60)
class CensusStopTest {

    private static final String MAIN = "dev.trestle.examples/dev.trestle.examples.Examples";

    @TempDir
    Path directory;

    private final List<Process> programs = new ArrayList<>();

    @AfterEach
    void endPrograms() {
        for (Process program : programs) {
            program.descendants().forEach(ProcessHandle::destroyForcibly);
            program.destroyForcibly();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"INT, 130", "TERM, 143"})
    void signalPrintsWhatThereIsAndLeavesNoChild(String signal, int exitCode) throws Exception {
        assumeFalse(
                InheritedSignals.ignoreInterrupts(),
                "The shell of this build ignores Ctrl-C, and so would the program");
        Process program = start(
                "--workers", "2", "--json", directory.resolve("census.json").toString());
        waitForTheFirstTenth(program);
        List<ProcessHandle> children = program.descendants().toList();

        send(signal, program);

        assertThat(program.waitFor(10, TimeUnit.SECONDS)).as("it ends").isTrue();
        assertThat(program.exitValue()).as(err()).isEqualTo(exitCode);
        assertThat(out()).containsOnlyOnce("PARTIAL").contains("Packages most depended upon", "java.lang");
        assertThat(err()).doesNotContain("Exception", "[WARN]", "[ERROR]");
        assertThat(directory.resolve("census.json")).content().contains("\"complete\" : false");
        assertThat(children).hasSize(2);
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(1))
                .until(() -> children.stream().noneMatch(CensusStopTest::runs));
    }

    @Test
    void killedProgramLeavesNoChildAfterASecond() throws Exception {
        Process program = start("--workers", "2");
        waitForTheFirstTenth(program);
        List<ProcessHandle> children = program.descendants().toList();

        program.destroyForcibly();

        assertThat(children).hasSize(2);
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(1))
                .until(() -> children.stream().noneMatch(CensusStopTest::runs));
    }

    private Process start(String... arguments) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-p",
                modulePath(),
                "-m",
                MAIN,
                "census"));
        command.addAll(List.of(arguments));
        Process program = new ProcessBuilder(command)
                .redirectOutput(directory.resolve("out").toFile())
                .redirectError(directory.resolve("err").toFile())
                .start();
        programs.add(program);
        return program;
    }

    /** The class path of this test, without the tests: the modules and what they need. */
    private static String modulePath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private void waitForTheFirstTenth(Process program) {
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(30))
                .until(() -> {
                    assertThat(program.isAlive())
                            .as("It ended too soon: " + err())
                            .isTrue();
                    return err().contains("census:  10 %");
                });
    }

    private static void send(String signal, Process program) throws Exception {
        var kill = new ProcessBuilder("kill", "-" + signal, String.valueOf(program.pid())).start();
        assertThat(kill.waitFor()).isZero();
    }

    /** An orphan that has ended but has not been reaped yet counts as alive, and has no command any more. */
    private static boolean runs(ProcessHandle process) {
        return process.isAlive() && process.info().command().isPresent();
    }

    private String out() throws IOException {
        return Files.readString(directory.resolve("out"), UTF_8);
    }

    private String err() throws IOException {
        return Files.readString(directory.resolve("err"), UTF_8);
    }
}
