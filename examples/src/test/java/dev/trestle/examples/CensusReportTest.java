package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** The report, for people and for programs. */
@Timeout(30)
class CensusReportTest {

    static final ObjectMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    @Test
    void textHasEveryCount() {
        var versions = Map.of(48, 1L, 49, 2L, 69, 3L);
        var methods = List.of(new MethodSize("a.B.main(String[])void", 12_345, 6_789));
        var counts = new Counts(
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10_000, 11, versions, methods, Map.of("java.lang", 12L), List.of());

        assertThat(text(true, counts))
                .containsIgnoringWhitespaces(
                        "Census of some.jar class files 3 classes 1 interfaces 3 annotations 4 enums 5 records 6",
                        "sealed types 7 module descriptors 2 unreadable 0 methods 8 fields 9",
                        "instructions 10,000 lambdas 11",
                        "Class file versions 48 (Java 1.4) 1 49 (Java 5) 2 69 (Java 25) 3",
                        "12,345 bytes 6,789 instructions a.B.main(String[])void",
                        "12 java.lang",
                        "3 of 1,000 class files in 2.0 s: 2 per second, 1 per second and worker (2 child JVMs)")
                .doesNotContain("PARTIAL", "Unreadable entries");
    }

    @Test
    void textOfAStoppedCensusSaysSo() {
        assertThat(text(false, Counts.NONE)).contains("Census of some.jar (PARTIAL: it was stopped)");
    }

    @Test
    void textHasTheTwentyPackagesMostDependedUponInOrder() {
        var packages = new HashMap<String, Long>();
        IntStream.rangeClosed(1, 25).forEach(i -> packages.put("package" + i, (long) i));
        packages.put("as.many.as.25", 25L);

        String text = text(true, withPackages(packages));

        assertThat(text).containsSubsequence("25  as.many.as.25", "25  package25", "24  package24", "7  package7");
        assertThat(text).doesNotContain("package6\n");
    }

    @Test
    void textListsSomeUnreadableEntriesAndCountsTheOthers() {
        List<Unreadable> unreadable = IntStream.range(0, 1020)
                .mapToObj(i -> new Unreadable(String.format("%04d.class", i), "reason " + i))
                .toList();

        assertThat(text(true, Counts.unreadable(unreadable)))
                .contains("Unreadable entries: 1,020", "  0000.class: reason 0", "  0019.class: reason 19")
                .contains("and 1,000 more: --json lists them all")
                .doesNotContain("0020.class");
    }

    @Test
    void jsonHasAllOfIt() throws IOException {
        Counts counts = Specimens.count(Specimens.Lambdas.class, Specimens.Color.class)
                .plus(Counts.unreadable(List.of(new Unreadable("bad.class", "Bad magic number"))));
        Path file = directory.resolve("census.json");

        report(true, counts).writeJson(file);

        JsonNode json = JSON.readTree(file);
        assertThat(json.path("complete").booleanValue()).isTrue();
        assertThat(json.path("sources").path(0).stringValue()).isEqualTo("some.jar");
        assertThat(json.path("total").longValue()).isEqualTo(1000);
        assertThat(json.path("workers").intValue()).isEqualTo(2);
        assertThat(json.path("inProcess").booleanValue()).isFalse();
        assertThat(json.path("seconds").doubleValue()).isEqualTo(2.0);
        assertThat(JSON.treeToValue(json.path("counts"), Counts.class)).isEqualTo(counts);
    }

    private static String text(boolean complete, Counts counts) {
        var out = new StringWriter();
        report(complete, counts).print(new PrintWriter(out));
        return out.toString();
    }

    private static CensusReport report(boolean complete, Counts counts) {
        return new CensusReport(complete, List.of("some.jar"), 1000, 2, false, 2.0, counts);
    }

    private static Counts withPackages(Map<String, Long> packages) {
        return new Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Map.of(), List.of(), packages, List.of());
    }
}
