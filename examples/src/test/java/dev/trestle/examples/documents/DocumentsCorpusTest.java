package dev.trestle.examples.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many documents, one in twenty of them hostile, uploaded several at a time to a server with a small heap. More files:
 * {@code -Dtrestle.documents.files=1000}.
 */
@Timeout(1800)
class DocumentsCorpusTest {

    private static final int FILES = Integer.getInteger("trestle.documents.files", 100);
    private static final long SEED = Long.getLong("trestle.documents.seed", 17);
    private static final int ONE_HOSTILE_IN = 20;
    private static final int AT_A_TIME = 6;

    /** The server has a heap of 128 MiB, and the JVM needs memory of its own. */
    private static final long PEAK_OF_SERVER = 350L << 20;

    /** A worker has a heap of 96 MiB. */
    private static final long PEAK_OF_WORKER = 350L << 20;

    /** A file to upload; without a hostile kind it is good. */
    private record File(int number, Optional<Hostile> hostile) {

        byte[] content() {
            var random = new Random(SEED * 1_000_003 + number);
            return hostile.map(kind -> kind.make(random)).orElseGet(() -> good(random));
        }

        private static byte[] good(Random random) {
            return switch (random.nextInt(3)) {
                case 0 -> Good.pdf(random, 1 + random.nextInt(5));
                case 1 -> Good.pdf(random, 1, 50 + random.nextInt(300));
                default -> Good.image(random);
            };
        }

        boolean isAnsweredAsItShouldBe(String outcome) {
            return hostile.map(kind ->
                            kind.kinds.stream().anyMatch(each -> each.code().equals(outcome)))
                    .orElse(outcome.equals("preview"));
        }

        @Override
        public String toString() {
            return number + " " + hostile.map(Enum::name).orElse("good");
        }
    }

    @Test
    void everyGoodFileIsAnsweredAndEachFailureHasWords(@TempDir Path directory) throws Exception {
        List<File> files = files();
        Map<String, Integer> outcomes = new TreeMap<>();
        List<String> wrong = Collections.synchronizedList(new ArrayList<>());
        long peakOfWorkers = 0;
        try (var server = RunningServer.start(
                directory, "--workers", "2", "--in-flight", "8", "--seconds", Machine.timeLimit(), "--heap", "96")) {
            var places = new Semaphore(AT_A_TIME);
            List<CompletableFuture<?>> uploads = new ArrayList<>();
            for (File file : files) {
                places.acquire();
                peakOfWorkers = Math.max(peakOfWorkers, Memory.largest(server.workers()));
                uploads.add(server.begin(file.content())
                        .whenComplete((_, _) -> places.release())
                        .thenAccept(answer -> {
                            synchronized (outcomes) {
                                outcomes.merge(answer.outcome(), 1, Integer::sum);
                            }
                            boolean hasWords = answer.outcome().equals("preview")
                                    || answer.words().length() > 10;
                            if (!file.isAnsweredAsItShouldBe(answer.outcome()) || !hasWords) {
                                wrong.add(file + ": " + answer.last());
                            }
                        }));
            }
            CompletableFuture.allOf(uploads.toArray(CompletableFuture[]::new)).join();

            assertThat(wrong).isEmpty();
            assertThat(outcomes.values().stream().mapToInt(Integer::intValue).sum())
                    .isEqualTo(FILES);
            assertThat(outcomes.get("preview")).isEqualTo(FILES - FILES / ONE_HOSTILE_IN);
            assertThat(server.process.isAlive()).as("the server lives").isTrue();
            assertThat(server.peakMemory()).as("peak of the server").isLessThan(PEAK_OF_SERVER);
            assertThat(peakOfWorkers).as("peak of a worker").isBetween(1L, PEAK_OF_WORKER);
            assertThat(server.workers())
                    .as("workers, and one that takes the place of another")
                    .hasSizeLessThan(5);
            System.out.printf(
                    "%d files: %s; peak of the server %d MB, of a worker %d MB%n",
                    FILES, outcomes, server.peakMemory() >> 20, peakOfWorkers >> 20);
        }
    }

    /** The hostile files are of all kinds in turn, from a kind that the seed chooses. */
    private static List<File> files() {
        var random = new Random(SEED);
        int hostile = FILES / ONE_HOSTILE_IN;
        List<Hostile> kinds = List.of(Hostile.values());
        int first = random.nextInt(kinds.size());
        List<File> files = new ArrayList<>();
        for (int i = 0; i < FILES; i++) {
            Hostile kind = kinds.get((first + 7 * i) % kinds.size());
            files.add(new File(i, i < hostile ? Optional.of(kind) : Optional.empty()));
        }
        Collections.shuffle(files, random);
        return files;
    }
}
