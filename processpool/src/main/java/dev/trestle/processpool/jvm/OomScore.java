package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The order in which the kernel's OOM killer takes processes when the machine has no memory left. By itself it takes
 * the largest, which may be the program; but a program with a dead worker loses one call, and a dead program
 * everything. Linux only.
 */
final class OomScore {

    /**
     * The addition to a worker's score, the same as browsers use for the processes of pages: of two equal processes the
     * kernel takes the worker, but it takes a far larger process before the worker.
     */
    private static final int MORE = 300;

    private static final int MOST = 1000;

    private OomScore() {}

    /**
     * Makes the kernel take a worker that was just started before its program. Processes that it starts inherit that.
     */
    static void raise(long pid) {
        raise(Path.of("/proc", Long.toString(pid), "oom_score_adj"));
    }

    /**
     * Raises the score of a worker to that of its launcher, which may have started the worker before its own was
     * raised.
     */
    static void copy(long launcher, long worker) {
        copy(
                Path.of("/proc", Long.toString(launcher), "oom_score_adj"),
                Path.of("/proc", Long.toString(worker), "oom_score_adj"));
    }

    static void copy(Path from, Path to) {
        try {
            int wanted = Integer.parseInt(Files.readString(from).trim());
            if (Integer.parseInt(Files.readString(to).trim()) < wanted) {
                Files.writeString(to, Integer.toString(wanted), StandardOpenOption.WRITE);
            }
        } catch (IOException | NumberFormatException e) {
            // as in raise
        }
    }

    static void raise(Path file) {
        try {
            int inherited = Integer.parseInt(Files.readString(file).trim());
            int raised = Math.min(MOST, inherited + MORE);
            Files.writeString(file, Integer.toString(raised), StandardOpenOption.WRITE);
        } catch (IOException | NumberFormatException e) {
            // another system, or /proc is closed to us, or it is dead: the kernel decides as it would without a pool
        }
    }
}
