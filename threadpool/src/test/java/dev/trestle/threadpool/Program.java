package dev.trestle.threadpool;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A program that a test runs in a JVM of its own, with the class path of the test.
 *
 * @param patienceSeconds the time after which the program is killed; far more than the program takes
 */
record Program(Class<?> main, List<String> jvmFlags, int patienceSeconds) {

    /** Runs the program to its end, and returns what it has printed. */
    List<String> run(Path folder, int exitCode, Object... arguments) throws Exception {
        Path output = folder.resolve("output");
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmFlags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(patienceSeconds, SECONDS))
                    .as("the program ends; it said: %s", Files.readString(output))
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as("exit code; it said: %s", lines).isEqualTo(exitCode);
        return lines;
    }
}
