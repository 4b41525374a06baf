package dev.trestle.processpool.jvm;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
public class AotStoreTest {

    @TempDir
    Path folder = Path.of("");

    private Path directory = Path.of("");
    private AotStore store = new AotStore(directory);

    @BeforeEach
    void create() {
        directory = folder.resolve("caches").resolve("aot");
        store = new AotStore(directory);
    }

    private static AotStore.Maker writing(String content) {
        return (_, cache) -> {
            Files.writeString(cache, content);
            return true;
        };
    }

    @Test
    void whatWasMadeIsFoundByItsKeyOnly() throws Exception {
        assertThat(store.find("key")).isEmpty();
        assertThat(store.make("key", writing("classes"))).isTrue();

        assertThat(store.find("key"))
                .hasValueSatisfying(cache -> assertThat(cache).hasContent("classes"));
        assertThat(store.find("other")).isEmpty();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                .isEqualTo("rwx------");
    }

    @Test
    void itIsMadeOnce() throws Exception {
        var made = new AtomicInteger();
        AotStore.Maker counting = (_, cache) -> {
            made.incrementAndGet();
            Files.writeString(cache, "classes");
            return true;
        };

        assertThat(store.make("key", counting)).isTrue();
        assertThat(store.make("key", counting)).isTrue();
        assertThat(made).hasValue(1);
    }

    @Test
    void onlyOneCacheIsMadeAtATime() throws Exception {
        assertThat(store.make("key", (_, cache) -> {
                    assertThat(store.make("other", writing("other classes"))).isFalse();
                    assertThat(store.find("key")).isEmpty();
                    Files.writeString(cache, "classes");
                    assertThat(store.find("key")).isEmpty();
                    return true;
                }))
                .isTrue();
        assertThat(store.find("other")).isEmpty();
        assertThat(store.find("key")).isPresent();
    }

    @Test
    void aDamagedOneIsDeleted() throws Exception {
        store.make("key", writing("classes"));
        Path good = store.find("key").orElseThrow();
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path bad = Files.writeString(elsewhere.resolve(good.getFileName().toString()), "clusses");

        assertThat(new AotStore(elsewhere).find("key")).isEmpty();
        assertThat(bad).doesNotExist();
    }

    @Test
    void whatCannotBeMadeIsNotTriedAgainSoon() throws Exception {
        var tried = new AtomicInteger();
        AotStore.Maker failing = (recording, _) -> {
            Files.writeString(recording, "half");
            tried.incrementAndGet();
            return false;
        };

        assertThat(store.make("key", failing)).isFalse();
        assertThat(store.make("key", failing)).isFalse();
        assertThat(tried).hasValue(1);
        assertThat(directory).isDirectoryNotContaining("glob:**making-*");

        Files.setLastModifiedTime(
                directory.resolve("key.failed"), FileTime.from(Instant.now().minus(Duration.ofDays(8))));
        assertThat(store.make("key", writing("classes"))).isTrue();
    }

    @Test
    void whatTheDeadLeftIsSweptAndTheNumberIsBounded() throws Exception {
        for (int i = 0; i < 20; i++) {
            store.make("key" + i, writing("classes"));
            Path made = store.find("key" + i).orElseThrow();
            Files.setLastModifiedTime(made, FileTime.from(Instant.now().minus(Duration.ofHours(20 - i)))); // ever newer
        }
        Path dead = Files.writeString(directory.resolve("making-dead"), "half");
        Path alive = Files.writeString(directory.resolve("making-alive"), "half");
        Files.setLastModifiedTime(dead, FileTime.from(Instant.now().minus(Duration.ofHours(2))));
        store.make("last", writing("classes"));

        assertThat(directory).isDirectoryContaining(file -> file.equals(alive));
        assertThat(dead).doesNotExist();
        assertThat(store.find("key0")).isEmpty();
        assertThat(store.find("key19")).isPresent();
        try (var files = Files.newDirectoryStream(directory, "*.aot")) {
            assertThat(files).hasSize(12);
        }
    }

    @Test
    void anExceptionOfTheMakerLeavesNothing() {
        assertThatThrownBy(() -> store.make("key", (_, cache) -> {
                    Files.writeString(cache, "half");
                    throw new IOException("disk full");
                }))
                .hasMessage("disk full");
        assertThat(directory).isDirectoryNotContaining("glob:**making-*");
        assertThat(directory).isDirectoryNotContaining("glob:**.failed");
    }

