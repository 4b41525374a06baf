package dev.trestle.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The promises of {@code docs/threat-model.md}: they link to tests that exist, and name options that exist. */
@Timeout(30)
class ThreatModelTest {

    private static final Path PAGE = Project.ROOT.resolve("docs", "threat-model.md");
    private static final Pattern PROMISE = Pattern.compile("(\\d+)\\. ");
    private static final Pattern TEST = Pattern.compile("\\[(\\w+Test)(?:#(\\w+))?]\\(([^)#]+)\\)");
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(?:#[^)]*)?\\)");
    private static final Pattern OPTION = Pattern.compile("`(\\w+)\\((?:[^`]*)\\)`");

    /** Returns the promises: paragraphs that begin with their numbers, under the heading. */
    private static List<String> promises(List<String> page) {
        var promises = new ArrayList<StringBuilder>();
        page.stream()
                .dropWhile(line -> !line.equals("## What is promised"))
                .skip(1)
                .takeWhile(line -> !line.startsWith("## "))
                .forEach(line -> {
                    if (PROMISE.matcher(line).lookingAt()) {
                        promises.add(new StringBuilder());
                    }
                    if (!promises.isEmpty() && !line.startsWith("#")) {
                        promises.getLast().append(line).append('\n');
                    }
                });
        return promises.stream().map(StringBuilder::toString).toList();
    }

    private static Stream<String> faults(String promise) {
        List<MatchResult> tests = TEST.matcher(promise).results().toList();
        if (tests.isEmpty()) {
            return Stream.of("no test: " + promise);
        }
        return tests.stream().filter(test -> !isThere(test)).map(test -> "there is no " + test.group());
    }

    private static boolean isThere(MatchResult test) {
        Path source = PAGE.resolveSibling(test.group(3)).normalize();
        try {
            return source.endsWith(test.group(1) + ".java")
                    && Files.exists(source)
                    && Files.readString(source).matches("(?s).*@(Parameterized)?Test\\b.*")
                    && (test.group(2) == null || Files.readString(source).contains(" void " + test.group(2) + "("));
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void eachPromiseLinksToTestsThatExist() throws IOException {
        assertThat(promises(Files.readAllLines(PAGE)).stream().flatMap(ThreatModelTest::faults))
                .isEmpty();
    }

    @Test
    void promisesAreNumbered() throws IOException {
        List<String> promises = promises(Files.readAllLines(PAGE));

        assertThat(promises)
                .hasSizeGreaterThanOrEqualTo(12)
                .map(promise -> promise.substring(0, promise.indexOf('.')))
                .containsExactlyElementsOf(IntStream.rangeClosed(1, promises.size())
                        .mapToObj(String::valueOf)
                        .toList());
    }

    @Test
    void aPromiseThatNoTestShowsIsFound() {
        String here = "../architecture/src/test/java/dev/trestle/architecture/";

        assertThat(promises(List.of(
                                "## What is promised",
                                "### Of a kind",
                                "1. good [ThreatModelTest](" + here + "ThreatModelTest.java)",
                                "2. good [ThreatModelTest#promisesAreNumbered](" + here + "ThreatModelTest.java)",
                                "3. no such method",
                                "   [ThreatModelTest#isGone](" + here + "ThreatModelTest.java)",
                                "4. no such class [GoneTest](" + here + "GoneTest.java)",
                                "5. another class [RulesTest](" + here + "ThreatModelTest.java)",
                                "6. not a test [Project](" + here + "Project.java)",
                                "## What is not promised"))
                        .stream()
                        .flatMap(ThreatModelTest::faults))
                .hasSize(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SECURITY.md", "docs/threat-model.md"})
    void linksLeadToFiles(String page) throws IOException {
        Path file = Project.ROOT.resolve(page);

        assertThat(LINK.matcher(Files.readString(file)).results().map(match -> match.group(1)))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(file.resolveSibling(link)).exists());
    }

    @Test
    void optionsThatThePageNamesExist() throws IOException {
        String api = Files.readString(
                Project.ROOT.resolve("processpool/src/main/java/dev/trestle/processpool/ProcessPool.java"));

        assertThat(OPTION.matcher(Files.readString(PAGE)).results().map(match -> match.group(1)))
                .hasSizeGreaterThan(7)
                .allSatisfy(option -> assertThat(api).contains("public Builder " + option + "("));
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "docs/README.md", "docs/process-pool.md"})
    void usersFindThePage(String page) throws IOException {
        assertThat(Files.readString(Project.ROOT.resolve(page)))
                .contains("threat-model.md")
                .containsIgnoringCase("untrusted");
    }
}
