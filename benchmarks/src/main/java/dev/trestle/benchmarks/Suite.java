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
import java.util.function.Consumer;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Runs all measurements, ours and those beside them, one program after the other, and writes
 * {@code results/<date>.md} and plots. With arguments, runs and prints only what has one of them in its name.
 *
 * <p>Each program is a process of its own; of what runs inside one JVM, each measurement is two, and the better one
 * counts. So no code is compiled for what was measured before, no heap is full of it, and less depends on how a JVM
 * happened to compile it.
 *
 * <pre>
 * mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec
 * mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec -Dbench=switch
 * </pre>
 */
final class Suite {

    /** The name of the program in Kotlin, which the Java compiler does not see. */
    private static final String KOTLIN_PROGRAM = "dev.trestle.benchmarks.CoroutinesKt";

    private static final int PROCESSES = 2;

    private static final String OPENED = "--add-opens=java.base/java.lang=ALL-UNNAMED";

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
        eachRow(Subject.TRESTLE, java(LoopProgram.class.getName()));
        eachRow(Subject.OPENED, java(LoopProgram.class.getName(), OPENED));
        eachRow(Subject.KOTLIN, java(KOTLIN_PROGRAM));
        eachRow(Subject.JDK, java(ThreadProgram.class.getName(), OPENED));
        measure(Subject.TRESTLE, java(PoolProgram.class.getName()), wanted);
        measure(Subject.TRESTLE, java(ProcessProgram.class.getName()), wanted);
        measure(Subject.BARE, java(BareProgram.class.getName()), wanted);
        measure(Subject.CPYTHON, List.of("python3", "python/baselines.py"), wanted);
        FutureBenchmark.run(wanted).forEach(this::add);
    }

    private List<String> java(String program, String... flags) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", classPath, program));
        return command;
    }

    /** Measures each row in processes of its own. */
    private void eachRow(Subject subject, List<String> command) throws InterruptedException {
        List<String> names = new ArrayList<>();
        run(subject, with(with(command, "--names"), wanted), names::add);
        for (String name : names) {
            List<Result> figures = new ArrayList<>();
            for (int i = 0; i < PROCESSES; i++) {
                run(subject, with(command, "--only", name), line -> figures.add(Result.parse(subject, line)));
            }
            figures.stream().reduce(Result::better).ifPresent(this::add);
        }
    }

    private void measure(Subject subject, List<String> command, String... arguments) throws InterruptedException {
        run(subject, with(command, arguments), line -> add(Result.parse(subject, line)));
    }

    private static List<String> with(List<String> command, String... arguments) {
        List<String> whole = new ArrayList<>(command);
        whole.addAll(List.of(arguments));
        return whole;
    }

    /** A program that fails or is missing costs its own figures and no others. */
    private void run(Subject subject, List<String> command, Consumer<String> onLine) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                lines.lines().forEach(onLine);
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
