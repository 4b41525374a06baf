package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The page {@code docs/process-pool.md} has a row for each failure of the field, and the tests that it names are there.
 */
@Timeout(30)
class FailurePageTest {

    private static final int FAILURES = 49;
    private static final Pattern TEST = Pattern.compile("`([A-Z][a-z]\\w*)(?:#(\\w+))?`");
    private static final Pattern MISHAP =
            Pattern.compile("\\b[A-Z]+(?:_[A-Z]+)+\\b|\\b(?:EXITS|HALTS|THROWS|WAITS|LOOPS|CRASHES)\\b");

    private record Failure(int number, String shownBy) {}

    private static List<Failure> failures() throws IOException {
        Path page = Path.of("..", "docs", "process-pool.md");
        return Files.readAllLines(page).stream()
                .map(line -> line.split(" \\| "))
                .filter(cells -> cells.length == 4 && cells[0].matches("\\| \\d+"))
                .map(cells -> new Failure(Integer.parseInt(cells[0].substring(2)), cells[3].replaceAll(" \\|$", "")))
                .toList();
    }

    @Test
    void eachFailureHasARow() throws Exception {
        assertThat(failures())
                .extracting(Failure::number)
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, FAILURES).boxed().toList());
    }

    @Test
    void eachRowNamesATestOrSaysWhyThereIsNone() throws Exception {
        assertThat(failures())
                .allSatisfy(
                        failure -> assertThat(failure.shownBy).containsPattern(TEST.pattern() + "|^untested.*: \\w+"));
    }

    @Test
    void theTestsThatThePageNamesAreThere() throws Exception {
        assertThat(failures())
                .allSatisfy(failure ->
                        assertThat(TEST.matcher(failure.shownBy).results()).allSatisfy(FailurePageTest::isThere));
    }

    /** Returns the last cells of the table of packagings. */
    private static List<String> packagingsShownBy() throws IOException {
        return Files.readAllLines(Path.of("..", "docs", "process-pool.md")).stream()
                .dropWhile(line -> !line.equals("## How your program is packaged"))
                .skip(1)
                .takeWhile(line -> !line.startsWith("## "))
                .filter(line -> line.startsWith("| "))
                .skip(1)
                .map(line -> line.substring(line.lastIndexOf(" | ") + " | ".length()))
                .toList();
    }

    @Test
    void eachPackagingNamesATestThatIsThereOrSaysWhyThereIsNone() throws Exception {
        assertThat(packagingsShownBy())
                .hasSizeGreaterThan(10)
                .allSatisfy(tests -> assertThat(tests).containsPattern(TEST.pattern() + "|^untested: \\w+"))
                .allSatisfy(tests -> assertThat(TEST.matcher(tests).results()).allSatisfy(FailurePageTest::isThere));
    }

    private static void isThere(MatchResult test) {
        List<Class<?>> found = Stream.of("", "wire.", "values.", "jvm.", "child.")
                .map(place -> "dev.trestle.processpool." + place + test.group(1))
                .<Class<?>>mapMulti((name, found1) -> {
                    try {
                        found1.accept(Class.forName(name, false, FailurePageTest.class.getClassLoader()));
                    } catch (ClassNotFoundException e) {
                        // in another package, or nowhere, which is what this is about
                    }
                })
                .toList();
        assertThat(found).as("the test class %s", test.group(1)).hasSize(1);
        if (test.group(2) != null) {
            assertThat(found.getFirst().getDeclaredMethods())
                    .as(test.group())
                    .anyMatch(method -> method.getName().equals(test.group(2)));
        }
    }

    @Test
    void theRowsOfTheTableThatThePageNamesAreThere() throws Exception {
        Set<String> rows = FailureTable.rows().map(row -> row.how().name()).collect(Collectors.toSet());

        assertThat(failures())
                .allSatisfy(
                        failure -> assertThat(MISHAP.matcher(failure.shownBy).results())
                                .extracting(MatchResult::group)
                                .isSubsetOf(rows));
        assertThat(rows)
                .as("a manner without a row")
                .containsAll(Arrays.stream(Mishap.values()).map(Enum::name).toList());
    }
}
