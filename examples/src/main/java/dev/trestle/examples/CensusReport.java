package dev.trestle.examples;

import static java.util.Comparator.comparing;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The outcome of a census, for people and for programs.
 *
 * @param complete whether everything was counted; otherwise the census was stopped
 * @param sources the jars and directories that were counted
 * @param total the number of class files that were found there
 * @param workers the number of workers that parsed them
 * @param inProcess true if the workers were threads, false if they were child JVMs
 * @param seconds the duration
 * @param counts the counts
 */
record CensusReport(
        boolean complete,
        List<String> sources,
        long total,
        int workers,
        boolean inProcess,
        double seconds,
        Counts counts) {

    private static final int TOP_PACKAGES = 20;
    private static final int LISTED_UNREADABLE = 20;
    private static final int FIRST_JAVA = 44;

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    /** Writes the whole report. */
    void writeJson(Path file) {
        JSON.writeValue(file, this);
    }

    /** Prints a summary of a screen or two. */
    void print(PrintWriter out) {
        out.printf("%nCensus of %s%s%n", String.join(", ", sources), complete ? "" : " (PARTIAL: it was stopped)");
        printTotals(out);
        printVersions(out);
        printLargestMethods(out);
        printPackages(out);
        printUnreadable(out);
        printPace(out);
        out.flush();
    }

    private void printTotals(PrintWriter out) {
        out.println();
        row(out, "class files", counts.seen());
        row(out, "  classes", counts.classes());
        row(out, "    interfaces", counts.interfaces());
        row(out, "    annotations", counts.annotations());
        row(out, "    enums", counts.enums());
        row(out, "    records", counts.records());
        row(out, "    sealed types", counts.sealedTypes());
        row(out, "  module descriptors", counts.moduleDescriptors());
        row(out, "  unreadable", counts.unreadable().size());
        row(out, "methods", counts.methods());
        row(out, "fields", counts.fields());
        row(out, "instructions", counts.instructions());
        row(out, "lambdas", counts.lambdas());
    }

    private static void row(PrintWriter out, String name, long count) {
        out.printf(Locale.ROOT, "%-24s %,14d%n", name, count);
    }

    private void printVersions(PrintWriter out) {
        out.printf("%nClass file versions%n");
        counts.versions().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(version -> row(out, version(version.getKey()), version.getValue()));
    }

    private static String version(int major) {
        return "  " + major + " (Java " + (major <= FIRST_JAVA + 4 ? "1." : "") + (major - FIRST_JAVA) + ")";
    }

    private void printLargestMethods(PrintWriter out) {
        out.printf("%nLargest methods, by bytes of code%n");
        for (MethodSize method : counts.largestMethods()) {
            out.printf(
                    Locale.ROOT,
                    "%,10d bytes %,10d instructions  %s%n",
                    method.bytes(),
                    method.instructions(),
                    method.method());
        }
    }

    private void printPackages(PrintWriter out) {
        out.printf("%nPackages most depended upon, by the number of classes of other packages that refer to them%n");
        counts.packages().entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(TOP_PACKAGES)
                .forEach(entry -> out.printf(Locale.ROOT, "%,10d  %s%n", entry.getValue(), entry.getKey()));
    }

    private void printUnreadable(PrintWriter out) {
        List<Unreadable> unreadable = counts.unreadable();
        if (unreadable.isEmpty()) {
            return;
        }
        out.printf(Locale.ROOT, "%nUnreadable entries: %,d%n", unreadable.size());
        unreadable.stream()
                .sorted(comparing(Unreadable::name))
                .limit(LISTED_UNREADABLE)
                .forEach(entry -> out.printf("  %s: %s%n", entry.name(), entry.reason()));
        if (unreadable.size() > LISTED_UNREADABLE) {
            out.printf(Locale.ROOT, "  and %,d more: --json lists them all%n", unreadable.size() - LISTED_UNREADABLE);
        }
    }

    private void printPace(PrintWriter out) {
        var pace = new Pace(counts.seen(), total, Duration.ofNanos((long) (seconds * 1e9)), workers);
        out.printf(
                Locale.ROOT,
                "%n%,d of %,d class files in %.1f s: %,d per second, %,d per second and worker (%d %s)%n",
                pace.done(),
                pace.total(),
                seconds,
                pace.perSecond(),
                pace.perWorker(),
                workers,
                inProcess ? "threads" : "child JVMs");
    }
}
