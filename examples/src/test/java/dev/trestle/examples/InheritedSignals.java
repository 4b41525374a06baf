package dev.trestle.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The signals that this program, and each program that it starts, ignores because its parent did. */
public final class InheritedSignals {

    private InheritedSignals() {}

    /**
     * Returns whether Ctrl-C is ignored, as it is in programs that a shell without job control starts in the
     * background.
     *
     * @return whether the signal SIGINT has no effect
     * @throws IOException if the system does not say
     */
    public static boolean ignoreInterrupts() throws IOException {
        long ignored = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .mapToLong(line -> Long.parseUnsignedLong(
                        line.substring("SigIgn:".length()).strip(), 16))
                .findFirst()
                .orElseThrow();
        return (ignored & 1L << 1) != 0;
    }
}
