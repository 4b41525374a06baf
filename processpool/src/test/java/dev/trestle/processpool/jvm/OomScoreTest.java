package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class OomScoreTest {

    @TempDir
    Path folder = Path.of("");

    @ParameterizedTest
    @CsvSource({"0, 300", "-500, -200", "800, 1000", "1000, 1000"})
    void aWorkerGoesBeforeWhatItInheritedFrom(String inherited, String raised) throws IOException {
        Path file = Files.writeString(folder.resolve("oom_score_adj"), inherited + "\n");

        OomScore.raise(file);

        assertThat(file).hasContent(raised);
    }

    @Test
    void aSystemWithoutScoresIsLeftAlone() throws IOException {
        assertThatCode(() -> OomScore.raise(folder.resolve("none"))).doesNotThrowAnyException();
        assertThat(folder).isEmptyDirectory();
    }
}
