package dev.trestle.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Runs all measurements, ours and those beside them, one program after the other, and writes
 * {@code results/<date>.md} and plots. With arguments, runs and prints only what has one of them in its name.
 *
 * <p>Each program is a process of its own, so that none is compiled for what another did before.
 *
 * <pre>
 * mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec
 * mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec -Dbench=switch
 * </pre>
 */
final class Suite {

    /** By name: the Java compiler does not see it. */
    private static final String KOTLIN_PROGRAM = "dev.trestle.benchmarks.CoroutinesKt";

    private final String[] wanted;
    private final String classPath;
    private final List<Result> results = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();

    private Suite(String[] wanted, String classPath) {
        this.wanted = wanted;
        this.classPath = classPath;
    }

    public static void main(String[] wanted) throws Exception {
        Instant begin = Instant.now();
        double loadBefore = Report.load();
        Suite suite;
        try (var jars = new Jars()) {
            suite = new Suite(wanted, jars.classPath());
            suite.run();
        }
        var report = new Report(suite.results, suite.failures, loadBefore, Duration.between(begin, Instant.now()));
        if (wanted.length == 0) {
            Path directory = Path.of("results");
            report.write(directory, LocalDate.now());
            System.out.println("Written to " + directory.toAbsolutePath().normalize());
        } else {
            System.out.println();
            System.out.println(report.comparison());
            suite.failures.forEach(System.out::println);
        }
        System.exit(suite.failures.isEmpty() ? 0 : 1);
    }

    private void run() throws InterruptedException, RunnerException {
        java(Subject.TRESTLE, LoopProgram.class);
        java(Subject.OPENED, LoopProgram.class, "--add-opens", "java.base/java.lang=ALL-UNNAMED");
        java(Subject.KOTLIN, KOTLIN_PROGRAM);
        java(Subject.JDK, ThreadProgram.class, "--add-opens", "java.base/java.lang=ALL-UNNAMED");
        java(Subject.TRESTLE, ProcessProgram.class);
        java(Subject.BARE, BareProgram.class);
        run(Subject.CPYTHON, withWanted(List.of("python3", "python/baselines.py")));
        FutureBenchmark.run(wanted).forEach(this::add);
    }

    private void java(Subject subject, Class<?> program, String... flags) throws InterruptedException {
        java(subject, program.getName(), flags);
    }

    private void java(Subject subject, String program, String... flags) throws InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", classPath, program));
        run(subject, withWanted(command));
    }

    private List<String> withWanted(List<String> command) {
        List<String> whole = new ArrayList<>(command);
        whole.addAll(List.of(wanted));
        return whole;
    }

    /** A program that fails or is missing costs its own figures and no others. */
    private void run(Subject subject, List<String> command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                lines.lines().forEach(line -> add(Result.parse(subject, line)));
            }
            int exit = process.waitFor();
            if (exit != 0) {
                failures.add(subject + ": " + command.getFirst() + " ended with exit code " + exit);
            }
        } catch (IOException e) {
            failures.add(subject + ": " + e.getMessage());
        }
    }

    private void add(Result result) {
        results.add(result);
        System.out.printf("%-26s %-34s %s%n", result.subject(), result.name(), result.formatted());
    }
}
