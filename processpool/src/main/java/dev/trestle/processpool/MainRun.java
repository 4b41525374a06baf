package dev.trestle.processpool;

import dev.trestle.api.Call;
import dev.trestle.processpool.jvm.MainCommand;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;

/**
 * A call that runs a program, whose {@code main} may call {@code System.exit}, in a JVM of its own below the worker.
 *
 * <p>The worker waits meanwhile, so a program takes the place of a call: in the queue, in the number of workers, in
 * limits, cancellation, the end of the pool and the death of the worker.
 */
final class MainRun {

    /** The time that the outputs may stay open after the program and all that it has started have ended. */
    private static final Duration LAST_OUTPUT = Duration.ofSeconds(2);

    private MainRun() {}

    /** Returns the call. */
    static Call<MainResult> of(String mainClass, List<String> arguments, int maxOutput) {
        return () -> run(mainClass, arguments, maxOutput);
    }

    private static MainResult run(String mainClass, List<String> arguments, int maxOutput)
            throws IOException, InterruptedException {
        MainCommand command = MainCommand.of(mainClass, arguments);
        Process process = command.start();
        var out = new BoundedOutput(maxOutput);
        var err = new BoundedOutput(maxOutput);
        Thread outReader = read("trestle-main-out", process.getInputStream(), out);
        Thread errReader = read("trestle-main-err", process.getErrorStream(), err);
        try {
            process.getOutputStream().close(); // its stdin is empty
            int exitCode = process.waitFor();
            command.endRest(process);
            boolean isRead = outReader.join(LAST_OUTPUT) && errReader.join(LAST_OUTPUT);
            if (!isRead) {
                throw new IOException(mainClass + " has ended with exit code " + exitCode
                        + ", and a process that it has left behind still holds its output");
            }
            return new MainResult(exitCode, out.text(), err.text());
        } finally {
            command.endRest(process);
        }
    }

    private static Thread read(String name, InputStream from, BoundedOutput to) {
        return Thread.ofPlatform().name(name).daemon().start(() -> {
            try {
                to.readAll(from);
            } catch (IOException e) {
                throw new UncheckedIOException(e); // the end of a killed process looks like the end of its output
            }
        });
    }
}
