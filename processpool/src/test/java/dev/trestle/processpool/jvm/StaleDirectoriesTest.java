package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.processpool.TestJvm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sweep, with obstacles that other users, or calls that have taken over a worker, put in its way. */
@Timeout(30)
@EnabledOnOs(OS.LINUX)
class StaleDirectoriesTest {

    private static final FileTime LONG_AGO = FileTime.from(Instant.parse("2020-02-02T20:20:20Z"));

    @TempDir
    Path parent = Path.of("");

    private Path own = Path.of("");

    @BeforeEach
    void makeOwn() throws IOException {
        own = directory("own");
    }

    @AfterEach
    void deleteOwn() throws IOException {
        Files.deleteIfExists(own);
    }

    private Path directory(String name) throws IOException {
        return Files.createDirectory(
                parent.resolve(name),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** Makes a directory as a program leaves it that was killed. */
    private Path dead(String name) throws IOException {
        Path dead = directory(name);
        makeRefusing(dead.resolve(StaleDirectories.SOCKET));
        Files.writeString(dead.resolve("w1.record"), "");
        return dead;
    }

    private static void makeRefusing(Path socket) throws IOException {
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))
                .close();
    }

    private static void run(Object... command) throws Exception {
        var words = new ArrayList<String>();
        for (Object each : command) {
            words.add(each.toString());
        }
        assertThat(new ProcessBuilder(words).inheritIO().start().waitFor())
                .as(words.toString())
                .isZero();
    }

    /** Sweeps on a thread of its own: a thread that opens a pipe without a writer is stuck for good. */
    private void sweep() {
        Thread sweeping = Thread.ofPlatform().daemon().start(() -> StaleDirectories.remove(parent, own));
        try {
            assertThat(sweeping.join(Duration.ofSeconds(20)))
                    .as("the end of the sweep")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError("the sweep does not end", e);
        }
    }

