package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The places where class files are found, and the treatment of damaged sources. */
@Timeout(30)
class ClassFilesTest {

    @TempDir
    Path directory;

    @Test
    void directoryIsSearchedToItsLeavesForClassFilesOnly() throws IOException {
        write(directory.resolve("A.class"), 10);
        write(directory.resolve("deep/down/B.class"), 20);
        write(directory.resolve("deep/readme.txt"), 30);
        Files.createDirectories(directory.resolve("not-a-file.class"));

        try (var files = ClassFiles.find(List.of(directory))) {
            assertThat(names(files))
                    .containsExactlyInAnyOrder(directory + "/A.class", directory + "/deep/down/B.class");
            assertThat(files.size()).isEqualTo(2);
            assertThat(files.unreadable()).isEmpty();
        }
    }

    @Test
    void directoryMayBeGivenByALink() throws IOException {
        write(directory.resolve("real/A.class"), 10);
        Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("real"));

        try (var files = ClassFiles.find(List.of(link))) {
            assertThat(names(files)).containsExactly(link + "/A.class");
        }
    }

    @Test
    void jarAndSingleClassFileAreRead() throws IOException {
        Path jar = jar("some.jar", "a/A.class", "a/notes.txt", "META-INF/versions/25/a/A.class");
        Path single = write(directory.resolve("Single.class"), 10);

        try (var files = ClassFiles.find(List.of(jar, single))) {
            assertThat(names(files))
                    .containsExactlyInAnyOrder(
                            jar + "!/a/A.class", jar + "!/META-INF/versions/25/a/A.class", single.toString());
            assertThat(Batch.read(files.batches().next()).files())
                    .extracting(file -> file.bytes().length)
                    .containsOnly(10);
        }
    }

    @Test
    void withoutSourcesTheClassesOfTheRunningJdkAreFound() {
        try (var files = ClassFiles.find(List.of())) {
            assertThat(names(files))
                    .contains("jrt:/java.base/java/lang/Object.class")
                    .hasSizeGreaterThan(5_000);
        }
    }

    @Test
    void garbageInPlaceOfAJarIsListed() throws IOException {
        Path garbage = write(directory.resolve("garbage.jar"), 100);
        Path whole = jar("whole.jar", "A.class", "B.class");
        Path cut = directory.resolve("cut.jar");
        Files.write(cut, Arrays.copyOf(Files.readAllBytes(whole), (int) Files.size(whole) / 2));

        try (var files = ClassFiles.find(List.of(garbage, cut, whole))) {
            assertThat(files.unreadable())
                    .extracting(Unreadable::name)
                    .containsExactly(garbage.toString(), cut.toString());
            assertThat(files.unreadable()).extracting(Unreadable::reason).allMatch(reason -> !reason.isBlank());
            assertThat(names(files)).as("the others are read").hasSize(2);
            assertThat(files.size()).isEqualTo(4);
        }
    }

    @Test
    void damagedJarEntryIsListedWhenItIsRead() throws IOException {
        Path jar = jar("damaged.jar", "A.class", "B.class");
        byte[] bytes = Files.readAllBytes(jar);
        int firstData = 30 + "A.class".length();
        bytes[firstData] = (byte) 0xff; // a kind of deflated block that does not exist
        Files.write(jar, bytes);

        try (var files = ClassFiles.find(List.of(jar))) {
            Batch batch = Batch.read(files.batches().next());

            assertThat(batch.unreadable()).extracting(Unreadable::name).containsExactly(jar + "!/A.class");
            assertThat(batch.files()).extracting(ClassBytes::name).containsExactly(jar + "!/B.class");
        }
    }

    @Test
    void fileThatHasGoneSinceIsListed() throws IOException {
        Path file = write(directory.resolve("Gone.class"), 10);

        try (var files = ClassFiles.find(List.of(directory))) {
            Files.delete(file);

            assertThat(Batch.read(files.batches().next()).unreadable())
                    .containsExactly(new Unreadable(file.toString(), "no such file"));
        }
    }

    @Test
    void hugeFileIsListedAndNeverRead() throws IOException {
        try (var huge = new RandomAccessFile(directory.resolve("Huge.class").toFile(), "rw")) {
            huge.setLength(ClassFiles.LARGEST + 1); // sparse: takes no room
        }

        try (var files = ClassFiles.find(List.of(directory))) {
            assertThat(files.batches()).isExhausted();
            assertThat(files.unreadable())
                    .extracting(Unreadable::reason)
                    .containsExactly("67108865 bytes: too large for a class file");
        }
    }

    @Test
    void batchesAreBoundedInNumberAndBytesAndMissNothing() throws IOException {
        for (int i = 0; i < 400; i++) {
            write(directory.resolve("small/S" + i + ".class"), 10);
        }
        for (int i = 0; i < 10; i++) {
            write(directory.resolve("large/L" + i + ".class"), 400_000);
        }

        try (var files = ClassFiles.find(List.of(directory))) {
            var batches = new ArrayList<List<ClassLocation>>();
            files.batches().forEachRemaining(batches::add);

            assertThat(batches.stream().flatMap(List::stream)).hasSize(410).doesNotHaveDuplicates();
            assertThat(batches).allSatisfy(batch -> {
                assertThat(batch).hasSizeBetween(1, 150);
                assertThat(batch.stream().mapToLong(ClassLocation::size).sum()).isLessThanOrEqualTo(1 << 20);
            });
            assertThat(batches).hasSizeLessThan(12);
        }
    }

    private static List<String> names(ClassFiles files) {
        var names = new ArrayList<String>();
        files.batches().forEachRemaining(batch -> batch.forEach(location -> names.add(location.name())));
        return names;
    }

    private static Path write(Path file, int size) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.write(file, new byte[size]);
    }

    private Path jar(String name, String... entries) throws IOException {
        Path jar = directory.resolve(name);
        try (var zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (String entry : entries) {
                zip.putNextEntry(new ZipEntry(entry));
                zip.write(new byte[10]);
            }
        }
        return jar;
    }
}
