package dev.trestle.examples.documents;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The memory of processes, as Linux tells it. */
final class Memory {

    private Memory() {}

    /** Returns the most memory that a process has had so far, in bytes; 0 if it has ended. */
    static long peak(ProcessHandle process) {
        try {
            return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }

    /** Returns the largest peak of some processes. */
    static long largest(List<ProcessHandle> processes) {
        return processes.stream().mapToLong(Memory::peak).max().orElse(0);
    }
}
