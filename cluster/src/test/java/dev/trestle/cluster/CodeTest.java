package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The digests of the parts of a class path. */
@Timeout(30)
class CodeTest {

    @TempDir
    Path directory;

    private Path file(String name, String content) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    @Test
    void partsOfOneNameAreToldApart() throws IOException {
        var one = file("one/classes/A.class", "a").getParent();
        var two = file("two/classes/A.class", "b").getParent();
        var same = file("three/classes/A.class", "a").getParent();

        Map<String, String> digests = Code.digests(List.of(one, two, same, directory.resolve("nowhere")));

        assertThat(digests).containsOnlyKeys("classes", "classes#2", "classes#3");
        assertThat(digests.get("classes")).isEqualTo(digests.get("classes#3")).isNotEqualTo(digests.get("classes#2"));
    }

    @Test
    void theNamesOfFilesCount() throws IOException {
        var one = file("one/A.class", "a").getParent();
        var two = file("two/B.class", "a").getParent();

        assertThat(Code.digests(List.of(one)).get("one"))
                .isNotEqualTo(Code.digests(List.of(two)).get("two"));
    }

    @Test
    void aDirectoryOfAModulePathIsAModuleOrHoldsSome() throws IOException {
        var jar = file("lib/a.jar", "a");
        var exploded = jar.resolveSibling("b");
        file("lib/b/module-info.class", "b");

        assertThat(Code.modulesIn(directory.resolve("lib"))).containsExactly(jar, exploded);
        assertThat(Code.modulesIn(exploded)).containsExactly(exploded);
        assertThat(Code.modulesIn(jar)).containsExactly(jar);
    }

    @Test
    void aDifferenceNamesTheParts() {
        var client = Map.of("a.jar", "1", "b.jar", "2", "c.jar", "3");

        assertThat(Code.difference(client, client)).isEmpty();
        assertThat(Code.difference(client, Map.of("a.jar", "1", "b.jar", "2", "c.jar", "3", "d.jar", "4")))
                .isEmpty();
        assertThat(Code.difference(client, Map.of("a.jar", "9", "b.jar", "2", "c.jar", "9")))
                .isEqualTo("it has another version of a.jar, c.jar");
        assertThat(Code.difference(client, Map.of("a.jar", "9")))
                .isEqualTo("it has another version of a.jar, and it lacks b.jar, c.jar");
    }

    @Test
    void thisProgramHasCode() {
        assertThat(Code.own()).isNotEmpty();
    }
}
