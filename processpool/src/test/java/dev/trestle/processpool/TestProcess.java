package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Signals to processes, and questions about them, for tests on Unix. */
final class TestProcess {

    private TestProcess() {}

    /**
     * Returns whether a process runs. A process that has ended, and that no parent has waited for, still exists, but
     * has no command any more.
     */
    static boolean runs(ProcessHandle process) {
        return process.isAlive() && process.info().command().isPresent();
    }

    /** Sends a signal to a process, which must exist. */
    static void signal(String name, long pid) throws IOException, InterruptedException {
        int exitCode = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .start()
                .waitFor();
        assertThat(exitCode).as("exit code of kill").isZero();
    }

    /** Stops a process, and waits until each of its threads has stopped, which is some time after the signal. */
    static void stop(long pid) throws IOException, InterruptedException {
        signal("STOP", pid);
        Gate.until(() -> {
            try (var threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
                return threads.allMatch(TestProcess::isStopped);
            }
        });
    }

    private static boolean isStopped(Path thread) {
        try {
            String status = Files.readString(thread.resolve("stat"));
            return status.charAt(status.lastIndexOf(')') + 2) == 'T';
        } catch (IOException e) {
            return false; // it has ended since they were listed
        }
    }
}
