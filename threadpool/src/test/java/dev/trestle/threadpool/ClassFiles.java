package dev.trestle.threadpool;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The class files of a program. */
final class ClassFiles {

    private ClassFiles() {}

    /** Returns the class files of all classes that are in the same directories and jars as some classes, by name. */
    static Map<String, byte[]> of(Class<?>... some) throws IOException {
        var files = new HashMap<String, byte[]>();
        for (Class<?> each : some) {
            Path location = location(each);
            if (Files.isDirectory(location)) {
                add(location, files);
            } else {
                try (var jar = FileSystems.newFileSystem(location)) {
                    add(jar.getPath("/"), files);
                }
            }
        }
        return files;
    }

    private static Path location(Class<?> type) {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void add(Path root, Map<String, byte[]> files) throws IOException {
        try (var found = Files.walk(root)) {
            for (Path each : found.toList()) {
                String path = root.relativize(each).toString();
                if (path.endsWith(".class") && !path.endsWith("-info.class")) { // neither packages nor modules
                    files.put(path.replace(".class", "").replace('/', '.'), Files.readAllBytes(each));
                }
            }
        }
    }
}
