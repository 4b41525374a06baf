package dev.trestle.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The figures of a run as tables, with the machine they come from, which has no name here. */
final class Report {

    private final List<Result> results;
    private final List<String> failures;
    private final double loadBefore;
    private final Duration took;

    Report(List<Result> results, List<String> failures, double loadBefore, Duration took) {
        this.results = results;
        this.failures = failures;
        this.loadBefore = loadBefore;
        this.took = took;
    }

    static double load() {
        return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    }

    void write(Path directory, LocalDate date) throws IOException {
        Files.createDirectories(directory);
        List<String> plots = new ArrayList<>();
        for (Plot plot : Plot.values()) {
            String file = date + "-" + plot.name().toLowerCase(Locale.ROOT).replace('_', '-') + ".svg";
            if (plot.write(results, directory.resolve(file))) {
                plots.add("![" + plot.title() + "](" + file + ")");
            }
        }
        List<String> parts = new ArrayList<>();
        parts.add("# " + date);
        parts.add(machine());
        if (!failures.isEmpty()) {
            parts.add("Missing in this run:\n\n"
                    + failures.stream().map(each -> "- " + each).collect(Collectors.joining("\n")));
        }
        parts.add("## Targets\n\n" + targets());
        parts.add("## All figures\n\n" + comparison());
        parts.add("## How cost grows\n\n" + String.join("\n\n", plots));
        Files.writeString(directory.resolve(date + ".md"), String.join("\n\n", parts) + "\n");
    }

    private String machine() throws IOException {
        return """
            %d processors (%s), %s, %s; JDK %s; %s.
            Load average before the run %s, at its end %s (the run itself adds 1 to 2); it took %d min %d s.\
            """.formatted(
                        Runtime.getRuntime().availableProcessors(),
                        processor(),
                        Result.Unit.BYTES.format(((com.sun.management.OperatingSystemMXBean)
                                        ManagementFactory.getOperatingSystemMXBean())
                                .getTotalMemorySize()),
                        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
                        Runtime.version(),
                        System.getProperty("java.vm.name"),
                        Result.rounded(loadBefore),
                        Result.rounded(load()),
                        took.toMinutes(),
                        took.toSecondsPart());
    }

    private static String processor() throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        if (!Files.exists(info)) {
            return System.getProperty("os.arch");
        }
        try (var lines = Files.lines(info)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown");
        }
    }

    /** Prints the targets, and whether each is reached. */
    String targets() {
        var table = new StringBuilder("""
            | what | ours | beside | ratio | target | |
            |---|---|---|---|---|---|
            """);
        for (Target target : Target.ALL) {
            Optional<Result> ours = find(target.ours(), target.name());
            Optional<Result> theirs = find(target.theirs(), target.theirName());
            if (ours.isPresent() && theirs.isPresent()) {
                double ratio = ours.get().timesBetterThan(theirs.get());
                table.append("| %s | %s | %s %s | %s | %s | %s |%n"
                        .formatted(
                                target.what(),
                                ours.get().formatted(),
                                target.theirs(),
                                theirs.get().formatted(),
                                Target.ratio(ratio),
                                target.wanted(),
                                verdict(target.isMetBy(ratio))));
            } else {
                table.append("| %s | not measured | %s | | %s | |%n"
                        .formatted(target.what(), target.theirs(), target.wanted()));
            }
        }
        for (Result limit : Target.LIMITS) {
            find(limit.subject(), limit.name())
                    .ifPresent(ours -> table.append("| %s | %s | the limit | | %s | %s |%n"
                            .formatted(
                                    ours.name(),
                                    ours.formatted(),
                                    limit.formatted(),
                                    verdict(ours.timesBetterThan(limit) >= 1))));
        }
        return table.toString().stripTrailing();
    }

    private static String verdict(boolean met) {
        return met ? "met" : "missed";
    }

    /** All figures, a row for each thing, a column for each subject that has any. */
    String comparison() {
        List<Subject> subjects = Arrays.stream(Subject.values())
                .filter(subject -> results.stream().anyMatch(result -> result.subject() == subject))
                .toList();
        var table = new StringBuilder("| what | ");
        table.append(subjects.stream().map(Subject::toString).collect(Collectors.joining(" | ")))
                .append(" |\n|---|")
                .append("---|".repeat(subjects.size()))
                .append('\n');
        results.stream().map(Result::name).distinct().forEach(name -> {
            table.append("| ").append(name).append(" | ");
            table.append(subjects.stream()
                            .map(subject ->
                                    find(subject, name).map(Result::formatted).orElse(""))
                            .collect(Collectors.joining(" | ")))
                    .append(" |\n");
        });
        return table.toString().stripTrailing();
    }

    private Optional<Result> find(Subject subject, String name) {
        return results.stream()
                .filter(result -> result.subject() == subject && result.name().equals(name))
                .findFirst();
    }
}
