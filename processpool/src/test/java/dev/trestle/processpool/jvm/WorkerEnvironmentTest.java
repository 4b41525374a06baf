package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WorkerEnvironmentTest {

    private static JvmOptions options(boolean clears, Map<String, String> environment) {
        return new JvmOptions(
                1,
                Optional.empty(),
                List.of(),
                List.of(),
                0,
                environment,
                clears,
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                ProcessLimits.NONE);
    }

    @Test
    void optionsOfTheProgramsOwnJvmAreNotInherited() throws Exception {
        assertThat(WorkerEnvironment.changes(options(false, Map.of("A", "b")), Set.of("PATH", "JAVA_TOOL_OPTIONS")))
                .containsEntry("A", "b")
                .containsEntry("JAVA_TOOL_OPTIONS", null)
                .containsEntry("JDK_JAVA_OPTIONS", null)
                .containsEntry("_JAVA_OPTIONS", null)
                .doesNotContainKey("PATH");
    }

    @Test
    void aClearedEnvironmentHasTheLocaleAndWhatIsAdded() throws Exception {
        var changes = WorkerEnvironment.changes(
                options(true, Map.of("SECRET", "mine", "A", "b", "LANG", "C")),
                Set.of("PATH", "SECRET", "LANG", "LC_ALL", "odd name"));

        assertThat(changes)
                .containsEntry("PATH", null)
                .containsEntry("SECRET", "mine")
                .containsEntry("A", "b")
                .containsEntry("LANG", "C")
                .doesNotContainKey("LC_ALL");
    }

    /** A variable that cannot be named would stay, and could be one with a secret. */
    @Test
    void aVariableThatCannotBeNamedIsRefused() {
        assertThatThrownBy(() -> WorkerEnvironment.changes(options(true, Map.of()), Set.of("S\uFFFDCRET")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("S\uFFFDCRET")
                .hasMessageContaining("LC_ALL=C.UTF-8");
    }
}
