package dev.trestle.micrometer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The resident memory of processes, as Linux tells it in {@code /proc}. */
final class ResidentMemory {

    private static final Path PROCESSES = Path.of("/proc");
    private static final String LINE = "VmRSS:";

    private ResidentMemory() {}

    /** Returns whether this system tells the memory of a process: Linux does. */
    static boolean isKnown() {
        return !Double.isNaN(bytes(ProcessHandle.current().pid()));
    }

    /** Returns the bytes of one of several processes; NaN if there are not as many, or the process has ended. */
    static double bytes(List<Long> pids, int index) {
        return index < pids.size() ? bytes(pids.get(index)) : Double.NaN;
    }

    private static double bytes(long pid) {
        Path status = PROCESSES.resolve(String.valueOf(pid)).resolve("status");
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith(LINE))
                    .mapToDouble(ResidentMemory::bytes)
                    .findFirst()
                    .orElse(Double.NaN); // a process that has ended, and has not been waited for
        } catch (IOException | java.io.UncheckedIOException e) {
            return Double.NaN; // it has ended, or there is no such directory
        }
    }

    /** Returns the bytes of a line such as {@code VmRSS:  1234 kB}. */
    private static double bytes(String line) {
        String[] words = line.substring(LINE.length()).strip().split(" ", -1);
        return Long.parseLong(words[0]) * 1024.0;
    }
}
