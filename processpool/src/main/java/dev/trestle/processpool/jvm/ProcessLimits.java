package dev.trestle.processpool.jvm;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The limits of a worker's process beyond the heap: of the memory, which the pool watches, and of the system, which
 * {@code prlimit} sets before it becomes the JVM. Processes that the worker starts inherit the latter, each for itself.
 *
 * @param memory the bytes that a worker and the processes below it may hold
 * @param processes the number of processes and threads that the user may have
 * @param fileBytes the largest size of a file that the worker writes
 * @param cpuTime the processor time that the worker may use in its life
 */
public record ProcessLimits(
        OptionalLong memory, OptionalInt processes, OptionalLong fileBytes, Optional<Duration> cpuTime) {

    public static final ProcessLimits NONE =
            new ProcessLimits(OptionalLong.empty(), OptionalInt.empty(), OptionalLong.empty(), Optional.empty());

    /** A worker that runs nothing holds some 50 MiB. */
    public static final long LEAST_MEMORY = 64L << 20;

    private static final Log logger = Log.of(ProcessLimits.class);
    private static final Path PROC_SELF = Path.of("/proc/self");
    private static final int ROOT = 0;
    private static final String PROGRAM = "prlimit";

    /** Longer than any process lives, and short enough for the kernel, which counts in nanoseconds. */
    private static final long MOST_SECONDS = 1L << 32;

    /** The path of the system's programs, where PATH does not say it. */
    private static final String USUAL_PATH = "/usr/bin:/bin";

    private boolean hasLimitsOfTheSystem() {
        return processes.isPresent() || fileBytes.isPresent() || cpuTime.isPresent();
    }

    /**
     * Returns the command to put in front of {@code java}; empty if the system is to limit nothing.
     *
     * @throws IllegalStateException if there is no prlimit, with the package to install
     */
    public List<String> prefix() {
        return prefix(System.getenv("PATH"));
    }

    List<String> prefix(@Nullable String path) {
        if (!hasLimitsOfTheSystem()) {
            return List.of();
        }
        var prefix = new ArrayList<String>();
        prefix.add(find(path, USUAL_PATH).toString());
        String now = limitsOfThisProcess();
        processes.ifPresent(most -> prefix.add("--nproc=" + atMost(now, "processes", most)));
        fileBytes.ifPresent(most -> prefix.add("--fsize=" + atMost(now, "file size", most)));
        cpuTime.map(ProcessLimits::wholeSeconds).ifPresent(most -> {
            long killed = atMost(now, "cpu time", most + 1);
            // SIGXCPU at the first number, SIGKILL at the second
            prefix.add("--cpu=" + Math.min(most, killed) + ":" + killed);
        });
        return prefix;
    }

    private static String limitsOfThisProcess() {
        try {
            return Files.readString(PROC_SELF.resolve("limits"));
        } catch (IOException e) {
            return ""; // then prlimit says whether a limit may be set
        }
    }

    /** Returns a limit, or the hard limit that this process has, which nothing without privileges can raise. */
    static long atMost(String limits, String name, long wanted) {
        Matcher hard = Pattern.compile("^Max " + name + " +\\S+ +(\\d{1,18}) ", Pattern.MULTILINE)
                .matcher(limits);
        return hard.find() ? Math.min(wanted, Long.parseLong(hard.group(1))) : wanted;
    }

    private static long wholeSeconds(Duration time) {
        long seconds =
                time.getNano() > 0 && time.getSeconds() < MOST_SECONDS ? time.getSeconds() + 1 : time.getSeconds();
        return Math.min(seconds, MOST_SECONDS);
    }

    static Path find(@Nullable String path, String usual) {
        String all = path == null ? usual : path + File.pathSeparator + usual;
        for (String each : all.split(File.pathSeparator, -1)) {
            Path program = Path.of(each, PROGRAM);
            if (program.isAbsolute() && Files.isExecutable(program)) {
                return program;
            }
        }
        throw new IllegalStateException("processLimit, fileSizeLimit and cpuTimeLimit are set by the program prlimit,"
                + " which is not in the PATH of this program, " + path
                + ": install util-linux, which has it on Linux (no other system has it), or leave these options out.");
    }

    /**
     * Checks what the limits need of the system, and of each other.
     *
     * @param heapBytes the heap that the pool is to give to workers; 0 if that is left to it
     * @throws IllegalArgumentException if a heap is larger than the memory that a worker may hold
     * @throws IllegalStateException if the system cannot limit workers in this way
     */
    void check(long heapBytes, List<String> arguments) {
        var _ = prefix();
        if (memory.isEmpty()) {
            return;
        }
        long most = memory.getAsLong();
        refuseAbove(most, "heap(" + heapBytes + ")", heapBytes);
        for (String each : arguments) {
            refuseAbove(most, each, HeapOptions.bytesOf(each));
        }
    }

    /** Logs that a limit does not hold, if it does not. */
    public void warn(String pool) {
        if (processes.isPresent()) {
            notBinding(userOfThisProcess()).ifPresent(why -> logger.warn("{}: {}", pool, why));
        }
    }

    /** Returns which limit does not hold for a user; empty if all do. */
    Optional<String> notBinding(int user) {
        return processes.isPresent() && user == ROOT
                ? Optional.of("processLimit (RLIMIT_NPROC) does not bind root, and the workers of this program run as"
                        + " root: run the program as another user, or set the pids limit of its container or cgroup")
                : Optional.empty();
    }

    private static int userOfThisProcess() {
        try {
            return (int) Files.getAttribute(PROC_SELF, "unix:uid");
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            return -1; // not Linux
        }
    }

    private static void refuseAbove(long most, String option, long bytes) {
        if (bytes > most) {
            throw new IllegalArgumentException(option + " gives each worker a heap of "
                    + ProcessMemory.mebibytes(bytes) + ", and memoryLimit lets it hold "
                    + ProcessMemory.mebibytes(most) + " in all, native memory included: it would be killed before its"
                    + " heap is full. Raise the limit, or leave the option out: then the heap fits.");
        }
    }
}
