package dev.trestle.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The processor time that a program and the processes it has started have taken, compilers and collectors included.
 *
 * @param program of this JVM
 * @param children of all child processes, those that have ended included where the system tells
 */
record ProcessorTime(Duration program, Duration children) {

    private static final Path OWN = Path.of("/proc/self/stat");

    /** The place of the times of ended children behind the name of the program, of the user and of the system. */
    private static final int ENDED_USER = 13;

    private static final int ENDED_SYSTEM = 14;

    /** The kernel tells programs times in hundredths of a second, whatever it counts in. */
    private static final long MILLIS_PER_TICK = 10;

    /** Returns the processor time so far; empty if this system does not tell. */
    static Optional<ProcessorTime> now() {
        Duration living = ProcessHandle.current()
                .descendants()
                .flatMap(child -> child.info().totalCpuDuration().stream())
                .reduce(Duration.ZERO, Duration::plus);
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(own -> new ProcessorTime(own, living.plus(ofEndedChildren())));
    }

    private static Duration ofEndedChildren() {
        try {
            return endedChildren(Files.readString(OWN));
        } catch (IOException e) {
            return Duration.ZERO; // not Linux
        }
    }

    /** Reads the processor time of a program's ended children from Linux's figures for the program. */
    static Duration endedChildren(String stat) {
        List<String> fields =
                List.of(stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1)); // the name may have spaces
        return Duration.ofMillis(
                (Long.parseLong(fields.get(ENDED_USER)) + Long.parseLong(fields.get(ENDED_SYSTEM))) * MILLIS_PER_TICK);
    }

    /** Prints what processes cost, or spare, and what they give. */
    void print(PrintWriter out, boolean inProcess) {
        if (inProcess) {
            out.printf(
                    Locale.ROOT,
                    "Processor time: %.1f s. Without child JVMs a parser that crashes, hangs or fills the heap would"
                            + " take this program along.%n",
                    seconds(program));
        } else {
            out.printf(
                    Locale.ROOT,
                    "Processor time: %.1f s in this program and %.1f s in child JVMs, each of which compiles the"
                        + " parser for itself; --in-process shows what threads take. For that, a parser that crashes,"
                        + " hangs or fills its heap costs one batch.%n",
                    seconds(program),
                    seconds(children));
        }
        out.flush();
    }

    private static double seconds(Duration time) {
        return time.toMillis() / 1e3;
    }
}
