package dev.trestle.processpool;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A directory that only this user may enter, for the sockets, argument files and crash logs of one pool's workers. */
final class PrivateDirectory implements AutoCloseable {

    /*
     * The owner holds a lock on a file in the directory for as long as it lives; the kernel drops it however the owner
     * ends. So a directory whose lock is free belongs to the dead. A process id in the name would not do: containers
     * share temporary directories and not process ids. POSIX locks belong to the process and are lost when it closes any
     * handle of the file, so our own directories are left out by name before one is opened.
     */

    private static final Logger logger = LoggerFactory.getLogger(PrivateDirectory.class);

    private static final String PREFIX = "trestle-";
    private static final String LOCK = "owner.lock";
    /** Between the making of a directory and the locking of its file nobody may take it for stale. */
    private static final Duration UNLOCKED_GRACE = Duration.ofMinutes(1);

    private static final Set<Path> ours = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final FileChannel lockFile;

    private PrivateDirectory(Path path, FileChannel lockFile) {
        this.path = path;
        this.lockFile = lockFile;
    }

    /** Creates a directory in another one, usually the temporary directory. */
    static PrivateDirectory create(Path parent) {
        try {
            // Mode 0700 where there are modes. Absolute, since workers may have another working directory.
            Path path = Files.createTempDirectory(parent.toAbsolutePath(), PREFIX);
            ours.add(path);
            FileChannel lockFile =
                    FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            if (lockFile.tryLock() == null) {
                throw new IOException("Somebody else has locked " + path.resolve(LOCK));
            }
            return new PrivateDirectory(path, lockFile);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "A process pool needs a private directory and cannot create one in " + parent
                            + " (is it writable, is the disk full?). Set java.io.tmpdir to a directory that is.",
                    e);
        }
    }

    Path resolve(String name) {
        return path.resolve(name);
    }

    Path path() {
        return path;
    }

    /** Returns the directories that this program has. */
    static Set<Path> ours() {
        return Set.copyOf(ours);
    }

    /** Deletes the directory with everything in it. */
    @Override
    public void close() {
        try {
            deleteTree(path);
        } catch (IOException e) {
            logger.warn("Cannot delete the private directory {} of a process pool", path, e);
        } finally {
            try {
                lockFile.close();
            } catch (IOException e) {
                logger.warn("Cannot close the lock file of {}", path, e);
            }
            ours.remove(path);
        }
    }

    /** Deletes the directories of owners that died without closing their pools. */
    static void removeStale(Path parent) {
        try (DirectoryStream<Path> candidates = Files.newDirectoryStream(parent.toAbsolutePath(), PREFIX + "*")) {
            for (Path candidate : candidates) {
                if (!ours.contains(candidate)) {
                    removeIfStale(candidate);
                }
            }
        } catch (IOException e) {
            logger.debug("Cannot look for directories of dead process pools in {}", parent, e);
        }
    }

    private static void removeIfStale(Path directory) {
        try (FileChannel lockFile = FileChannel.open(directory.resolve(LOCK), StandardOpenOption.WRITE);
                @Nullable FileLock lock = lockFile.tryLock()) {
            if (lock != null) {
                deleteTree(directory);
            }
        } catch (NoSuchFileException e) {
            removeIfOldAndEmpty(directory);
        } catch (IOException e) {
            // Another user's, or going away this very moment: not ours to remove.
            logger.debug("{} is left alone", directory, e);
        }
    }

    private static void removeIfOldAndEmpty(Path directory) {
        try {
            Instant made = Files.getLastModifiedTime(directory).toInstant();
            if (made.plus(UNLOCKED_GRACE).isBefore(Instant.now())) {
                Files.deleteIfExists(directory); // only if it is empty: without a lock file we cannot tell whose it is
            }
        } catch (IOException e) {
            logger.debug("{} is left alone", directory, e);
        }
    }

    private static void deleteTree(Path root) throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE; // a worker may have removed it meanwhile
                }
                throw e;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
