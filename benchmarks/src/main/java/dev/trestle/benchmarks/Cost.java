package dev.trestle.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The cost of some processes so far, or between two moments. Linux only: the figures are those of {@code /proc} for
 * each of their threads. The cost of threads that have ended is missing, and so is that of the compilers of the JVM,
 * whose work belongs to the warming up.
 *
 * @param nanos the clock
 * @param processorNanos the processor time of all threads but the compilers
 * @param voluntarySwitches how often a thread has gone to sleep
 * @param readsAndWrites how many system calls have read or written
 */
record Cost(long nanos, long processorNanos, long voluntarySwitches, long readsAndWrites) {

    private static final Path PROCESSES = Path.of("/proc");

    static boolean isKnown() {
        return Files.isDirectory(PROCESSES.resolve("self/task"));
    }

    /** Returns the cost of processes so far. */
    static Cost of(List<Long> pids) throws IOException {
        Cost sum = new Cost(0, 0, 0, 0);
        for (long pid : pids) {
            sum = sum.plus(of(PROCESSES.resolve(Long.toString(pid))));
        }
        return new Cost(System.nanoTime(), sum.processorNanos, sum.voluntarySwitches, sum.readsAndWrites);
    }

    private static Cost of(Path process) throws IOException {
        long processorNanos = 0;
        long switches = 0;
        List<Path> threads;
        try (Stream<Path> all = Files.list(process.resolve("task"))) {
            threads = all.toList();
        }
        for (Path thread : threads) {
            try {
                if (Files.readString(thread.resolve("comm")).contains("Compiler")) {
                    continue;
                }
                processorNanos += Long.parseLong(
                        Files.readString(thread.resolve("schedstat")).split(" ")[0]);
                switches += number(thread.resolve("status"), "voluntary_ctxt_switches");
            } catch (IOException e) {
                // the thread has ended since
            }
        }
        Path transfers = process.resolve("io");
        return new Cost(0, processorNanos, switches, number(transfers, "syscr") + number(transfers, "syscw"));
    }

    private static long number(Path file, String name) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.split("\\s+")[1]))
                .sum();
    }

    private Cost plus(Cost other) {
        return new Cost(
                nanos + other.nanos,
                processorNanos + other.processorNanos,
                voluntarySwitches + other.voluntarySwitches,
                readsAndWrites + other.readsAndWrites);
    }

    Cost since(Cost before) {
        return new Cost(
                nanos - before.nanos,
                processorNanos - before.processorNanos,
                voluntarySwitches - before.voluntarySwitches,
                readsAndWrites - before.readsAndWrites);
    }
}
