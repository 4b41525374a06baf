package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

/** The class path in the manifest of a jar file. */
public final class ManifestPath {

    /**
     * A class path of so few jars may be one that names others in its manifest: that of {@code java -jar}, of an IDE.
     */
    public static final int FEW = 2;

    private ManifestPath() {}

    /**
     * Returns the files that the manifest of a jar file names.
     *
     * @throws IOException if it cannot be read, or names what is no file
     */
    public static List<Path> of(Path jar) throws IOException {
        try (var file = new JarFile(jar.toFile())) {
            Manifest manifest = file.getManifest();
            String named =
                    manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
            var paths = new ArrayList<Path>();
            URI base = jar.toUri();
            for (String each : named == null || named.isBlank()
                    ? new String[0]
                    : named.strip().split(" +")) {
                paths.add(Path.of(base.resolve(each)));
            }
            return paths;
        } catch (IllegalArgumentException | FileSystemNotFoundException e) {
            throw new IOException("The manifest of " + jar + " names what is no file", e);
        }
    }
}
