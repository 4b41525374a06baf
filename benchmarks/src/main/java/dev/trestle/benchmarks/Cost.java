package dev.trestle.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The cost of this process so far, or between two moments. Linux only: the figures are those of {@code /proc} for
 * each of its threads. The cost of threads that have ended is missing, and so is that of the compilers of the JVM,
 * whose work belongs to the warming up.
 *
 * @param nanos the clock
 * @param processorNanos the processor time of all threads but the compilers
 * @param voluntarySwitches how often a thread has gone to sleep
 */
record Cost(long nanos, long processorNanos, long voluntarySwitches) {

    private static final Path THREADS = Path.of("/proc/self/task");

    static boolean isKnown() {
        return Files.isDirectory(THREADS);
    }

    static Cost now() throws IOException {
        long processorNanos = 0;
        long switches = 0;
        List<Path> threads;
        try (Stream<Path> all = Files.list(THREADS)) {
            threads = all.toList();
        }
        for (Path thread : threads) {
            try {
                if (Files.readString(thread.resolve("comm")).contains("Compiler")) {
                    continue;
                }
                processorNanos += Long.parseLong(
                        Files.readString(thread.resolve("schedstat")).split(" ")[0]);
                switches += voluntarySwitches(thread.resolve("status"));
            } catch (IOException e) {
                // the thread has ended since
            }
        }
        return new Cost(System.nanoTime(), processorNanos, switches);
    }

    private static long voluntarySwitches(Path status) throws IOException {
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("voluntary_ctxt_switches"))
                .mapToLong(line -> Long.parseLong(line.split("\\s+")[1]))
                .sum();
    }

    Cost since(Cost before) {
        return new Cost(
                nanos - before.nanos,
                processorNanos - before.processorNanos,
                voluntarySwitches - before.voluntarySwitches);
    }
}
