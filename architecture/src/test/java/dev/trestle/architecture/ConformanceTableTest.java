package dev.trestle.architecture;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.mapping;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The table of {@code docs/asyncio-conformance.md}: its tests exist, and no row is empty. */
@Timeout(30)
class ConformanceTableTest {

    private static final Path TABLE = Project.ROOT.resolve("docs", "asyncio-conformance.md");
    private static final Pattern REFERENCE = Pattern.compile("`(\\w+(?:Test|Contract))#(\\w+)`");
    private static final Pattern TEST = Pattern.compile("@(Parameterized)?Test\\b");
    private static final Pattern REASON = Pattern.compile("none: \\S.{9,}");

    private record Row(int line, String behaviour, String second) {

        static Stream<Row> of(List<String> lines) {
            var rows = new ArrayList<Row>();
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                if (line.startsWith("|") && !line.startsWith("|---") && !line.startsWith("| behaviour |")) {
                    String[] cells = line.split("\\|", -1);
                    assertThat(cells)
                            .as("cells of line %d, which has two columns", i + 1)
                            .hasSize(4);
                    rows.add(new Row(i + 1, cells[1].strip(), cells[2].strip()));
                }
            }
            return rows.stream();
        }

        List<String[]> references() {
            return REFERENCE
                    .matcher(second)
                    .results()
                    .map(match -> new String[] {match.group(1), match.group(2)})
                    .toList();
        }

        Stream<String> faults(Map<String, String> tests) {
            if (behaviour.isEmpty()) {
                return Stream.of(fault("no behaviour"));
            }
            if (references().isEmpty()) {
                return REASON.matcher(second).matches()
                        ? Stream.of()
                        : Stream.of(fault("neither a test `Class#method` nor a reason 'none: ...'"));
            }
            return references().stream()
                    .filter(test -> !hasTest(tests.get(test[0]), test[1]))
                    .map(test -> fault("there is no test " + test[0] + "#" + test[1]));
        }

        /** Returns whether a file has a method that the lines above, up to an empty line, make a test. */
        private static boolean hasTest(@Nullable String source, String method) {
            if (source == null) {
                return false;
            }
            return Stream.of(source.split("\n\\s*\n"))
                    .map(paragraph -> paragraph.split(" void " + method + "\\("))
                    .anyMatch(
                            parts -> parts.length > 1 && TEST.matcher(parts[0]).find());
        }

        private String fault(String what) {
            return TABLE.getFileName() + ":" + line + ": " + what + " (" + behaviour + ")";
        }
    }

    @Test
    void everyRowNamesATestThatExistsOrAReason() throws IOException {
        Map<String, String> tests = testSources();

        assertThat(Row.of(Files.readAllLines(TABLE)).flatMap(row -> row.faults(tests)))
                .isEmpty();
    }

    @Test
    void theTableIsThere() throws IOException {
        assertThat(Row.of(Files.readAllLines(TABLE))).hasSizeGreaterThan(200);
    }

    @Test
    void aRowThatIsWrongIsFound() {
        var tests = Map.of("FooTest", "@Test\n    void isThere() {}\n\n    void isNoTest() {}\n");

        assertThat(Row.of(List.of(
                                "| behaviour | test, or why there is none |",
                                "|---|---|",
                                "| good | `FooTest#isThere` (differs: on purpose) |",
                                "| good | none: the compiler refuses it |",
                                "| no such test | `FooTest#isThere` `FooTest#isGone` |",
                                "| no such class | `BarTest#isThere` |",
                                "| not a test | `FooTest#isNoTest` |",
                                "| nothing |  |",
                                "| no reason | none: |"))
                        .flatMap(row -> row.faults(tests)))
                .hasSize(5)
                .allMatch(fault -> fault.contains("(no") || fault.contains("(not"));
    }

    private static Map<String, String> testSources() throws IOException {
        var sources = new ArrayList<Path>();
        for (Project.Module module : Project.modules()) {
            if (Files.exists(module.tests())) {
                try (Stream<Path> files = Files.walk(module.tests())) {
                    files.filter(file -> file.toString().matches(".*(Test|Contract)\\.java"))
                            .forEach(sources::add);
                }
            }
        }
        return sources.stream()
                .collect(
                        // Two modules may have a test of the same name.
                        groupingBy(
                                ConformanceTableTest::className, mapping(ConformanceTableTest::read, joining("\n\n"))));
    }

    private static String className(Path source) {
        return source.getFileName().toString().replace(".java", "");
    }

    private static String read(Path source) {
        try {
            return Files.readString(source);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
