package dev.trestle.processpool.wire;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The processes that a worker left behind when it was killed, halted or crashed. They are nobody's children any more, but
 * they have inherited a mark in their environment. Linux lets us read it; elsewhere, and where a process has changed its
 * user or its environment, nothing is found. Thread-safe.
 */
public final class Orphans {

    /*
     * A mark is the name of the pool's private directory, a slash, and the name of the worker. A worker of a worker has its
     * mark behind that of the other, with a colon between them; so what has the mark of a worker was started below it.
     */

    private static final String VARIABLE = "TRESTLE_WORKER";
    private static final String SEPARATOR = ":";
    private static final Path PROC = Path.of("/proc");

    private Orphans() {}

    /**
     * Marks the environment of a worker, after the mark that this JVM has if it is a worker itself.
     *
     * @param environment takes the name of a variable and its value
     * @param mark the mark of the worker
     */
    public static void mark(BiConsumer<String, @Nullable String> environment, String mark) {
        String outer = System.getenv(VARIABLE);
        environment.accept(VARIABLE, outer == null ? mark : outer + SEPARATOR + mark);
    }

    /**
     * Kills the processes that a worker left behind.
     *
     * @param mark the mark of the worker
     * @return how many there were
     */
    public static int kill(String mark) {
        return kill(mark::equals);
    }

    /**
     * Kills the processes that the workers of a pool left behind, and those workers.
     *
     * @param directory the name of the pool's private directory
     * @return how many there were
     */
    public static int killAllOf(String directory) {
        return kill(mark -> mark.startsWith(directory + "/"));
    }

    /** Kills the processes that this worker has started and those that they left behind. */
    public static void killOwn() {
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
        String marks = System.getenv(VARIABLE);
        if (marks != null) {
            kill(marks.substring(marks.lastIndexOf(SEPARATOR) + 1));
        }
    }

    private static int kill(Predicate<String> isTheirs) {
        List<ProcessHandle> found;
        try (Stream<ProcessHandle> all = Files.isDirectory(PROC) ? ProcessHandle.allProcesses() : Stream.empty()) {
            found = all.filter(process -> !process.equals(ProcessHandle.current()))
                    .filter(process -> Arrays.stream(marksOf(process)).anyMatch(isTheirs))
                    .toList();
        }
        return (int) found.stream().filter(ProcessHandle::destroyForcibly).count();
    }

    private static String[] marksOf(ProcessHandle process) {
        Path file = PROC.resolve(Long.toString(process.pid())).resolve("environ");
        try {
            String environment = Files.isReadable(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
            Optional<String> marks = Arrays.stream(environment.split("\0"))
                    .filter(variable -> variable.startsWith(VARIABLE + "="))
                    .map(variable -> variable.substring(VARIABLE.length() + 1))
                    .findFirst();
            return marks.map(text -> text.split(SEPARATOR)).orElse(new String[0]);
        } catch (IOException e) {
            return new String[0]; // it has ended meanwhile, or is another user's
        }
    }
}
