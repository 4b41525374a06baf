package dev.trestle.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The class files in jars, directories or the running JDK, found but not read. Must be closed: until then its jars are
 * open.
 */
final class ClassFiles implements AutoCloseable {

    /**
     * The largest file that is read. The class file format has far lower limits; a larger file is no class file, and
     * would only fill the memory.
     */
    static final long LARGEST = 64L << 20;

    private static final int BATCH_FILES = 150;
    private static final long BATCH_BYTES = 1 << 20;

    private final List<ClassLocation> found = new ArrayList<>();
    private final List<Unreadable> unreadable = new ArrayList<>();
    private final List<FileSystem> jars = new ArrayList<>();

    private ClassFiles() {}

    /**
     * Finds the class files in some sources; blocks.
     *
     * @param sources jars, directories and single class files; if there are none, the running JDK's modules
     */
    static ClassFiles find(List<Path> sources) {
        var files = new ClassFiles();
        if (sources.isEmpty()) {
            files.walk(Path.of(URI.create("jrt:/")), "jrt:/");
        }
        sources.forEach(files::add);
        return files;
    }

    private void add(Path source) {
        try {
            if (Files.isDirectory(source)) {
                walk(source.toRealPath(), source + "/");
            } else if (isClassFile(source)) {
                walk(source.toRealPath(), source.toString());
            } else {
                FileSystem jar = FileSystems.newFileSystem(source);
                jars.add(jar);
                jar.getRootDirectories().forEach(root -> walk(root, source + "!/"));
            }
        } catch (IOException | RuntimeException e) {
            // Most garbage in place of a jar causes a ZipException; a few kinds cause another exception, not even an
            // IOException.
            unreadable.add(Unreadable.because(source.toString(), e));
        }
    }

    private static boolean isClassFile(Path file) {
        return file.toString().endsWith(".class");
    }

    private void walk(Path root, String prefix) {
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    if (isClassFile(file)) {
                        add(prefix + root.relativize(file), file, attributes.size());
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException problem) {
                    unreadable.add(Unreadable.because(prefix + root.relativize(file), problem));
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException problem) {
                    return problem == null ? FileVisitResult.CONTINUE : visitFileFailed(directory, problem);
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("A visitor that throws nothing threw", e);
        }
    }

    private void add(String name, Path file, long size) {
        if (size > LARGEST) {
            unreadable.add(new Unreadable(name, size + " bytes: too large for a class file"));
        } else {
            found.add(new ClassLocation(name, file, size));
        }
    }

    /** Returns the number of entries, readable or not. */
    long size() {
        return (long) found.size() + unreadable.size();
    }

    /** Returns the sources and entries that are known to be unreadable before anything is read. */
    List<Unreadable> unreadable() {
        return Collections.unmodifiableList(unreadable);
    }

    /** Returns the class files in portions that are worth a call each: many small ones, or a few large ones. */
    Iterator<List<ClassLocation>> batches() {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < found.size();
            }

            @Override
            public List<ClassLocation> next() {
                if (!hasNext()) {
                    throw new NoSuchElementException("All " + found.size() + " class files are in earlier batches");
                }
                int start = next;
                long bytes = 0;
                do {
                    bytes += found.get(next++).size();
                } while (hasNext()
                        && next - start < BATCH_FILES
                        && bytes + found.get(next).size() <= BATCH_BYTES);
                return found.subList(start, next);
            }
        };
    }

    @Override
    public void close() {
        for (FileSystem jar : jars) {
            try {
                jar.close();
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot close " + jar, e);
            }
        }
    }

    @Override
    public String toString() {
        return "ClassFiles[found=" + found.size() + ", unreadable=" + unreadable.size() + ", jars=" + jars.size() + "]";
    }
}
