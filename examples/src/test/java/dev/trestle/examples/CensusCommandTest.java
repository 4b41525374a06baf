package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The census as its user sees it: what is counted, on what kind of workers, and what is said when it is called wrongly.
 */
@Timeout(60)
class CensusCommandTest {

    @TempDir
    Path directory;

    /** The whole JDK takes seconds, and is what the program is for. */
    @Test
    @Timeout(120)
    void everyClassFileOfTheJdkIsCountedInChildJvms() throws IOException {
        Path json = directory.resolve("census.json");
        long walked;
        try (var modules = Files.walk(Path.of(URI.create("jrt:/")))) {
            walked = modules.filter(file -> file.toString().endsWith(".class")).count();
        }

        var run = Run.of("census", "--workers", "2", "--json", json.toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode report = new JsonMapper().readTree(json);
        JsonNode counts = report.path("counts");
        assertThat(walked).isGreaterThan(10_000);
        assertThat(report.path("total").longValue()).isEqualTo(walked);
        assertThat(counts.path("unreadable").size()).isZero();
        assertThat(counts.path("classes").longValue()
                        + counts.path("moduleDescriptors").longValue())
                .isEqualTo(walked);
        assertThat(counts.path("moduleDescriptors").longValue())
                .isEqualTo(ModuleFinder.ofSystem().findAll().size());
        assertThat(counts.path("largestMethods").size()).isEqualTo(20);
        assertThat(run.out()).contains("(2 child JVMs)").doesNotContain("PARTIAL");
        assertThat(run.err().lines()).last().asString().contains("100 %");
    }

    @Test
    void threadsAndChildJvmsCountTheSame() throws IOException {
        List<Path> classes = Specimens.copyTo(directory.resolve("classes"));
        Files.write(directory.resolve("classes/Broken.class"), new byte[] {1, 2, 3});
        String source = directory.resolve("classes").toString();
        Path threads = directory.resolve("threads.json");
        Path children = directory.resolve("children.json");

        var first = Run.of("census", source, "--in-process", "--workers=1", "--json=" + threads);
        var second = Run.of("census", source, "--workers=1", "--json=" + children);

        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(second.exitCode()).as(second.err()).isZero();
        var json = new JsonMapper();
        JsonNode counts = json.readTree(threads).path("counts");
        assertThat(json.readTree(children).path("counts")).isEqualTo(counts);
        assertThat(counts.path("classes").intValue()).isEqualTo(classes.size());
        assertThat(counts.path("unreadable").path(0).path("reason").stringValue())
                .isEqualTo("Bad magic number");
        assertThat(first.out()).contains("(1 threads)", "Broken.class: Bad magic number", "Without child JVMs");
        assertThat(second.out())
                .containsPattern("Processor time: [0-9.]+ s in this program and [0-9.]+ s in child JVMs");
    }

    @Test
    void directoryWithoutClassesIsAnEmptyCensus() throws IOException {
        var run = Run.of("census", "--in-process", directory.toString());

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("0 of 0 class files");
    }

    @Test
    void pathThatDoesNotExistIsRefusedInOneLine() {
        Path missing = directory.resolve("missing.jar");

        assertRefused(
                "census: No such file or directory: " + missing + " (see 'census --help')",
                directory.toString(),
                missing.toString());
    }

    @Test
    void censusWithoutWorkersIsRefused() {
        assertRefused("census: --workers must be 1 or more, not 0 (see 'census --help')", "--workers", "0");
    }

    @Test
    void numberOfWorkersThatIsNoneIsRefused() {
        assertRefused(
                "census: Invalid value for option '--workers': 'many' is not an int (see 'census --help')",
                "--workers",
                "many");
    }

    @Test
    void jsonFileInAMissingDirectoryIsRefusedAtOnce() {
        Path file = directory.resolve("missing/census.json");

        assertRefused(
                "census: --json needs a file in a directory that exists, unlike " + file + " (see 'census --help')",
                "--json",
                file.toString());
    }

    @Test
    void jsonFileThatCannotBeWrittenFailsAfterTheReport() {
        var run = Run.of("census", "--in-process", directory.toString(), "--json", "/dev/full");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).last().asString().startsWith("census: cannot write /dev/full: No space left");
        assertThat(run.out()).contains("0 of 0 class files");
    }

    @Test
    void helpNamesEveryOption() {
        var run = Run.of("census", "--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("PATH", "--workers=N", "--in-process", "--json=FILE", "--help", "Ctrl-C");
    }

    private static void assertRefused(String line, String... arguments) {
        var all = new String[arguments.length + 1];
        all[0] = "census";
        System.arraycopy(arguments, 0, all, 1, arguments.length);

        var run = Run.of(all);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).isEqualToIgnoringNewLines(line);
        assertThat(run.out()).isEmpty();
    }
}
