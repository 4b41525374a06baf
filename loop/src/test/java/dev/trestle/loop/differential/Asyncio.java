package dev.trestle.loop.differential;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A Python that runs programs on asyncio; ends with its input. */
final class Asyncio implements AutoCloseable {

    private static final String SUPPORTED = "import sys; sys.exit(sys.version_info < (3, 11))";

    private final Process process;
    private final Writer programs;
    private final BufferedReader traces;

    /** Starts {@code python3}. */
    Asyncio() {
        try (InputStream source = Resource.open("interpreter.py")) {
            String code = new String(source.readAllBytes(), StandardCharsets.UTF_8);
            process = new ProcessBuilder("python3", "-c", code)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException("python3 cannot be started", e);
        }
        programs = process.outputWriter(StandardCharsets.UTF_8);
        traces = process.inputReader(StandardCharsets.UTF_8);
    }

    /** Returns whether there is a {@code python3}, and it is 3.11 or later. */
    static boolean isThere() {
        try {
            Process python = new ProcessBuilder("python3", "-c", SUPPORTED).start();
            return python.waitFor(10, TimeUnit.SECONDS) && python.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    List<String> trace(List<Statement> program) {
        try {
            programs.write(program + "\n");
            programs.flush();
            @Nullable String answer = traces.readLine();
            if (answer == null) {
                throw new IllegalStateException("python3 ended, see its standard error, at the program " + program);
            }
            return Json.read(answer).stream().map(String.class::cast).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("python3 does not answer to the program " + program, e);
        }
    }

    @Override
    public void close() {
        try {
            programs.close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
