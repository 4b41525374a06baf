package dev.trestle.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.format.Sources.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The format of every Java source of the project. Sources in another format are found. */
@Timeout(120)
class FormatTest {

    @TempDir
    Path directory;

    @Test
    void everySourceIsFormatted() throws IOException {
        var sources = Sources.below(Path.of("..").toRealPath());

        assertThat(sources.files()).as("sources found").hasSizeGreaterThan(20);
        var findings = sources.check();
        assertThat(findings)
                .withFailMessage(() -> "Run `mvn -q -pl format compile exec:exec@apply`, which formats these:\n"
                        + findings.stream().map(FormatTest::describe).collect(Collectors.joining("\n")))
                .isEmpty();
    }

    @Test
    void everyLineFits() throws IOException {
        var tooLong = Sources.below(Path.of("..").toRealPath()).longLines();

        assertThat(tooLong)
                .withFailMessage(() -> "Wrap these lines, which are longer than " + LongLine.LIMIT
                        + " columns. The formatter leaves comments and string literals as they are:\n"
                        + tooLong.stream().map(line -> "  " + line).collect(Collectors.joining("\n")))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        a comment                 | 120 | class A {} // LONG               |
        a comment                 | 121 | class A {} // LONG               | 1
        a literal                 | 121 | class A { String s = "LONG"; }   | 1
        Javadoc                   | 121 | /** LONG */                      | 1
        a link                    | 150 | // https://LINK                  |
        a link in Javadoc         | 150 |  * https://LINK             |
        a word and a link         | 150 | // see https://LINK              | 1
        an import                 | 130 | import a.LINK;                   |
        """)
    void aLineIsTooLong(String what, int length, String pattern, @Nullable Integer line) {
        String text = pattern.replace(' ', ' ');
        String with = text.contains("LONG") ? "LONG" : "LINK";
        int missing = length - text.length() + with.length();
        String filling =
                with.equals("LONG") ? "word ".repeat(length).substring(0, missing - 1) + "." : "x".repeat(missing);

        var found = LongLine.in(Path.of("A.java"), text.replace(with, filling) + "\n");

        assertThat(found)
                .as(what)
                .isEqualTo(line == null ? List.of() : List.of(new LongLine(Path.of("A.java"), line, length)));
    }

    /** Three quotes in comments and in other literals begin no text block. */
    @Test
    void onlyLinesOfTextBlocksMayBeLong() {
        String quotes = "\"\"\"";
        String tooLong = "word ".repeat(30) + ".";
        String source = String.join(
                "\n",
                "// " + quotes,
                "/* " + quotes + " */ class A {",
                "char c = '\"'; char d = '\\''; String e = \"\\\"\"; // " + tooLong,
                "String s = " + quotes,
                "    \\" + quotes + " " + tooLong,
                "    " + quotes + ";",
                "    // " + tooLong,
                "}");

        assertThat(LongLine.in(Path.of("A.java"), source)).map(LongLine::number).containsExactly(3, 7);
    }

    @Test
    void aLongLineIsNamedWithItsFileAndLength() throws IOException {
        write("a/Long.java", "class Long {}\n// " + "word ".repeat(30) + ".\n");

        assertThat(Sources.below(directory).longLines())
                .singleElement()
                .hasToString(Path.of("a/Long.java") + ":2 has 154 columns");
    }

    @Test
    void everyConstructWeRelyOnIsFormatted() throws IOException {
        var sources = Sources.below(Path.of("src/test/java").toRealPath());

        assertThat(sources.files()).anyMatch(file -> file.endsWith("Canary.java"));
        assertThat(sources.check()).isEmpty();
    }

    @Test
    void anUnformattedFileIsFoundAndFormatted() throws IOException {
        write("Crooked.java", "class Crooked {int x=1;}\n");

        assertThat(check()).containsExactly(new Finding.Unformatted(Path.of("Crooked.java"), """
            class Crooked {
                int x = 1;
            }
            """));
    }

    @Test
    void importsAreSortedAndUnusedOnesDropped() throws IOException {
        write("Imports.java", """
            import java.util.Set;
                        import java.util.List;

            class Imports {
                Set<String> set;
                List<String> list;
            }
            """);

        assertThat(check())
                .singleElement()
                .isInstanceOfSatisfying(
                        Finding.Unformatted.class,
                        finding -> assertThat(finding.formatted())
                                .startsWith("import java.util.List;\nimport java.util.Set;\n\nclass"));
    }

    @Test
    void moduleDescriptorsAreFormatted() throws IOException {
        write("module-info.java", "@Deprecated module a { requires   static b; exports a to c;}\n");

        assertThat(check())
                .singleElement()
                .isInstanceOfSatisfying(
                        Finding.Unformatted.class,
                        finding -> assertThat(finding.formatted()).isEqualTo("""
                            @Deprecated
                            module a {
                                requires static b;

                                exports a to
                                        c;
                            }
                            """));
    }

    @Test
    void aBareUnderscoreInARecordPatternIsExplained() throws IOException {
        write("Bare.java", "class Bare { boolean f(Object o) { return o instanceof Point(_, var y); } }\n");

        assertThat(check())
                .singleElement()
                .isInstanceOfSatisfying(
                        Finding.Unreadable.class,
                        finding -> assertThat(finding.reason()).contains("write `var _`"));
    }

    @Test
    void buildOutputAndHiddenDirectoriesAreNotLookedAt() throws IOException {
        write("target/A.java", "class A{}");
        write(".hidden/B.java", "class B{}");

        assertThat(check()).isEmpty();
    }

    private List<Finding> check() throws IOException {
        return Sources.below(directory).check();
    }

    private void write(String file, String text) throws IOException {
        var path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private static String describe(Finding finding) {
        return switch (finding) {
            case Finding.Unformatted(var file, var _) -> "  " + file;
            case Finding.Unreadable(var file, var reason) -> "  " + file + ", by hand: " + reason;
        };
    }
}
