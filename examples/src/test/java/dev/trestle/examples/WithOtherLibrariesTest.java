package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The Java snippets of the page "With other languages and libraries" are the regions of the tests in
 * {@code integrations/tests/libraries}, word for word. Those tests run with {@code -Pintegrations}, since the libraries
 * are large; this one reads files only.
 */
@Timeout(30)
class WithOtherLibrariesTest {

    private static final Path PAGE = Path.of("../docs/with-other-libraries.md");
    private static final Path TESTS = Path.of("../integrations/tests/libraries/src/test/java");
    private static final Pattern REGION = Pattern.compile("// region ([\\w-]+)\n(.*?)// endregion\n", Pattern.DOTALL);
    private static final Pattern SNIPPET =
            Pattern.compile("<!-- snippet ([\\w-]+) -->\n```java\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern BLOCK = Pattern.compile("```java\n");

    @Test
    void thePageHasTheRegionsOfTheTests() throws IOException {
        Map<String, String> regions = new TreeMap<>();
        for (Path each : sources()) {
            regions.putAll(find(REGION, Files.readString(each)));
        }
        String page = Files.readString(PAGE);

        assertThat(find(SNIPPET, page)).isNotEmpty().isEqualTo(regions);
    }

    @Test
    void everyJavaBlockOfThePageHasTheNameOfItsRegion() throws IOException {
        String page = Files.readString(PAGE);

        assertThat(SNIPPET.matcher(page).results())
                .hasSize((int) BLOCK.matcher(page).results().count());
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(TESTS)) {
            return files.filter(each -> each.toString().endsWith(".java")).toList();
        }
    }

    private static Map<String, String> find(Pattern pattern, String text) {
        var found = new TreeMap<String, String>();
        var twice = new ArrayList<String>();
        pattern.matcher(text).results().forEach(match -> {
            String code = match.group(2).stripTrailing().stripIndent();
            if (found.put(match.group(1), code) != null) {
                twice.add(match.group(1));
            }
        });
        assertThat(twice).as("names that occur twice").isEmpty();
        return found;
    }
}
