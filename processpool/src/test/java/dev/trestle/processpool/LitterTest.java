package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Litter that a worker puts in the places of the files that a pool reads and deletes. Workers have access to all these
 * files.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class LitterTest {

    /** A thing in the place of a file. */
    enum Litter {
        /** A pipe without a writer: opening it blocks. */
        PIPE {
            @Override
            void put(Path place) throws Exception {
                if (new ProcessBuilder("mkfifo", place.toString()).start().waitFor() != 0) {
                    throw new IOException("mkfifo fails");
                }
            }
        },
        /** An endless device: reading it to its end takes all memory. */
        LINK_TO_A_DEVICE_WITHOUT_END {
            @Override
            void put(Path place) throws IOException {
                Files.createSymbolicLink(place, Path.of("/dev/zero"));
            }
        },
        LINK_TO_ITSELF {
            @Override
            void put(Path place) throws IOException {
                Files.createSymbolicLink(place, place);
            }
        },
        DIRECTORY {
            @Override
            void put(Path place) throws IOException {
                Files.createFile(Files.createDirectory(place).resolve("file"));
            }
        },
        EMPTY_FILE {
            @Override
            void put(Path place) throws IOException {
                Files.createFile(place);
            }
        },
        ENDLESS_LINE {
            @Override
            void put(Path place) throws IOException {
                try (var file = new RandomAccessFile(place.toFile(), "rw")) {
                    file.setLength(1L << 40); // a hole of a terabyte
                }
            }
        };

        abstract void put(Path place) throws Exception;
    }

    /** Returns the beginning of the names of this worker's files, in the private directory; runs in a call. */
    private static Path ownFiles() {
        String option = "-XX:ErrorFile=";
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(each -> each.startsWith(option))
                .map(each -> Path.of(each.substring(option.length(), each.length() - ".crash".length())))
                .findFirst()
                .orElseThrow();
    }

    private static void replace(Path files, Litter litter) throws Exception {
        for (String extension : new String[] {".record", ".crash", ".args", ".sock"}) {
            Path place = files.resolveSibling(files.getFileName() + extension);
            Files.deleteIfExists(place);
            litter.put(place);
        }
    }

    private static int litterAndHalt(Litter litter) throws Exception {
        replace(ownFiles(), litter);
        Runtime.getRuntime().halt(7);
        return 0;
    }

    private static int litterForTheNext(Litter litter) throws Exception {
        for (int number = 2; number <= 4; number++) {
            replace(ownFiles().resolveSibling("w" + number), litter);
        }
        Runtime.getRuntime().halt(7);
        return 0;
    }

    @ParameterizedTest
    @EnumSource
    void litterInPlaceOfAWorkersFilesCostsItsCall(Litter litter) {
        try (var pool = TestPools.of(1)) {
            assertThatThrownBy(pool.submit(() -> litterAndHalt(litter))::result)
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining("Runtime.halt(7)");
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void litterInThePlacesOfNewFilesStopsNoWorker(Litter litter) {
        try (var pool = TestPools.of(1)) {
            assertThatThrownBy(pool.submit(() -> litterForTheNext(litter))::result)
                    .isInstanceOf(WorkerDiedException.class);
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            assertThat(pool.statistics().startsFailed()).isZero();
        }
    }

    /** A truncated journal harms only its worker, since no other process maps it. */
    @Test
    void aWorkerThatTruncatesItsRecordCostsItsCall() {
        try (var pool = TestPools.of(1)) {
            assertThatThrownBy(pool.submit(() -> truncateAndHalt())::result).isInstanceOf(WorkerDiedException.class);
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    private static int truncateAndHalt() throws IOException {
        try (var file = new RandomAccessFile(ownFiles() + ".record", "rw")) {
            file.setLength(3);
        }
        Runtime.getRuntime().halt(7);
        return 0;
    }
}
