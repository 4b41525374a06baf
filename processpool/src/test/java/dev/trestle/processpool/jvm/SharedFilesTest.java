package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.SharedArray;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.TestPools;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.SharedArrays.Name;
import dev.trestle.processpool.wire.SharedArrays.NotSharedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The files of shared arrays: where they are, how long they stay, and which names find them. */
@Timeout(30)
class SharedFilesTest {

    @TempDir
    Path folder = Path.of("");

    private final List<Long> unshared = new ArrayList<>();
    private PrivateDirectory directory = directoryLater();

    @SuppressWarnings("NullAway") // set before each test
    private static PrivateDirectory directoryLater() {
        return null;
    }

    @BeforeEach
    void makeDirectory() {
        directory = PrivateDirectory.create(folder);
    }

    @AfterEach
    void deleteDirectory() {
        directory.close();
    }

    private SharedFiles files(Path memory, ProcessPool.Builder options) {
        var files = new SharedFiles(memory);
        files.begin(directory, TestPools.jvmOptions(options), "a-pool", unshared::add);
        return files;
    }

    private SharedFiles files(Path memory) {
        return files(memory, TestPools.plain(1));
    }

    private static List<Path> in(Path place) throws IOException {
        if (!Files.isDirectory(place)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(place)) {
            return files.toList();
        }
    }

    @Test
    void anArrayIsInMemoryAndGoesWithItsLastHold() throws Exception {
        Path memory = Files.createDirectory(folder.resolve("memory"));
        SharedFiles files = files(memory);
        var array = files.share(new int[] {1, 2, 3});
        assertThat(files.places().getFirst()).startsWith(memory).isDirectoryContaining("glob:**/a1");
        assertThat(in(files.places().getLast())).isEmpty();

        Name name = files.hold(array);
        array.close();
        assertThat(in(files.places().getFirst())).hasSize(1);
        assertThat(unshared).isEmpty();
        assertThatThrownBy(() -> files.hold(array))
                .isInstanceOf(NotSharedException.class)
                .hasMessage("was closed");
        assertThat(files.hold(name)).isSameAs(array);
        files.release(name);

        files.release(name);
        assertThat(in(files.places().getFirst())).isEmpty();
        assertThat(unshared).containsExactly(name.number());
        files.release(name); // of what is gone

        files.close();
        files.close();
        assertThat(in(memory)).isEmpty();
    }

    @Test
    void anArrayIsOnDiskWhereThereIsNoMemoryToShare() throws Exception {
        Path taken = Files.createDirectory(folder.resolve("taken"));
        Files.createFile(taken.resolve(directory.path().getFileName()));
        for (Path memory : List.of(folder.resolve("none"), taken)) {
            SharedFiles files = files(memory);
            try (var array = files.share(new int[] {1, 2, 3})) {
                assertThat(array.toArray()).containsExactly(1, 2, 3);
                assertThat(in(files.places().getFirst())).isEmpty();
                assertThat(in(files.places().getLast())).hasSize(1);
            }
            files.close();
        }
    }

    @Test
    void anArrayIsOnDiskIfALauncherMayHideOtherPlaces() throws Exception {
        SharedFiles files = files(folder, TestPools.plain(1).launcher(List.of("nice")));
        try (var _ = files.share(new int[1])) {
            assertThat(in(files.places().getLast())).hasSize(1);
        }
    }

    @Test
    void anArrayThatHasNoRoomAnywhereIsRefusedInWords() throws Exception {
        SharedFiles files = files(folder.resolve("none"));
        Files.createFile(directory.path().resolve(SharedArrays.DIRECTORY));
        assertThatThrownBy(() -> files.share(new int[3]))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("Cannot share 12 bytes with the workers of a-pool: there is no room in ")
                .hasMessageContaining("set java.io.tmpdir to a directory with more room");
    }

    @Test
    void memoryWithoutRoomIsRefusedBeforeTheDiskIsFull() throws Exception {
        SharedFiles files = files(folder);
        assertThatThrownBy(() -> files.allocate(Long.MAX_VALUE))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("there is no room in ")
                .cause()
                .hasMessageMatching(Long.MAX_VALUE + " bytes do not fit into the [0-9]+ that are free in .*");
        assertThat(in(files.places().getLast())).isEmpty();
        files.close();
    }

    @Test
    void namesThatThePoolHasNotGivenFindNothing() throws Exception {
        SharedFiles files = files(folder);
        try (var array = files.share(new int[3])) {
            Name name = files.hold(array);
            var forged = new Name(name.number(), name.place(), name.kind(), name.bytes() + 1, false, 0);
            var unknown = new Name(77, name.place(), name.kind(), name.bytes(), false, 0);
            for (Name each : List.of(forged, unknown)) {
                assertThatThrownBy(() -> files.hold(each))
                        .isInstanceOf(NotSharedException.class)
                        .hasMessageContaining("which this pool does not share");
            }
            files.release(name);
        }
        assertThatThrownBy(() -> files.hold(SharedArray.of(new int[1]))).isInstanceOf(NotSharedException.class);
        files.close();
    }

    @Test
    void aFileIsNotCopiedForWorkersThatSeeIt() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "hello");
        SharedFiles files = files(folder);
        try (var shared = files.share(file)) {
            assertThat(in(files.places().getLast()))
                    .singleElement()
                    .satisfies(link -> assertThat(Files.isSymbolicLink(link)).isTrue());
            assertThat(files.hold(shared).identity()).isNotZero();
        }
        assertThat(file).hasContent("hello");
    }

    @Test
    void directoriesOfPlacesAreThereForAJail() throws Exception {
        SharedFiles files = files(Files.createDirectory(folder.resolve("memory")));
        assertThat(files.prepare())
                .isEqualTo(files.places())
                .allSatisfy(each -> assertThat(each).isDirectory());
        files.keepYoung();
        files.close();
        assertThat(directory.path()).isDirectory();
    }
}