    /** The JDK opens anything with the name of a candidate, and opening a pipe without a writer never ends. */
    @ParameterizedTest
    @ValueSource(strings = {"mkfifo", "touch", "ln -s nowhere", "ln -s trestle-odd", "ln -s ."})
    void filesInPlaceOfDirectoriesAreLeftAlone(String command) throws Exception {
        Path odd = parent.resolve("trestle-odd");
        run("sh", "-c", command + " " + odd);
        sweep();

        assertThat(Files.exists(odd, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }

    /** A stranger's link to a directory of this user, which looks like that of a dead pool. */
    @ParameterizedTest
    @ValueSource(strings = {StaleDirectories.NO_SOCKET, StaleDirectories.UNPROVEN_SOCKET, "owner-00000000", "socket"})
    void aLinkToADirectoryIsNotFollowed(String proof) throws Exception {
        Path victim = directory("victim");
        if (proof.equals("socket")) {
            makeRefusing(victim.resolve(StaleDirectories.SOCKET));
        } else {
            Files.writeString(victim.resolve(proof), "");
        }
        Path precious = Files.writeString(victim.resolve("w1.args"), "precious");
        Files.setLastModifiedTime(victim, LONG_AGO);
        Files.createSymbolicLink(parent.resolve("trestle-link"), victim);
        sweep();

        assertThat(precious).hasContent("precious");
    }

    // In a directory of ours

    @Test
    void filesOfSharedArraysAreDeleted() throws Exception {
        Path dead = dead("trestle-dead");
        Path shared = Files.createDirectory(dead.resolve("shared"));
        Path target = Files.writeString(parent.resolve("target"), "precious");
        Files.writeString(shared.resolve("a1"), "");
        Files.createSymbolicLink(shared.resolve("a23"), target);
        run("mkfifo", shared.resolve("a4"));
        sweep();

        assertThat(dead).doesNotExist();
        assertThat(target).hasContent("precious");
    }

    @Test
    void filesWithOtherNamesAmongSharedArraysAreKept() throws Exception {
        Path dead = dead("trestle-dead");
        Path shared = Files.createDirectory(dead.resolve("shared"));
        Files.writeString(shared.resolve("a1"), "");
        Path precious = Files.writeString(shared.resolve("mine"), "precious");
        sweep();

        assertThat(precious).hasContent("precious");
        assertThat(shared.resolve("a1")).doesNotExist();
    }

    @Test
    void aLinkInThePlaceOfTheSharedArraysIsNotFollowed() throws Exception {
        Path dead = dead("trestle-dead");
        Path victim = directory("victim");
        Path precious = Files.writeString(victim.resolve("a1"), "precious");
        Files.createSymbolicLink(dead.resolve("shared"), victim);
        sweep();

        assertThat(precious).hasContent("precious");
    }

    @Test
    void pipesInThePlacesOfFilesAreDeletedUnopened() throws Exception {
        Path dead = dead("trestle-dead");
        run("mkfifo", dead.resolve("w1.args"), dead.resolve("w1.sock"), dead.resolve("owner-00000000"));
        sweep();

        assertThat(dead).doesNotExist();
    }

    /** A lock file was opened, and a thread held by it. */
    @Test
    void pipesAreNoLocks() throws Exception {
        Path dead = directory("trestle-dead");
        run("mkfifo", dead.resolve(StaleDirectories.SOCKET), dead.resolve("w1.record"));
        Path odd = directory("trestle-odd");
        run("mkfifo", odd.resolve("owner-lock"), odd.resolve("lock"));
        Files.writeString(odd.resolve("w1.args"), "");
        Files.setLastModifiedTime(odd, LONG_AGO);
        sweep();

        assertThat(dead).doesNotExist();
        assertThat(odd.resolve("w1.args")).exists();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "notes.txt",
                "w1.args.bak",
                "w.args",
                "w1.args\n",
                "W1.ARGS",
                "w1\u0661.args",
                "w12345678901.args",
                "-rf",
                "...",
                " ",
                "*",
                "owner-manual.pdf",
                "\u00fc"
            })
    void filesWithOtherNamesAreKept(String name) throws Exception {
        Path dead = dead("trestle-dead");
        Path other;
        try {
            other = Files.writeString(dead.resolve(name), "precious");
        } catch (InvalidPathException e) {
            assumeTrue(false, "the locale of this test has no such names");
            return;
        }
        sweep();

        assertThat(other).hasContent("precious");
        assertThat(dead.resolve("w1.record")).doesNotExist();
    }

    @Test
    void directoriesAreKeptWhateverTheirNames() throws Exception {
        Path dead = dead("trestle-dead");
        Path file =
                Files.writeString(Files.createDirectory(dead.resolve("w2.args")).resolve("w1.args"), "precious");
        sweep();

        assertThat(file).hasContent("precious");
        assertThat(dead.resolve("w1.record")).doesNotExist();
    }

    @Test
    void anotherNameOfAFileIsDeletedAndNotTheFile() throws Exception {
        Path precious = Files.writeString(parent.resolve("precious"), "precious");
        Path dead = dead("trestle-dead");
        Files.createLink(dead.resolve("w2.args"), precious);
        sweep();

        assertThat(dead).doesNotExist();
        assertThat(precious).hasContent("precious");
    }

    @Test
    void aDeviceIsDeletedUnopened() throws Exception {
        Path dead = dead("trestle-dead");
        assumeTrue(
                new ProcessBuilder("mknod", dead.resolve("w2.args").toString(), "c", "1", "3")
                                .redirectErrorStream(true)
                                .start()
                                .waitFor()
                        == 0,
                "only root makes devices, and not in each container");
        sweep();

        assertThat(dead).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rwx--x---", "rwxr-x---", "rwxrwxrwx", "rwx-----x", "r-x------", "---------"})
    void aDirectoryOfAnotherModeIsNotOurs(String mode) throws Exception {
        Path dead = dead("trestle-dead");
        Files.setPosixFilePermissions(dead, PosixFilePermissions.fromString(mode));
        sweep();

        Files.setPosixFilePermissions(dead, PosixFilePermissions.fromString("rwx------"));
        assertThat(dead.resolve("w1.record")).exists();
    }

    @Test
    void theSweepLooksAtABoundedNumberOfNames() throws Exception {
        Path dead = dead("trestle-dead");
        for (int i = 0; i < 100; i++) {
            Files.writeString(dead.resolve("w1" + i + ".args"), "");
        }
        StaleDirectories.remove(parent, own, 50, _ -> {});
        assertThat(dead.resolve("w1.record")).exists();

        sweep();
        assertThat(dead).doesNotExist();
    }

    @Test
    void manyDirectoriesOfStrangersEndTheSweep() throws Exception {
        Path dead = dead("trestle-dead");
        StaleDirectories.remove(parent, own, 0, _ -> {});

        assertThat(dead).isDirectory();
    }

    // While the sweep runs

    /**
     * A user with the right to rename in the parent puts a directory of the victim's, which has files that look like
     * ours, in the place of one that is stale, after it was looked at.
     */
    @Test
    void aDirectoryThatIsPutInThePlaceOfAStaleOneIsNotEmptied() throws Exception {
        Path precious = directory("precious");
        Files.writeString(precious.resolve("w1.args"), "precious");
        Path place = dead("trestle-place");
        Path aside = parent.resolve("aside");
        StaleDirectories.remove(parent, own, 100, _ -> {
            move(place, aside);
            move(precious, place);
        });

        assertThat(place.resolve("w1.args")).hasContent("precious");
        assertThat(aside).isEmptyDirectory();
    }

    private static void move(Path from, Path to) {
        try {
            Files.move(from, to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For a moment, the socket of a new directory is there and takes no connections yet. */
    @Test
    void aSocketThatDoesNotYetTakeConnectionsShowsNoDeadOwner() throws Exception {
        Path young = directory("trestle-young");
        makeRefusing(young.resolve(StaleDirectories.UNPROVEN_SOCKET));
        sweep();
        assertThat(young.resolve(StaleDirectories.UNPROVEN_SOCKET)).exists();

        Files.setLastModifiedTime(young, LONG_AGO);
        sweep();
        assertThat(young).as("left by a program that was killed at that moment").doesNotExist();
    }

    @Test
    void aProofHasItsNameOnlyWhenItTakesConnections() throws Exception {
        try (var directory = PrivateDirectory.create(parent)) {
            directory.ensure();

            assertThat(directory.resolve(StaleDirectories.UNPROVEN_SOCKET)).doesNotExist();
            assertThat(directory.resolve(StaleDirectories.SOCKET)).exists();
        }
    }

    /** The main class of another program, which sweeps until it is told to end. */
    static final class Sweeping {
        public static void main(String[] arguments) throws IOException {
            Path parent = Path.of(arguments[0]);
            System.out.println("begins");
            while (System.in.available() == 0) {
                StaleDirectories.remove(parent, Path.of(arguments[1]));
            }
        }
    }

    @Test
    void newDirectoriesSurviveTheSweepsOfAnotherProgram() throws Exception {
        Process sweeping = new ProcessBuilder(TestJvm.command(List.of(), Sweeping.class, parent, own))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(sweeping.inputReader().readLine()).isEqualTo("begins");
            for (int i = 0; i < 500; i++) {
                try (var directory = PrivateDirectory.create(parent)) {
                    directory.ensure();
                    assertThat(directory.resolve(StaleDirectories.SOCKET)).exists();
                }
            }
            sweeping.getOutputStream().write('\n');
            sweeping.getOutputStream().flush();
            assertThat(sweeping.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(sweeping.exitValue()).isZero();
        } finally {
            sweeping.destroyForcibly();
        }
    }

    // Other users

    /** The workers of another pool, elsewhere, may have the name that a stranger has given to a stale directory. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void processesAreKilledOnlyWhereNoOtherUserGivesNames(boolean safe) throws Exception {
        Path dead = dead("trestle-dead" + safe);
        var builder = new ProcessBuilder("sleep", "60");
        builder.environment().put("TRESTLE_WORKER", dead.getFileName() + "/w1");
        Process orphan = builder.start();
        try {
            Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString(safe ? "rwxr-xr-x" : "rwxrwxrwx"));
            sweep();

            assertThat(dead).doesNotExist();
            if (safe) {
                assertThat(orphan.waitFor(20, TimeUnit.SECONDS)).isTrue();
            } else {
                assertThat(orphan.isAlive()).isTrue();
            }
        } finally {
            orphan.destroyForcibly();
        }
    }

    /** The attack: user 65534 puts directories, links and pipes where root looks for stale directories. */
    @Test
    void nothingThatAnotherUserHasMadeMovesTheSweep() throws Exception {
        Path victim = directory("victim");
        Path precious = Files.writeString(victim.resolve("w1.args"), "precious");
        Path socket = victim.resolve(StaleDirectories.SOCKET);
        makeRefusing(socket);
        run("chmod", "1777", parent);
        String attack = """
            cd "$1" && umask 077 &&
            mkdir trestle-a trestle-b trestle-c && ln -s ../victim/w1.args trestle-a/w1.args &&
            ln -s ../victim trestle-a/below && touch trestle-a/owner-without-socket &&
            mkfifo trestle-b/lock trestle-b/"$2" trestle-b/w1.args &&
            ln -s "$1/victim/$2" trestle-c/"$2" && ln -s victim trestle-d && ln -s trestle-e trestle-e &&
            mkfifo trestle-f && touch -d 2020-02-02 trestle-a trestle-b trestle-c\
            """;
        Process attacker = new ProcessBuilder(
                        "setpriv",
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "sh",
                        "-c",
                        attack,
                        "sh",
                        parent.toString(),
                        StaleDirectories.SOCKET)
                .redirectErrorStream(true)
                .start();
        assumeTrue(attacker.waitFor() == 0, "only root may be another user, and there is the program setpriv");
        sweep();

        assertThat(precious).hasContent("precious");
        assertThat(socket).exists();
        assertThat(parent.resolve("trestle-a").resolve("owner-without-socket")).exists();
        assertThat(parent.resolve("trestle-b").resolve("lock")).exists();
        assertThat(parent.resolve("trestle-c")).isDirectory();
        assertThat(parent.resolve("trestle-d")).isSymbolicLink();
        assertThat(parent.resolve("trestle-f")).exists();
    }

    @Test
    void aParentThatIsGoneEndsTheSweep() throws Exception {
        Files.delete(own);
        StaleDirectories.remove(parent.resolve("missing"), parent);

        assertThat(parent).isEmptyDirectory();
    }
}
