package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The file handles that this process may still open. A worker is started only if some remain for everything else: a JVM
 * without any cannot even load a class any more, and a class that could not be loaded once is missing forever. Linux
 * only. Thread-safe.
 */
public final class FileHandles {

    /**
     * The handles that a start needs at a time: three pipes, with both ends open for a moment, sockets, files and a
     * selector.
     */
    private static final int PER_START = 16;

    /** The number of handles that are left to the program and to Trestle itself. */
    private static final int REMAINING = 16;

    private static final Path OPEN = Path.of("/proc/self/fd");
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final Pattern MOST = Pattern.compile("^Max open files +(\\d{1,18}) ", Pattern.MULTILINE);

    /** The number of starts in progress, each of which may still open the files that it needs. */
    private static int starting;

    private FileHandles() {}

    /** The handles that one start may open. */
    public interface Reservation extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Reserves the handles for the start of a worker, until that is over.
     *
     * @throws IOException if so many are not left
     */
    public static synchronized Reservation reserve() throws IOException {
        OptionalLong most = most(LIMITS);
        if (most.isPresent()) {
            long open = open();
            if (open + (long) starting * PER_START + PER_START + REMAINING > most.getAsLong()) {
                throw new IOException("Too few file handles are left for another worker: " + open + " of "
                        + most.getAsLong() + " are open, and " + starting
                        + " other workers are starting. Raise the limit"
                        + " (ulimit -n), or have fewer workers");
            }
        }
        starting++;
        return FileHandles::release;
    }

    private static synchronized void release() {
        starting--;
    }

    /** Returns the number of files that may be open; empty where it is not known. */
    static OptionalLong most(Path limits) {
        try {
            Matcher found = MOST.matcher(Files.readString(limits));
            return found.find() ? OptionalLong.of(Long.parseLong(found.group(1))) : OptionalLong.empty();
        } catch (IOException e) {
            return OptionalLong.empty(); // another system, or none is left for this file: then the start says so
        }
    }

    private static long open() throws IOException {
        try (Stream<Path> all = Files.list(OPEN)) {
            return all.count();
        }
    }
}
