package dev.trestle.processpool.values;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The versions of the classes that calls run, so that a worker runs the code that the program has, or none. A call has
 * those of the class that its code is in and of its superclasses. One per class loader of the program; thread-safe.
 */
final class ClassVersions {

    /*
     * The problem: javac numbers lambdas, so a jar with one lambda more, put in the place of the program's, has another
     * body under the name that a call sends.
     *
     * A JVM does not tell what bytes a class was made of; one can only read its file again, which may be a new one by
     * then. A worker reads the file after it has loaded the class: if another file came in between, the versions differ
     * and the call is refused, which is safe. The program must not believe what it reads in that case, since the worker
     * would read the same: so it refuses a call whose class file is not the one that was there before. That is known
     *
     * - of the files that the class path and the module path of the JVM name, from the first pool on: key, size and
     *   time are kept;
     * - of these, and of all that the class loaders of the JVM have: one that was modified after the JVM had started is
     *   another;
     * - of all other files, from the first call on whose class is in them: for each class loader anew, since one that
     *   came later has read another file of the same name.
     */

    private final Map<Path, Identity> noted = new ConcurrentHashMap<>();

    /** The signs by which two versions of a file differ. */
    private record Identity(@Nullable Object key, long size, FileTime modified) {

        private static final Identity MISSING = new Identity(null, -1, FileTime.fromMillis(0));

        static Identity of(Path file) {
            try {
                var attributes = Files.readAttributes(file, BasicFileAttributes.class);
                return new Identity(attributes.fileKey(), attributes.size(), attributes.lastModifiedTime());
            } catch (NoSuchFileException e) {
                return MISSING;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /**
     * The state of this JVM's class files at its start.
     *
     * @param time the time at which the JVM started
     * @param files the files that its class path and its module path name
     */
    private record Start(FileTime time, Map<Path, Identity> files) {

        private static volatile @Nullable Start known;

        /** Returns the start. No class initializer finds it: one that fails for lack of memory has failed forever. */
        static Start get() {
            Start start = known;
            if (start == null) {
                synchronized (Start.class) {
                    start = known;
                    if (start == null) {
                        start = find();
                        known = start;
                    }
                }
            }
            return start;
        }

        private static Start find() {
            var files = new HashMap<Path, Identity>();
            for (File each : named("java.class.path")) {
                note(each, files);
            }
            for (File each : named("jdk.module.path")) {
                note(each, files);
                File[] within = each.listFiles();
                for (File file : within == null ? new File[0] : within) {
                    note(file, files);
                }
            }
            long time = ManagementFactory.getRuntimeMXBean().getStartTime();
            return new Start(FileTime.fromMillis(time), files);
        }

        private static List<File> named(String path) {
            var files = new ArrayList<File>();
            for (String each : System.getProperty(path, "").split(Pattern.quote(File.pathSeparator), -1)) {
                if (!each.isEmpty()) {
                    files.add(new File(each));
                }
            }
            return files;
        }

        private static void note(File file, Map<Path, Identity> files) {
            try {
                Path path = file.getCanonicalFile().toPath(); // as the class loaders of the JVM have it
                if (Files.isRegularFile(path)) {
                    files.put(path, Identity.of(path));
                }
            } catch (IOException | UncheckedIOException | InvalidPathException e) {
                // The file cannot be looked at, so no class is loaded from it either.
                return;
            }
        }
    }

    /**
     * Returns the versions of the classes that a call runs, in the program.
     *
     * @param roots the classes that its code is in
     * @return a number for each of these and of their superclasses; of the JDK's, none
     * @throws RefusedException if a file has changed, so that the version of a class cannot be known any more
     */
    long[] ofProgram(Class<?>... roots) {
        Set<Class<?>> code = code(roots);
        long[] versions = new long[code.size()];
        int count = 0;
        for (Class<?> each : code) {
            versions[count++] = ofProgram(each);
        }
        return versions;
    }

    private long ofProgram(Class<?> type) {
        ClassSource source = ClassSource.of(type);
        Path file = source == null ? null : source.file();
        if (file == null) {
            return version(type, source);
        }
        try {
            Start start = Start.get();
            Identity before = start.files.get(file);
            boolean since = before != null || isOfJvm(type.getClassLoader());
            if (before == null) {
                noted.putIfAbsent(file, Identity.of(file));
                before = noted.get(file);
            }
            long version = version(type, source);
            Identity now = Identity.of(file);
            if (!now.equals(before) || (since && now.modified.compareTo(start.time) > 0)) {
                throw new RefusedException(
                        type.getName(),
                        "has changed on disk since the program loaded it: " + file + " "
                                + (now == Identity.MISSING
                                        ? "is gone"
                                        : "was replaced by a file of " + now.modified
                                                + (since ? ", and the program runs since " + start.time : ""))
                                + ". A worker could run other code than the program has",
                        "Restart the program.");
            }
            return version;
        } catch (UncheckedIOException e) {
            throw unreadable(type, e);
        }
    }

    /**
     * Checks, in a worker, that the classes that a call runs are those of the program.
     *
     * @param program the result of {@link #ofProgram} there
     * @param roots the classes that the call's code is in
     * @throws RefusedException if they are not
     */
    static void check(long[] program, Class<?>... roots) {
        int index = 0;
        for (Class<?> each : code(roots)) {
            long expected = index < program.length ? program[index] : ClassSource.NO_VERSION;
            if (expected != ClassSource.NO_VERSION) {
                check(expected, each);
            }
            index++;
        }
    }

    private static void check(long expected, Class<?> type) {
        ClassSource source = ClassSource.of(type);
        long found = version(type, source);
        if (found != ClassSource.NO_VERSION && found != expected) {
            throw new RefusedException(
                    type.getName(),
                    "is another version in the worker, with " + text(found) + " in " + source + ", than in the program,"
                            + " with " + text(expected),
                    "Have the classes changed on disk since the program started? Then restart the program. Does the"
                            + " pool have a class path of its own? Then name the files there that the program has.");
        }
    }

    private static String text(long version) {
        return "%d bytes and checksum %08x".formatted(version >>> Integer.SIZE, (int) version);
    }

    /** Returns the classes and their superclasses, in an order that is the same in the program and in the worker. */
    private static Set<Class<?>> code(Class<?>... roots) {
        Set<Class<?>> code = new LinkedHashSet<>();
        for (Class<?> root : roots) {
            for (Class<?> each = root; each != null && !JavaClasses.isOfJdk(each); each = each.getSuperclass()) {
                code.add(each);
            }
        }
        return code;
    }

    private static long version(Class<?> type, @Nullable ClassSource source) {
        try {
            return source == null ? ClassSource.NO_VERSION : source.version();
        } catch (IOException e) {
            throw unreadable(type, e);
        }
    }

    private static RefusedException unreadable(Class<?> type, Exception e) {
        return new RefusedException(
                type.getName(),
                "cannot be compared in program and worker, since its class file cannot be read: " + e,
                "Has it changed on disk since the program started? Then restart the program.");
    }

    private static boolean isOfJvm(@Nullable ClassLoader loader) {
        return loader == ClassLoader.getSystemClassLoader();
    }
}
