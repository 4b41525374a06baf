package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The launcher of the examples: exit codes, and a line that helps. */
@Timeout(30)
class ExamplesTest {

    @Test
    void withoutANameTheExamplesAreListed() {
        var run = Run.of();

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .startsWith("Usage: mvn -q -DskipTests package exec:exec -Dexample=<name>")
                .contains("census", "Counts what", "set-future-later", "Tasks that wait for an event");
    }

    @Test
    void nameThatIsAlmostRightIsSuggested() {
        var run = Run.of("cencus", "--workers", "2");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .startsWith("examples: There is no example 'cencus', did you mean census? (there are: census, ");
    }

    @Test
    void nameThatIsQuiteWrongListsTheExamples() {
        assertThat(Run.of("quux").err())
                .startsWith("examples: There is no example 'quux'")
                .contains("(there are: census, ");
    }

    @Test
    void optionThatIsAlmostRightIsSuggested() {
        var run = Run.of("census", "--worker=2");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualToIgnoringNewLines(
                        "census: There is no option '--worker=2', did you mean --workers? (see 'census --help')");
    }
}
