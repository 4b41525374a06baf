package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.processpool.TestJvm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class PrivateDirectoryTest {

    private static final FileTime LONG_AGO = FileTime.from(Instant.parse("2020-02-02T20:20:20Z"));

    @TempDir
    Path parent = Path.of("");

    /** Sweeps as another pool does. */
    private static void sweep(Path parent) {
        try (var another = PrivateDirectory.create(parent)) {
            another.removeStale();
        }
    }

    /** One that has had its first worker, or been warmed up. */
    private static PrivateDirectory proven(Path parent) throws IOException {
        PrivateDirectory made = PrivateDirectory.create(parent);
        made.ensure();
        return made;
    }

    private static String modeOf(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void onlyItsOwnerMayEnter() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            assertThat(modeOf(directory.path())).isEqualTo("rwx------");
        }
    }

    @Test
    void itsPathIsAbsoluteForWorkersWithAnotherWorkingDirectory() {
        Path relative = Path.of("").toAbsolutePath().relativize(parent);

        try (var directory = PrivateDirectory.create(relative)) {
            assertThat(directory.path()).isAbsolute();
            sweep(relative);
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
    void aParentThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> PrivateDirectory.create(parent.resolve("missing")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("missing")
                .hasMessageContaining("java.io.tmpdir");
    }

    // Staying there

    @Test
    void aDeletedDirectoryIsMadeAnew() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            Path path = directory.path();
            StaleDirectories.delete(path);
            directory.ensure();

            assertThat(directory.path()).isEqualTo(path).isDirectory();
            assertThat(modeOf(path)).isEqualTo("rwx------");
            sweep(parent);
            assertThat(path).isDirectory();
        }
        assertThat(parent).isEmptyDirectory();
    }

    /** The JDK takes long to set up the first socket of a program: not on the thread that makes a pool. */
    @Test
    void itsProofIsMadeWhenItIsFirstUsed() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            assertThat(directory.path()).isEmptyDirectory();
            sweep(parent);
            directory.ensure();

            assertThat(directory.resolve(StaleDirectories.SOCKET)).exists();
            Files.setLastModifiedTime(directory.path(), LONG_AGO);
            sweep(parent);
            assertThat(directory.path()).isDirectory();
        }
    }

    /** A socket that comes when the JVM has begun to delete what it knows of would stay, and the directory with it. */
    @Test
    void aDirectoryGetsNoProofAtTheEndOfTheJvm() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            directory.deleteAtExit();
            directory.ensure();

            assertThat(directory.path()).isEmptyDirectory();
        }
    }

    /** Deletes the proof, as a cleaner that goes by age does, or a person that does not know it. */
    @Test
    void aProofThatWasDeletedIsMadeAnew() throws Exception {
        try (var directory = proven(parent)) {
            Files.delete(directory.resolve(StaleDirectories.SOCKET));
            directory.ensure();
            assertThat(directory.resolve(StaleDirectories.SOCKET)).exists();
            Files.setLastModifiedTime(directory.path(), LONG_AGO);
            sweep(parent);

            assertThat(directory.path()).isDirectory();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"directory", "link", "file"})
    void anotherFileInPlaceOfTheDirectoryIsNotUsed(String what) throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            Path before = directory.path();
            Path target = Files.createDirectory(parent.resolve("target"));
            Files.move(before, parent.resolve("moved"));
            switch (what) {
                case "directory" -> Files.createDirectory(before);
                case "link" -> Files.createSymbolicLink(before, target);
                default -> Files.writeString(before, "a file");
            }

            assertThatThrownBy(directory::ensure)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("something else is in its place");
            directory.ensure();
            assertThat(directory.path()).isNotEqualTo(before).isDirectory();
            assertThat(target).isEmptyDirectory();
        }
    }

    /** The system gives the number of a deleted directory to the next one that is made, by whatever user. */
    @Test
    void aDirectoryThatOthersMayEnterIsNotUsedAnyMore() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            Path before = directory.path();
            Files.setPosixFilePermissions(before, PosixFilePermissions.fromString("rwxrwxrwx"));

            assertThatThrownBy(directory::ensure).hasMessageContaining("something else is in its place");
            assertThat(directory.path()).isNotEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"directory", "link", "file"})
    void closeDeletesNothingThatIsInItsPlace(String what) throws Exception {
        var directory = PrivateDirectory.create(parent);
        Path path = directory.path();
        Path precious = Files.writeString(
                Files.createDirectory(parent.resolve("target")).resolve("w1.args"), "precious");
        Files.delete(path);
        switch (what) {
            case "directory" -> Files.move(precious.getParent(), path);
            case "link" -> Files.createSymbolicLink(path, precious.getParent());
            default -> Files.move(precious, path);
        }
        directory.close();

        assertThat(what.equals("file") ? path : path.resolve("w1.args")).hasContent("precious");
    }

    /** A call may nest directories as deep as it likes. */
    @Test
    void closeEndsWhateverIsNestedInIt() throws Exception {
        var directory = PrivateDirectory.create(parent);
        Path below = directory.path();
        for (int i = 0; i < 200; i++) {
            below = Files.createDirectory(below.resolve("d"));
        }
        directory.close();

        assertThat(directory.path()).isDirectory();
        assertThat(PrivateDirectory.ours()).doesNotContain(directory.path());
    }

    @Test
    void aClosedDirectoryIsNotMadeAnew() {
        var directory = PrivateDirectory.create(parent);
        directory.close();

        assertThatThrownBy(directory::ensure).hasMessageContaining("its pool has ended");
        directory.keepYoung();
        assertThat(parent).isEmptyDirectory();
    }

    /** Programs that delete old files leave a directory alone whose files are all young. */
    @Test
    void everythingInItIsKeptYoung() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            Path file = Files.writeString(directory.resolve("w1.record"), "");
            Path link = Files.createSymbolicLink(directory.resolve("link"), parent.resolve("nowhere"));
            Files.setLastModifiedTime(file, LONG_AGO);
            Files.setLastModifiedTime(directory.path(), LONG_AGO);
            directory.keepYoung();

            for (Path each : List.of(file, directory.resolve(StaleDirectories.SOCKET), directory.path())) {
                assertThat(Files.getLastModifiedTime(each)).isGreaterThan(LONG_AGO);
                assertThat((FileTime) Files.getAttribute(each, "lastAccessTime"))
                        .isGreaterThan(LONG_AGO);
            }
            assertThat(link).isSymbolicLink();
        }
    }

    // Sweeping

    /** A file lock of POSIX would be gone now. */
    @Test
    void theLivingAreLeftAloneWhateverElseOpensTheirFiles() throws Exception {
        try (var directory = proven(parent)) {
            Files.setLastModifiedTime(directory.path(), LONG_AGO);
            try (var files = Files.list(directory.path())) {
                for (Path each : files.toList()) {
                    try {
                        Files.readAllBytes(each);
                    } catch (IOException e) {
                        assertThat(e).hasMessageContaining(StaleDirectories.SOCKET); // a socket is not opened
                    }
                }
            }
            for (int i = 0; i < 20; i++) {
                sweep(parent); // more often than its queue of connections is long
            }
            assertThat(sweepInAnotherProgram()).isZero();

            assertThat(directory.path()).isDirectory();
        }
    }

    /** The main class of another program with the same temporary directory. */
    static final class Sweeping {
        public static void main(String[] arguments) {
            sweep(Path.of(arguments[0]));
        }
    }

    private int sweepInAnotherProgram() throws Exception {
        Process sweeping = new ProcessBuilder(TestJvm.command(List.of(), Sweeping.class, parent))
                .inheritIO()
                .start();
        assertThat(sweeping.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return sweeping.exitValue();
    }

    /** Two web applications in one server: each has its own copy of this class. */
    @Test
    void twoCopiesInOneProgramLeaveEachOtherAlone() throws Exception {
        URL here = PrivateDirectory.class.getProtectionDomain().getCodeSource().getLocation();
        try (var directory = proven(parent);
                var loader = new Copying(new URL[] {here})) {
            Class<?> copy = Class.forName(PrivateDirectory.class.getName(), true, loader);
            assertThat(copy).isNotSameAs(PrivateDirectory.class);
            var create = copy.getDeclaredMethod("create", Path.class);
            create.setAccessible(true);
            try (var other = (AutoCloseable) create.invoke(null, parent)) {
                var ensure = copy.getDeclaredMethod("ensure");
                ensure.setAccessible(true);
                ensure.invoke(other);
                Path path = Path.of(other.toString());
                for (Path each : List.of(path, directory.path())) {
                    Files.setLastModifiedTime(each, LONG_AGO);
                }
                var removeStale = copy.getDeclaredMethod("removeStale");
                removeStale.setAccessible(true);
                removeStale.invoke(other);
                directory.removeStale();
                assertThat(sweepInAnotherProgram()).isZero();

                assertThat(directory.path()).isDirectory();
                assertThat(path).isDirectory();
            }
        }
        assertThat(parent).isEmptyDirectory();
    }

    /** Loads classes of Trestle itself. */
    private static final class Copying extends URLClassLoader {
        Copying(URL[] urls) {
            super(urls, PrivateDirectoryTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            return name.startsWith("dev.trestle.processpool.") ? findClass(name) : super.loadClass(name, resolve);
        }
    }

    private Path directory(String name) throws IOException {
        return Files.createDirectory(
                parent.resolve(name),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** Makes a directory as a program leaves it that was killed. */
    private Path dead(String name) throws IOException {
        Path dead = directory(name);
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(dead.resolve(StaleDirectories.SOCKET)))
                .close();
        for (String each : List.of("w1.args", "w1.record", "w12.crash", "w2147483647.sock", "aot.args")) {
            Files.writeString(dead.resolve(each), "");
        }
        return dead;
    }

    @Test
    void directoriesOfDeadProgramsAreRemoved() throws Exception {
        Path dead = dead("trestle-dead");
        Path foreign = directory("tomcat");
        Files.setLastModifiedTime(foreign, LONG_AGO);
        sweep(parent);

        assertThat(dead).doesNotExist();
        assertThat(foreign).isDirectory();
    }

    /** Another machine has the same disk, or this one was started again. */
    @ParameterizedTest
    @ValueSource(strings = {"owner-00000000", "owner-without-socket"})
    void directoriesOfUnreachableOwnersGoAfterADay(String proof) throws Exception {
        Path young = directory("trestle-young");
        Path old = directory("trestle-old");
        for (Path each : List.of(young, old)) {
            Files.writeString(each.resolve(proof), "");
            Files.writeString(each.resolve("w1.record"), "");
        }
        Files.setLastModifiedTime(young, FileTime.from(Instant.now().minus(Duration.ofHours(20))));
        Files.setLastModifiedTime(old, LONG_AGO);
        sweep(parent);

        assertThat(young).isDirectory();
        assertThat(old).doesNotExist();
    }

    @Test
    void aDirectoryWithoutAProofIsRemovedWhenOldAndEmpty() throws Exception {
        Path young = directory("trestle-young");
        Path old = directory("trestle-old");
        Path notes = directory("trestle-notes");
        Files.writeString(notes.resolve("notes.txt"), "of the user, about trestles");
        Files.setLastModifiedTime(old, LONG_AGO);
        Files.setLastModifiedTime(notes, LONG_AGO);
        sweep(parent);

        assertThat(young).isDirectory();
        assertThat(old).doesNotExist();
        assertThat(notes).isDirectory();
    }

    @Test
    void aDirectoryThatOthersMayEnterIsNotOurs() throws Exception {
        Path open = dead("trestle-open");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));
        sweep(parent);

        assertThat(open).isDirectory();
    }

    @Test
    void aDirectoryOfAnotherUserIsLeftAlone() throws Exception {
        Path others = dead("trestle-others");
        try {
            Files.setAttribute(others, "unix:uid", 65_534);
        } catch (IOException e) {
            assumeTrue(false, "only root gives files away");
        }
        sweep(parent);

        assertThat(others).isDirectory();
    }

    @Test
    void nothingIsDeletedThroughALink() throws Exception {
        Path outside = Files.createDirectory(parent.resolve("outside"));
        Path precious = Files.writeString(outside.resolve("precious"), "");
        Path dead = dead("trestle-dead");
        Files.createSymbolicLink(dead.resolve("w2.args"), precious);
        Files.createSymbolicLink(dead.resolve("w3.crash"), outside);
        Path elsewhere = dead("elsewhere");
        Path link = Files.createSymbolicLink(parent.resolve("trestle-link"), elsewhere);
        sweep(parent);

        assertThat(dead).doesNotExist();
        assertThat(precious).exists();
        assertThat(elsewhere).isDirectory();
        assertThat(link).isSymbolicLink();
    }

    @Test
    void aDirectoryWithALongNameIsKeptByItsAge() throws Exception {
        Path deep = Files.createDirectory(parent.resolve("d".repeat(120)));
        try (var directory = proven(deep)) {
            assertThat(directory.resolve(StaleDirectories.NO_SOCKET)).exists();
            sweep(deep);
            assertThat(directory.path()).isDirectory();
            directory.ensure();
            Files.setLastModifiedTime(directory.path(), LONG_AGO);
            sweep(deep);
            assertThat(directory.path()).doesNotExist();
            directory.ensure();
            assertThat(directory.path()).isDirectory();
        }
        assertThat(deep).isEmptyDirectory();
    }
}
