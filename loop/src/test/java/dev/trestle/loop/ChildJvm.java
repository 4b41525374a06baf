package dev.trestle.loop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program in a JVM of its own, for what would disturb the other tests of this one. */
public final class ChildJvm {

    private static final long LIMIT_SECONDS = 60;

    private ChildJvm() {}

    /**
     * Runs a program with the class path of this JVM, and what is opened in this one; returns its lines, standard error
     * included.
     */
    static List<String> run(Class<?> main, String... options) throws IOException, InterruptedException {
        return run(main, LIMIT_SECONDS, List.of(options));
    }

    /** Runs a program for a limited time, with arguments; see {@link #run(Class, String...)}. */
    public static List<String> run(Class<?> main, long limitSeconds, List<String> options, String... arguments)
            throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Object.class.getModule().isOpen("java.lang", EventLoop.class.getModule())) {
            command.add("--add-opens=java.base/java.lang=ALL-UNNAMED");
        }
        command.add("-XX:+UseSerialGC");
        command.add("-XX:TieredStopAtLevel=1");
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            Thread limit = Thread.ofVirtual().start(() -> {
                try {
                    if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
                        process.destroyForcibly();
                    }
                } catch (InterruptedException e) {
                    process.destroyForcibly();
                }
            });
            var lines = new ArrayList<>(process.inputReader().readAllLines());
            int code = process.waitFor();
            limit.join();
            if (code != 0) {
                lines.add("exit code " + code + ", or killed after " + limitSeconds + " s");
            }
            return lines;
        } finally {
            process.destroyForcibly();
        }
    }
}
