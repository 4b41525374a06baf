package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class PrivateDirectoryTest {

    @TempDir
    Path parent = Path.of("");

    @Test
    void onlyItsOwnerMayEnter() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.path())))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void itsPathIsAbsoluteForWorkersWithAnotherWorkingDirectory() {
        Path relative = Path.of("").toAbsolutePath().relativize(parent);

        try (var directory = PrivateDirectory.create(relative)) {
            assertThat(directory.path()).isAbsolute();
            PrivateDirectory.removeStale(relative);
            assertThat(directory.path()).isDirectory();
        }
    }

    @Test
    void closeDeletesItWithEverythingInIt() throws Exception {
        var directory = PrivateDirectory.create(parent);
        Files.writeString(Files.createDirectory(directory.resolve("below")).resolve("file"), "text");
        directory.close();
        directory.close();

        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void thoseOfTheLivingAreLeftAlone() {
        try (var directory = PrivateDirectory.create(parent)) {
            PrivateDirectory.removeStale(parent);

            assertThat(directory.path()).isDirectory();
        }
    }

    @Test
    void thoseOfTheDeadAreRemoved() throws Exception {
        Path dead = Files.createDirectory(parent.resolve("trestle-dead"));
        Files.writeString(dead.resolve("owner.lock"), "");
        Files.writeString(dead.resolve("w1.args"), "");
        Path somebodyElses = Files.createDirectory(parent.resolve("tomcat"));
        PrivateDirectory.removeStale(parent);

        assertThat(dead).doesNotExist();
        assertThat(somebodyElses).isDirectory();
    }

    @Test
    void oneWithoutALockIsRemovedOnlyWhenItIsOldAndEmpty() throws Exception {
        Path young = Files.createDirectory(parent.resolve("trestle-young"));
        Path old = Files.createDirectory(parent.resolve("trestle-old"));
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
        PrivateDirectory.removeStale(parent);

        assertThat(young).isDirectory();
        assertThat(old).doesNotExist();
    }

    @Test
    void aParentThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> PrivateDirectory.create(parent.resolve("missing")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("missing")
                .hasMessageContaining("java.io.tmpdir");
    }
}
