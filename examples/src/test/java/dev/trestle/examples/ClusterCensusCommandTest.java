package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The census over a cluster: its totals are those of the census, although a member is killed in the middle. */
@Timeout(240)
class ClusterCensusCommandTest {

    @TempDir
    Path directory;

    /** Jars of some thousand class files, which this program itself uses. */
    private static List<String> jars() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(each -> Pattern.matches(
                        "(jgroups|jackson-databind|assertj-core)-.*\\.jar",
                        Path.of(each).getFileName().toString()))
                .toList();
    }

    private static Run run(String command, Path json, String... options) {
        return Run.of(Stream.of(Stream.of(command, "--json=" + json), Stream.of(options), jars().stream())
                .flatMap(each -> each)
                .toArray(String[]::new));
    }

    @Test
    void totalsMatchTheCensusAlthoughAMemberIsKilled() throws IOException {
        Path alone = directory.resolve("alone.json");
        Path together = directory.resolve("together.json");

        var census = run("census", alone, "--in-process", "--workers=2");
        var run = run("cluster-census", together);

        assertThat(census.exitCode()).as(census.err()).isZero();
        assertThat(run.exitCode()).as(run.err()).isZero();
        var json = new JsonMapper();
        JsonNode counts = json.readTree(alone).path("counts");
        assertThat(counts.path("classes").intValue()).isGreaterThan(2_000);
        assertThat(json.readTree(together).path("counts")).isEqualTo(counts);
        assertThat(run.err())
                .contains("member-1 has joined", "member-2 has joined", "member-3 has joined")
                .containsPattern("kills member-2 \\(pid \\d+\\) after")
                .containsPattern("member-2 has left: .*left the cluster");
        assertThat(run.out()).contains("ran on 3 members, of which 2 are left", "(3 child JVMs)");
        assertThat(ProcessHandle.current().descendants().filter(ProcessHandle::isAlive))
                .as("children that are left")
                .isEmpty();
    }

    @Test
    void aClusterThatIsTooSmallIsRefused() {
        var run = Run.of("cluster-census", "--members=1");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualToIgnoringNewLines("cluster-census: --members must be between 2 and 100, since one is killed,"
                        + " and not 1 (see 'cluster-census --help')");
    }

    @Test
    void aPathThatDoesNotExistIsRefusedBeforeAMemberIsStarted() {
        Path missing = directory.resolve("missing.jar");

        var run = Run.of("cluster-census", missing.toString());

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualToIgnoringNewLines(
                        "cluster-census: No such file or directory: " + missing + " (see 'cluster-census --help')");
        assertThat(Files.exists(missing)).isFalse();
    }
}
