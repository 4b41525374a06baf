package dev.trestle.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.format.Sources.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The format of every Java source of the project, and that a wrong one is found. */
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
            import java.util.Map;
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
