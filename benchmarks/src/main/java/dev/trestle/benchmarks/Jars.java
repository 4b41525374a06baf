package dev.trestle.benchmarks;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;

/**
 * This program's class path as its users have it, in jars: a JVM makes no AOT cache of directories. The jars are files
 * of a temporary directory, which closing removes.
 */
final class Jars implements AutoCloseable {

    private final Path directory;
    private final List<String> entries = new ArrayList<>();

    Jars() throws IOException {
        this.directory = Files.createTempDirectory("trestle-benchmarks-");
        for (String entry : System.getProperty("java.class.path").split(Pattern.quote(File.pathSeparator), -1)) {
            Path path = Path.of(entry);
            if (Files.isDirectory(path)) {
                entries.add(packed(path, directory.resolve(entries.size() + ".jar")));
            } else if (Files.isRegularFile(path)) {
                entries.add(entry);
            }
        }
    }

    private static String packed(Path classes, Path jar) throws IOException {
        var said = new StringWriter();
        var writer = new PrintWriter(said);
        int exit = ToolProvider.findFirst("jar")
                .orElseThrow()
                .run(writer, writer, "-c", "-M", "-f", jar.toString(), "-C", classes.toString(), ".");
        if (exit != 0) {
            throw new IOException("The jar tool cannot pack " + classes + ": " + said);
        }
        return jar.toString();
    }

    String classPath() {
        return String.join(File.pathSeparator, entries);
    }

    @Override
    public void close() throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