    @Test
    void whereOthersMayWriteNothingIsKept() throws Exception {
        store.make("key", writing("classes"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwx---"));

        assertThat(store.find("key")).isEmpty();
        assertThat(store.make("other", writing("classes"))).isFalse();
    }

    // Other users

    private Path above() {
        return requireNonNull(directory.getParent());
    }

    private Path made() throws Exception {
        store.make("key", writing("classes"));
        return store.find("key").orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rwxrwx---", "rwx----w-", "rwxrwxrwx"})
    void inADirectoryThatOthersMayWriteToNothingIsFound(String mode) throws Exception {
        Path cache = made();
        for (Path each : List.of(directory, above())) {
            Files.setPosixFilePermissions(each, PosixFilePermissions.fromString(mode));
            assertThat(store.find("key")).as(each + " is open").isEmpty();
            assertThat(store.make("other", writing("classes"))).isFalse();
            Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwx------"));
        }
        Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rw-rw-rw-"));
        assertThat(store.find("key")).as("the file is open").isEmpty();
    }

    /** Another user can make files in it, though not delete ours. */
    @Test
    void aStickyDirectoryIsNoPlaceForCaches() throws Exception {
        made();
        assertThat(new ProcessBuilder("chmod", "1777", directory.toString())
                        .start()
                        .waitFor())
                .isZero();

        assertThat(store.find("key")).isEmpty();
        assertThat(store.make("other", writing("classes"))).isFalse();
    }

    @Test
    void whatBelongsToAnotherUserIsNotFound() throws Exception {
        Path cache = made();
        for (Path each : List.of(cache, directory, above())) {
            TrustedPathTest.giveAway(each);
            assertThat(store.find("key")).as(each + " is another user's").isEmpty();
            if (!each.equals(cache)) {
                assertThat(store.make("other", writing("classes"))).isFalse();
            }
            Files.setAttribute(each, "unix:uid", 0, LinkOption.NOFOLLOW_LINKS);
            assertThat(store.find("key")).isPresent();
        }
    }

    /** One cache replaces another by a rename. */
    @Test
    void aCacheInThePlaceOfWhatBelongsToAnotherUserIsMade() throws Exception {
        Path cache = made();
        TrustedPathTest.giveAway(cache);
        assertThat(store.make("key", writing("classes"))).isTrue();

        assertThat(store.find("key")).hasValue(cache);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void linksAreNotFollowed(boolean file) throws Exception {
        Path cache = made();
        Path linked = file ? cache : directory;
        Path elsewhere = folder.resolve("elsewhere");
        Files.move(linked, elsewhere);
        Files.createSymbolicLink(linked, elsewhere);

        assertThat(store.find("key")).isEmpty();
        if (!file) {
            assertThat(store.make("other", writing("classes"))).isFalse();
            assertThat(elsewhere).isDirectoryNotContaining("glob:**other*");
        }
    }

    /** A home directory may be a link, as on many machines with a network. */
    @Test
    void aLinkOfThisUserAboveTheDirectoryIsFollowed() throws Exception {
        made();
        Path link = Files.createSymbolicLink(folder.resolve("link"), directory.getParent());

        assertThat(new AotStore(link.resolve("aot")).find("key")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mkfifo", "mkdir", "ln -s nowhere"})
    void whatIsNoFileIsNoCache(String command) throws Exception {
        Path cache = made();
        Files.delete(cache);
        assertThat(new ProcessBuilder("sh", "-c", command + " " + cache).start().waitFor())
                .isZero();

        assertThat(store.find("key")).isEmpty();
    }

    /**
     * As root with the cache directory of the user that has started sudo: a directory of root's there would be in the
     * way.
     */
    @Test
    void nothingIsMadeInADirectoryOfAnotherUser() throws Exception {
        Path caches = Files.createDirectory(directory.getParent());
        TrustedPathTest.giveAway(caches);

        assertThat(store.make("key", writing("classes"))).isFalse();
        assertThat(caches).isEmptyDirectory();
    }

    @Test
    void theDirectoriesAboveItAreMadeForThisUserOnly() throws Exception {
        made();

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.getParent())))
                .isEqualTo("rwx------");
    }

    @Test
    void theUsersDirectoryIsThatOfTheXdgStandard() {
        String home = folder.toString();

        assertThat(AotStore.userDirectory(Map.of("XDG_CACHE_HOME", "/caches"), home))
                .hasValue(Path.of("/caches/trestle/aot"));
        assertThat(AotStore.userDirectory(Map.of(), home)).hasValue(folder.resolve(".cache/trestle/aot"));
        assertThat(AotStore.userDirectory(Map.of("XDG_CACHE_HOME", "relative"), home))
                .isEmpty();
        assertThat(AotStore.userDirectory(Map.of(), folder.resolve("missing").toString()))
                .isEmpty();
    }
}
