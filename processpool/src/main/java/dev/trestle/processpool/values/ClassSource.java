package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.jar.JarFile;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The place that a class of the program was loaded from.
 *
 * @param type the class
 * @param kind the way in which its class file is found there
 * @param file the jar or the class file; of a jar within a jar, the outer one; null if no file is known
 */
record ClassSource(Class<?> type, Kind kind, @Nullable Path file) {

    /** Ways to a class file. */
    enum Kind {
        /** The class is in a jar. */
        JAR,
        /** The class is a file of its own. */
        FILE,
        /** The class loader must be asked for the class. */
        LOADER
    }

    /** The version of a class that has no class file, such as one that was made in memory. */
    static final long NO_VERSION = 0;

    /** Returns the source of a class, or null if it is of the JDK, or hidden. */
    static @Nullable ClassSource of(Class<?> type) {
        if (JavaClasses.isOfJdk(type) || type.isHidden()) {
            return null;
        }
        CodeSource source = type.getProtectionDomain().getCodeSource();
        URL location = source == null ? null : source.getLocation();
        if (location == null) {
            return new ClassSource(type, Kind.LOADER, null);
        }
        return switch (location.getProtocol()) {
            case "jrt" -> new ClassSource(type, Kind.LOADER, null); // linked to the JDK by jlink
            case "file" -> ofFile(type, path(location.toString()));
            default -> new ClassSource(type, Kind.LOADER, outermost(location.toString()));
        };
    }

    private static ClassSource ofFile(Class<?> type, Path path) {
        return Files.isDirectory(path)
                ? new ClassSource(type, Kind.FILE, path.resolve(fileName(type)))
                : new ClassSource(type, Kind.JAR, path);
    }

    private static Path path(String fileUrl) {
        try {
            return Path.of(URI.create(fileUrl));
        } catch (IllegalArgumentException e) {
            return Path.of(fileUrl.substring("file:".length())); // made by hand, without escaping anything
        }
    }

    /** Returns the file that a URL such as {@code jar:nested:/a/b.jar/!c.jar!/} leads through. */
    private static @Nullable Path outermost(String url) {
        int end = url.indexOf('!');
        int start = url.indexOf("nested:");
        int name = start < 0 ? url.indexOf("file:") + "file:".length() : start + "nested:".length();
        if (end < name || name < "file:".length()) {
            return null;
        }
        String inner = url.substring(name, end);
        return path("file:" + (inner.endsWith("/") ? inner.substring(0, inner.length() - 1) : inner));
    }

    private static String fileName(Class<?> type) {
        return type.getName().replace('.', '/') + ".class";
    }

    /**
     * Returns the length and the checksum of the class file as it is now.
     *
     * @return a number that other class files hardly have; {@link #NO_VERSION} if there is no file
     */
    long version() throws IOException {
        try {
            return switch (kind) {
                case JAR -> inJar(fileName(type));
                case FILE -> version(Files.readAllBytes(requireNonNull(file)));
                case LOADER -> fromLoader();
            };
        } catch (NoSuchFileException e) {
            return NO_VERSION;
        }
    }

    /**
     * Reads a version from the jar's directory, which is in memory, since the class loader has opened the same file.
     */
    private long inJar(String name) throws IOException {
        try (var jar = new JarFile(requireNonNull(file).toFile(), false, ZipFile.OPEN_READ, JarFile.runtimeVersion())) {
            ZipEntry entry = jar.getEntry(name);
            return entry == null ? NO_VERSION : version(entry.getSize(), entry.getCrc());
        } catch (ZipException e) {
            return fromLoader(); // no jar: a class that java has compiled in memory is said to be in its source file
        }
    }

    private long fromLoader() throws IOException {
        try (InputStream in = type.getModule().getResourceAsStream(fileName(type))) {
            return in == null ? NO_VERSION : version(in.readAllBytes());
        }
    }

    private static long version(byte[] classFile) {
        var checksum = new CRC32();
        checksum.update(classFile);
        return version(classFile.length, checksum.getValue());
    }

    private static long version(long length, long checksum) {
        return length << Integer.SIZE | checksum;
    }

    @Override
    public String toString() {
        return file == null ? "its class loader" : file.toString();
    }
}
