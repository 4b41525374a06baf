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
import java.util.Optional;
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

    private static final Optional<String> DONE = Optional.empty();

    /** A step of a maker. */
    private interface Step {
        Optional<String> take(Path from, Path to) throws IOException, InterruptedException;
    }

    /** A maker that counts what it does, and whose steps may be replaced. */
    private static final class Steps implements AotStore.Maker {
        int recorded;
        int assembled;
        Step recording = (_, to) -> written(to, "recording");
        Step assembling;

        Steps(Step assembling) {
            this.assembling = assembling;
        }

        static Optional<String> written(Path file, String content) throws IOException {
            Files.writeString(file, content);
            return DONE;
        }

        @Override
        public Optional<String> record(Path recording) throws IOException, InterruptedException {
            recorded++;
            return this.recording.take(recording, recording);
        }

        @Override
        public Optional<String> assemble(Path recording, Path cache) throws IOException, InterruptedException {
            assembled++;
            return assembling.take(recording, cache);
        }
    }

    private static Steps writing(String content) {
        return new Steps((_, cache) -> Steps.written(cache, content));
    }

    private static Optional<String> cutShort(Path from, Path to) throws IOException, InterruptedException {
        Files.writeString(to, "half");
        throw new InterruptedException("the program ends");
    }

    private boolean make(String key, AotStore.Maker maker) throws Exception {
        return state(key, maker) == AotStore.State.THERE;
    }

    private AotStore.State state(String key, AotStore.Maker maker) throws Exception {
        return store.make(key, maker).state();
    }

    @Test
    void aCacheIsFoundByItsKeyOnly() throws Exception {
        assertThat(store.find("key")).isEmpty();
        assertThat(make("key", writing("classes"))).isTrue();

        assertThat(store.find("key"))
                .hasValueSatisfying(cache -> assertThat(cache).hasContent("classes"));
        assertThat(store.find("other")).isEmpty();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                .isEqualTo("rwx------");
    }

    @Test
    void aCacheIsMadeOnce() throws Exception {
        Steps counting = writing("classes");

        assertThat(make("key", counting)).isTrue();
        assertThat(make("key", counting)).isTrue();
        assertThat(counting.recorded).isEqualTo(1);
        assertThat(counting.assembled).isEqualTo(1);
        assertThat(names()).containsExactly("key.aot", "lock");
    }

    @Test
    void onlyOneCacheIsMadeAtATime() throws Exception {
        assertThat(make("key", new Steps((_, cache) -> {
                    assertThat(store.make("other", writing("other classes")).state())
                            .isEqualTo(AotStore.State.BUSY);
                    assertThat(store.find("key")).isEmpty();
                    Files.writeString(cache, "classes");
                    assertThat(store.find("key")).isEmpty();
                    return DONE;
                })))
                .isTrue();
        assertThat(store.find("other")).isEmpty();
        assertThat(store.find("key")).isPresent();
    }

    /** Returns the names of all files, without lengths and checksums, and with a star for random names. */
    private List<String> names() throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .map(name -> name.replaceAll("-\\d+-[0-9a-f]{8}", "").replaceAll("making-[0-9a-f]+", "making-*"))
                    .sorted()
                    .toList();
        }
    }

    // Programs that end meanwhile

    @Test
    void aRecordingIsKeptForTheNextProgram() throws Exception {
        Steps steps = new Steps(AotStoreTest::cutShort);
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        assertThat(names()).containsExactly("key.attempts", "key.recording", "lock");
        assertThat(store.find("key")).as("it is no cache").isEmpty();

        steps.assembling = (recording, cache) -> Steps.written(cache, "of " + Files.readString(recording));
        assertThat(make("key", steps)).isTrue();
        assertThat(steps.recorded).isEqualTo(1);
        assertThat(store.find("key"))
                .hasValueSatisfying(cache -> assertThat(cache).hasContent("of recording"));
        assertThat(names()).containsExactly("key.aot", "lock");
    }

    @Test
    void anUnfinishedRecordingIsDeleted() throws Exception {
        Steps steps = writing("classes");
        steps.recording = AotStoreTest::cutShort;
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        assertThat(names()).containsExactly("key.attempts", "lock");

        steps.recording = (_, to) -> Steps.written(to, "whole");
        assertThat(make("key", steps)).isTrue();
    }

    @Test
    void aDamagedRecordingIsMadeAgain() throws Exception {
        Steps steps = new Steps(AotStoreTest::cutShort);
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        try (var files = Files.newDirectoryStream(directory, "*.recording")) {
            for (Path each : files) {
                Files.writeString(elsewhere.resolve(each.getFileName()), "recorded!");
            }
        }

        store = new AotStore(elsewhere);
        steps.assembling = (recording, cache) -> Steps.written(cache, "of " + Files.readString(recording));
        assertThat(make("key", steps)).isTrue();
        assertThat(steps.recorded).isEqualTo(2);
        assertThat(store.find("key"))
                .hasValueSatisfying(cache -> assertThat(cache).hasContent("of recording"));
    }

    @Test
    void aRecordingOfAnotherUserIsNotUsed() throws Exception {
        Steps steps = new Steps(AotStoreTest::cutShort);
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        try (var files = Files.newDirectoryStream(directory, "*.recording")) {
            for (Path each : files) {
                TrustedPathTest.giveAway(each);
            }
        }

        steps.assembling = (_, cache) -> Steps.written(cache, "classes");
        assertThat(make("key", steps)).isTrue();
        assertThat(steps.recorded).isEqualTo(2);
    }

    /** A program that is killed leaves no more than the note that it began. */
    @Test
    void programsThatEndTooSoonTryLessAndLessOften() throws Exception {
        var usual = Duration.ofSeconds(1);
        assertThat(store.delay("key", usual)).contains(usual);
        Steps steps = writing("classes");
        steps.recording = (_, _) -> {
            throw new InterruptedException("the program ends");
        };
        for (Duration next : List.of(
                Duration.ZERO,
                Duration.ofMinutes(1),
                Duration.ofMinutes(10),
                Duration.ofMinutes(100),
                Duration.ofMinutes(1_000))) {
            assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
            assertThat(store.delay("key", usual)).contains(next);
        }
        assertThat(store.delay("other", usual)).contains(usual);
        Files.writeString(directory.resolve("key.attempts"), "99999 unfinished, 0 failed: \n");
        assertThat(store.delay("key", usual))
                .hasValueSatisfying(later -> assertThat(later).isPositive());
        assertThat(store.delay("key", Duration.ofDays(36_500))).contains(Duration.ofDays(36_500));

        steps.recording = (_, to) -> Steps.written(to, "recording");
        assertThat(make("key", steps)).isTrue();
        assertThat(store.delay("key", usual)).as("there is one").isEmpty();
    }

    @Test
    void aKeptRecordingGivesTwoMoreAttemptsWithoutDelay() throws Exception {
        var usual = Duration.ofSeconds(1);
        Steps steps = writing("classes");
        steps.recording = AotStoreTest::cutShort;
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        assertThat(store.delay("key", usual)).contains(Duration.ofMinutes(1));

        steps.recording = (_, to) -> Steps.written(to, "recording");
        steps.assembling = AotStoreTest::cutShort;
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        assertThat(store.delay("key", usual)).contains(Duration.ZERO);
        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(InterruptedException.class);
        assertThat(store.delay("key", usual)).contains(Duration.ofMinutes(1));
        assertThat(steps.recorded).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "1 unfin", "rubbish\n", "-1 unfinished, 0 failed: \n", "99999999999 unfinished, 0 failed: "})
    void notesThatWereCutOffCountAsNone(String notes) throws Exception {
        make("other", writing("classes"));
        Files.writeString(directory.resolve("key.attempts"), notes);

        assertThat(store.delay("key", Duration.ofSeconds(1))).contains(Duration.ofSeconds(1));
        assertThat(make("key", writing("classes"))).isTrue();
    }

    @Test
    void notesThatAreNoTextCountAsNone() throws Exception {
        make("other", writing("classes"));
        Files.write(directory.resolve("key.attempts"), new byte[] {(byte) 0xff, (byte) 0xfe});

        assertThat(store.delay("key", Duration.ofSeconds(1))).contains(Duration.ofSeconds(1));
    }

    @Test
    void aDamagedOneIsDeleted() throws Exception {
        make("key", writing("classes"));
        Path good = store.find("key").orElseThrow();
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path bad = Files.writeString(elsewhere.resolve(good.getFileName().toString()), "clusses");

        assertThat(new AotStore(elsewhere).find("key")).isEmpty();
        assertThat(bad).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCacheThatCannotBeMadeIsTriedTwice(boolean inRecording) throws Exception {
        Step failing = (_, to) -> {
            Files.writeString(to, "half");
            return Optional.of("exit code 1\nin detail");
        };
        Steps steps = writing("classes");
        if (inRecording) {
            steps.recording = failing;
        } else {
            steps.assembling = failing;
        }

        assertThat(store.make("key", steps).failure())
                .contains("exit code 1\nin detail. The next program tries once more.");
        assertThat(names()).containsExactly("key.attempts", "lock");
        assertThat(store.delay("key", Duration.ofSeconds(1))).contains(Duration.ofSeconds(1));
        Path notes = directory.resolve("key.attempts");
        assertThat(store.make("key", steps).failure())
                .contains("exit code 1\nin detail. It is not tried again until the JDK, the class path or the options"
                        + " of workers change, or " + notes + " is deleted.");
        assertThat(store.delay("key", Duration.ofSeconds(1))).isEmpty();
        assertThat(store.make("key", steps).failure())
                .as("said twice, and no more")
                .isEmpty();
        assertThat(steps.recorded).isEqualTo(2);
        assertThat(notes)
                .hasContent("0 unfinished, 2 failed: exit code 1\n"
                        + "These are the attempts to make an AOT cache. Delete this file to have more.");

        Files.delete(notes);
        assertThat(make("key", writing("classes"))).isTrue();
    }

    @Test
    void aMakerThatWritesNothingHasFailed() throws Exception {
        Steps steps = writing("classes");
        steps.recording = (_, _) -> DONE;

        assertThat(store.make("key", steps).failure())
                .hasValueSatisfying(
                        why -> assertThat(why).startsWith("the JVM that was to write a file for it has written none"));
    }

    /** It would be made, crash, and be deleted, in every program. */
    @Test
    void aCacheThatDidHarmTwiceIsNotMadeAgain() throws Exception {
        for (int i = 0; i < 2; i++) {
            assertThat(make("key", writing("classes"))).isTrue();
            store.discard("key");
            assertThat(store.find("key")).isEmpty();
        }
        assertThat(state("key", writing("classes"))).isEqualTo(AotStore.State.NONE);
        assertThat(store.delay("key", Duration.ZERO)).isEmpty();
    }

    @Test
    void leftoversAreSweptAndTheNumberOfCachesIsBounded() throws Exception {
        for (int i = 0; i < 20; i++) {
            make("key" + i, writing("classes"));
            Path made = store.find("key" + i).orElseThrow();
            Files.setLastModifiedTime(made, FileTime.from(Instant.now().minus(Duration.ofHours(20 - i)))); // ever newer
        }
        Path dead = Files.writeString(directory.resolve("making-dead"), "half");
        Path alive = Files.writeString(directory.resolve("making-alive"), "half");
        Files.setLastModifiedTime(dead, FileTime.from(Instant.now().minus(Duration.ofHours(2))));
        make("last", writing("classes"));

        assertThat(directory).isDirectoryContaining(file -> file.equals(alive));
        assertThat(dead).doesNotExist();
        assertThat(store.find("key0")).isEmpty();
        assertThat(store.find("key19")).isPresent();
        try (var files = Files.newDirectoryStream(directory, "*.aot")) {
            assertThat(files).hasSize(12);
        }
    }

    @Test
    void recordingsAndNotesAreBoundedToo() throws Exception {
        Steps steps = new Steps(AotStoreTest::cutShort);
        for (int i = 0; i < 110; i++) {
            String key = "key" + i;
            assertThatThrownBy(() -> store.make(key, steps)).isInstanceOf(InterruptedException.class);
            try (var files = Files.newDirectoryStream(directory, key + "*")) {
                for (Path each : files) {
                    Files.setLastModifiedTime(each, FileTime.from(Instant.now().minus(Duration.ofHours(200 - i))));
                }
            }
        }

        assertThat(names())
                .filteredOn(name -> name.endsWith(".recording"))
                .hasSize(4)
                .contains("key109.recording");
        assertThat(names())
                .filteredOn(name -> name.endsWith(".attempts"))
                .hasSize(100)
                .contains("key109.attempts");
    }

    @Test
    void anExceptionOfTheMakerLeavesOnlyTheNoteOfTheAttempt() {
        assertThatThrownBy(() -> store.make("key", new Steps((_, cache) -> {
                    Files.writeString(cache, "half");
                    throw new IOException("disk full");
                })))
                .hasMessage("disk full");
        assertThat(directory).isDirectoryNotContaining("glob:**making-*");
        assertThat(directory.resolve("key.attempts")).content().startsWith("1 unfinished, 0 failed: \n");
    }

    /** The place of the note is taken by a directory, since root can write everywhere. */
    @Test
    void withoutANoteNoAttemptIsMade() throws Exception {
        make("other", writing("classes"));
        Files.createDirectory(directory.resolve("key.attempts"));
        Steps steps = writing("classes");

        assertThatThrownBy(() -> store.make("key", steps)).isInstanceOf(IOException.class);
        assertThat(steps.recorded).isZero();
        assertThat(store.delay("key", Duration.ZERO)).isEmpty();
    }

    @Test
    void noCacheIsKeptWhereOtherUsersMayWrite() throws Exception {
        make("key", writing("classes"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwx---"));

        assertThat(store.find("key")).isEmpty();
        assertThat(make("other", writing("classes"))).isFalse();
    }

    // Other users

    private Path above() {
        return requireNonNull(directory.getParent());
    }

    private Path made() throws Exception {
        make("key", writing("classes"));
        return store.find("key").orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rwxrwx---", "rwx----w-", "rwxrwxrwx"})
    void inADirectoryThatOthersMayWriteToNothingIsFound(String mode) throws Exception {
        Path cache = made();
        for (Path each : List.of(directory, above())) {
            Files.setPosixFilePermissions(each, PosixFilePermissions.fromString(mode));
            assertThat(store.find("key")).as(each + " is open").isEmpty();
            assertThat(make("other", writing("classes"))).isFalse();
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
        assertThat(make("other", writing("classes"))).isFalse();
    }

    @Test
    void aCacheOfAnotherUserIsNotFound() throws Exception {
        Path cache = made();
        for (Path each : List.of(cache, directory, above())) {
            TrustedPathTest.giveAway(each);
            assertThat(store.find("key")).as(each + " is another user's").isEmpty();
            if (!each.equals(cache)) {
                assertThat(make("other", writing("classes"))).isFalse();
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
        assertThat(make("key", writing("classes"))).isTrue();

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
            assertThat(make("other", writing("classes"))).isFalse();
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

    @Test
    void aReadOnlyDirectoryIsUsedAsItIs() throws Exception {
        Path cache = made();
        Files.setLastModifiedTime(cache, FileTime.from(Instant.now().minus(Duration.ofDays(3))));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("r-x------"));
        try {
            assertThat(store.find("key")).hasValue(cache);
        } finally {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mkfifo", "mkdir", "ln -s nowhere"})
    void aLinkOrDirectoryIsNoCache(String command) throws Exception {
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

        assertThat(make("key", writing("classes"))).isFalse();
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
