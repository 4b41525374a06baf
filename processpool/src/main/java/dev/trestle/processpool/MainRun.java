package dev.trestle.processpool;

import dev.trestle.api.Call;
import dev.trestle.processpool.jvm.MainCommand;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A call that runs a program, whose {@code main} may call {@code System.exit}, in a JVM of its own below the worker.
 *
 * <p>The worker waits while the program runs, so a program takes the place of a call: in the queue, in the number of
 * workers, in limits, cancellation, the end of the pool and the death of the worker.
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
        FutureTask<String> out = read("trestle-main-out", process.getInputStream(), maxOutput);
        FutureTask<String> err = read("trestle-main-err", process.getErrorStream(), maxOutput);
        try {
            process.getOutputStream().close(); // its stdin is empty
            int exitCode = process.waitFor();
            command.endRest(process);
            try {
                return new MainResult(exitCode, textOf(out), textOf(err));
            } catch (TimeoutException e) {
                throw new IOException(
                        mainClass + " has ended with exit code " + exitCode
                                + ", and a process that it has left behind still holds its output",
                        e);
            }
        } finally {
            command.endRest(process);
        }
    }

    private static FutureTask<String> read(String name, InputStream from, int most) {
        var reading = new FutureTask<>(() -> {
            var output = new BoundedOutput(most);
            output.readAll(from);
            return output.text();
        });
        Thread.ofPlatform().name(name).daemon().start(reading);
        return reading;
    }

    private static String textOf(FutureTask<String> output) throws IOException, InterruptedException, TimeoutException {
        try {
            return output.get(LAST_OUTPUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException("The output of a program could not be read", e.getCause());
        }
    }
}
