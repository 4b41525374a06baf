package dev.trestle.processpool;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;

/** The class path of the tests, with a jar in the place of each directory. */
final class JarClassPath {

    private JarClassPath() {}

    static String in(Path folder) throws IOException {
        var entries = new ArrayList<String>();
        for (String entry : System.getProperty("java.class.path").split(Pattern.quote(File.pathSeparator), -1)) {
            Path path = Path.of(entry);
            if (Files.isDirectory(path)) {
                entries.add(jar(path, folder.resolve(entries.size() + ".jar")));
            } else if (Files.isRegularFile(path)) {
                entries.add(entry);
            }
        }
        return String.join(File.pathSeparator, entries);
    }

    private static String jar(Path directory, Path file) throws IOException {
        var errors = new StringWriter();
        var writer = new PrintWriter(errors);
        int exit = ToolProvider.findFirst("jar")
                .orElseThrow()
                .run(writer, writer, "-c", "-M", "-f", file.toString(), "-C", directory.toString(), ".");
        if (exit != 0) {
            throw new IOException("jar cannot pack " + directory + ": " + errors);
        }
        return file.toString();
    }
}
