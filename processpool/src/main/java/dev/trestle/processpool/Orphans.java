package dev.trestle.processpool;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The processes that a worker left behind when it was killed, halted or crashed. They are nobody's children any more, but
 * they have inherited a mark in their environment. Linux lets us read it; elsewhere, and where a process has changed its
 * user or its environment, nothing is found.
 */
final class Orphans {

    private static final String VARIABLE = "TRESTLE_WORKER";
    private static final Path PROC = Path.of("/proc");

    private Orphans() {}

    /** Marks the environment of a worker, after the mark that this JVM has if it is a worker itself. */
    static void mark(BiConsumer<String, @Nullable String> environment, String mark) {
        String outer = System.getenv(VARIABLE);
        environment.accept(VARIABLE, outer == null ? mark : outer + ":" + mark);
    }

    /** Kills the processes that have a mark; returns how many there were. */
    static int kill(String mark) {
        List<ProcessHandle> found;
        try (Stream<ProcessHandle> all = Files.isDirectory(PROC) ? ProcessHandle.allProcesses() : Stream.empty()) {
            found = all.filter(process -> isMarked(process, mark)).toList();
        }
        return (int) found.stream().filter(ProcessHandle::destroyForcibly).count();
    }

    private static boolean isMarked(ProcessHandle process, String mark) {
        return markOf(process)
                .filter(marks -> Arrays.asList(marks.split(":")).contains(mark))
                .isPresent();
    }

    private static Optional<String> markOf(ProcessHandle process) {
        Path file = PROC.resolve(Long.toString(process.pid())).resolve("environ");
        try {
            String environment = Files.isReadable(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
            return Arrays.stream(environment.split("\0"))
                    .filter(variable -> variable.startsWith(VARIABLE + "="))
                    .map(variable -> variable.substring(VARIABLE.length() + 1))
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty(); // it has ended meanwhile, or is another user's
        }
    }
}
