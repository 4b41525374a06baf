package dev.trestle.processpool.jvm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.wire.SharedArrays;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A directory that only this user may enter, for the sockets, argument files and crash logs of one pool's workers.
 * Thread-safe.
 */
public final class PrivateDirectory implements AutoCloseable {

    /*
     * Two kinds of programs delete files that are not theirs. Other pools sweep up after programs that died, so a
     * directory has a proof of life: a socket on which its owner listens. The kernel refuses connections to it as soon
     * as the owner is gone, however it went. Nothing else will do: a process id means nothing in another container that
     * has the same temporary directory, and a file lock of POSIX is dropped by the first code of this process, of
     * whatever class loader, that closes another handle of the file. No code ever accepts a connection: to connect is
     * proof enough. A new directory has no socket, since the JDK takes a while to set up the first socket of a program;
     * `ensure` makes the socket. Until then no sweep deletes the directory, which is young.
     *
     * The other kind, such as systemd-tmpfiles, deletes old files. So files are touched every hour, and a directory, or
     * a socket, that is gone all the same is made anew before the next worker starts.
     */

    private static final Log logger = Log.of(PrivateDirectory.class);

    /** The interval at which files are touched. */
    public static final Duration TOUCH = Duration.ofHours(1);

    static final String PREFIX = "trestle-";

    private static final Set<Path> ours = ConcurrentHashMap.newKeySet();

    private final Path parent;

    /** The name that it has to have; null if any name will do. */
    private final @Nullable String name;

    @GuardedBy("this")
    private boolean closed;

    /** The identity of the directory; null where the system does not tell directories apart. */
    @GuardedBy("this")
    private @Nullable Object key;

    @GuardedBy("this")
    private @Nullable UserPrincipal owner;

    @GuardedBy("this")
    private Set<PosixFilePermission> permissions = Set.of();

    @GuardedBy("this")
    private @Nullable ServerSocketChannel proof;

    private volatile Path path;

    /** True if the JVM deletes this directory, with all files made in it, at its very end. */
    private volatile boolean deletedAtExit;

    private PrivateDirectory(Path parent, @Nullable String name) throws IOException {
        this.parent = parent;
        this.name = name;
        this.path = makeElsewhere();
    }

    /**
     * Creates a directory in another one, usually the temporary directory. It has no proof of life before
     * {@link #ensure}.
     */
    public static PrivateDirectory create(Path parent) {
        try {
            // Absolute, since workers may have another working directory.
            return new PrivateDirectory(parent.toAbsolutePath(), null);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "A process pool needs a private directory and cannot create one in " + parent
                            + " (is it writable, is the disk full?). Set java.io.tmpdir to a directory that is.",
                    e);
        }
    }

    /**
     * Creates a directory with the same name in another one, where {@link #removeStale} looks too.
     *
     * @throws IOException if that cannot be, or if there is something with this name
     */
    PrivateDirectory createSibling(Path otherParent) throws IOException {
        return new PrivateDirectory(otherParent, String.valueOf(path.getFileName()));
    }

    public Path resolve(String name) {
        Path file = path.resolve(name);
        if (deletedAtExit) {
            deleteAtExit(file);
        }
        return file;
    }

    public Path path() {
        return path;
    }

    /** Returns the directories that this program has. */
    public static Set<Path> ours() {
        return Set.copyOf(ours);
    }

    // Staying there

    /**
     * Makes the directory anew if it is gone, and its proof of life if there is none. To be called before files are
     * made in it.
     *
     * @throws IOException if that cannot be, or if there is something else in its place; then there will be another
     *     directory, of which {@link #resolve} knows
     */
    public synchronized void ensure() throws IOException {
        if (closed) {
            throw new IOException("The private directory " + path + " has been deleted, since its pool has ended");
        }
        try {
            if (!isThis(attributesOf(path))) {
                throw new FileAlreadyExistsException(path.toString());
            }
        } catch (NoSuchFileException e) {
            logger.warn("The private directory {} of a process pool was deleted, and is made anew", path);
            makeAgain();
        } catch (FileAlreadyExistsException e) {
            makeElsewhereInsteadOf(e);
        }
        if (!Files.exists(path.resolve(proof == null ? StaleDirectories.NO_SOCKET : StaleDirectories.SOCKET))) {
            prove();
        }
    }

    private static BasicFileAttributes attributesOf(Path directory) throws IOException {
        var posix = Files.getFileAttributeView(directory, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        return posix == null
                ? Files.readAttributes(directory, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                : posix.readAttributes();
    }

    /**
     * Returns whether what was found is the directory that this program has made. Its number is not enough, since the
     * system gives the numbers of what was deleted to what is made next, by whatever user.
     */
    private synchronized boolean isThis(BasicFileAttributes found) {
        return found.isDirectory()
                && Objects.equals(found.fileKey(), key)
                && (!(found instanceof PosixFileAttributes posix)
                        || (posix.owner().equals(owner) && posix.permissions().equals(permissions)));
    }

    private synchronized void makeAgain() throws IOException {
        try {
            taken(Files.createDirectory(path, ownerOnly(parent)));
        } catch (FileAlreadyExistsException e) {
            makeElsewhereInsteadOf(e);
        }
    }

    private synchronized void makeElsewhereInsteadOf(FileAlreadyExistsException e) throws IOException {
        Path before = path;
        ours.remove(before);
        path = makeElsewhere();
        throw new IOException(
                "The private directory " + before
                        + " was deleted, and something else is in its place. Further workers use " + path,
                e);
    }

    private Path make() throws IOException {
        // To guess the name gains nothing: what exists is not taken. A SecureRandom would take milliseconds to
        // set up.
        while (name == null) {
            String number = Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), Character.MAX_RADIX);
            try {
                return Files.createDirectory(parent.resolve(PREFIX + number), ownerOnly(parent));
            } catch (FileAlreadyExistsException e) {
                logger.debug("A name for a private directory is taken", e);
            }
        }
        return Files.createDirectory(parent.resolve(name), ownerOnly(parent));
    }

    private synchronized Path makeElsewhere() throws IOException {
        Path made = make();
        try {
            return taken(made);
        } catch (Throwable e) {
            ours.remove(made);
            Files.deleteIfExists(made); // which is empty
            throw e;
        }
    }

    private static FileAttribute<?>[] ownerOnly(Path parent) throws IOException {
        return Files.getFileStore(parent).supportsFileAttributeView("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
                }
                : new FileAttribute<?>[0];
    }

    private synchronized Path taken(Path made) throws IOException {
        BasicFileAttributes attributes = attributesOf(made);
        key = attributes.fileKey();
        if (attributes instanceof PosixFileAttributes posix) {
            owner = posix.owner();
            permissions = posix.permissions();
            TrustedPath.learn(posix.owner());
            if (!permissions.equals(StaleDirectories.OWNERS)) {
                logger.warn(
                        "The private directory {} of a process pool has the mode {}, since its file system does not"
                            + " keep modes: other users of this machine may enter. Set java.io.tmpdir to a directory"
                            + " on another file system.",
                        made,
                        PosixFilePermissions.toString(permissions));
            }
        }
        path = made;
        ours.add(made);
        if (deletedAtExit) {
            deleteAtExit(made);
        }
        return made;
    }

    /**
     * Listens on the socket that shows that we live. Where there is none, the age of the directory has to do. The
     * socket gets its name when it takes connections: before, it would refuse them, as that of a dead owner does.
     */
    private synchronized void prove() throws IOException {
        if (deletedAtExit) {
            return; // a socket that comes now could keep the JVM from deleting the directory
        }
        closeProof();
        Path socket = resolve(StaleDirectories.SOCKET);
        Path unproven = resolve(StaleDirectories.UNPROVEN_SOCKET);
        try {
            Files.deleteIfExists(unproven);
            proof = Rendezvous.listen(unproven);
            Files.move(unproven, socket, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | UnsupportedOperationException e) {
            logger.debug("No Unix-domain socket at {}: the directory is kept by touching it", socket, e);
            closeProof();
            Files.write(resolve(StaleDirectories.NO_SOCKET), new byte[0]);
        }
    }

    private synchronized void closeProof() {
        try {
            if (proof != null) {
                proof.close();
            }
        } catch (IOException e) {
            logger.debug("Cannot close the socket of {}", path, e);
        }
        proof = null;
    }

    /** Makes everything in the directory young, and the directory anew if it is gone. */
    public void keepYoung() {
        try {
            ensure();
        } catch (IOException e) {
            logger.debug("Cannot restore the private directory {}", path, e); // the next worker tries again
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            touch(path);
            for (Path each : files) {
                touch(each);
                if (isShared(each)) {
                    touchAll(each);
                }
            }
        } catch (IOException e) {
            logger.debug("{} cannot be kept young", path, e);
        }
    }

    private static boolean isShared(Path file) {
        return file.endsWith(SharedArrays.DIRECTORY) && Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS);
    }

    private static void touchAll(Path directory) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path each : files) {
                touch(each);
            }
        }
    }

    private static void touch(Path file) throws IOException {
        FileTime now = FileTime.from(Instant.now());
        try {
            Files.getFileAttributeView(file, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .setTimes(now, now, null);
        } catch (NoSuchFileException e) {
            logger.debug("{} is gone already", file, e);
        }
    }

    /**
     * Deletes the directories of owners that died without closing their pools. Blocks; on no thread that others need.
     */
    public void removeStale() {
        StaleDirectories.remove(parent, path);
        if (Files.isDirectory(SharedFiles.MEMORY) && !parent.equals(SharedFiles.MEMORY)) {
            StaleDirectories.remove(SharedFiles.MEMORY, path);
        }
    }

    /**
     * Makes the JVM delete the directory when all shutdown hooks have ended, with the files that are in it now and
     * those that {@link #resolve} names until then. Returns at once. To be called in a shutdown hook: the JVM never
     * forgets a name.
     */
    public synchronized void deleteAtExit() {
        if (closed) {
            return;
        }
        deletedAtExit = true;
        deleteAtExit(path); // first, since the JVM begins with the last
        try {
            deleteAllAtExit(path);
            Path shared = path.resolve(SharedArrays.DIRECTORY);
            if (isShared(shared)) {
                deleteAllAtExit(shared);
            }
        } catch (IOException | DirectoryIteratorException e) {
            logger.debug("The files in {} are not known", path, e);
        }
    }

    private static void deleteAllAtExit(Path directory) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            files.forEach(PrivateDirectory::deleteAtExit);
        }
    }

    /** Makes the JVM delete a file at its very end, if the file is there then. */
    public static void deleteAtExit(Path file) {
        try {
            file.toFile().deleteOnExit();
        } catch (IllegalStateException e) {
            logger.debug("The JVM has ended, and {} stays until the next sweep", file, e);
        }
    }

    /** Deletes the directory with everything in it. Idempotent. */
    @Override
    public synchronized void close() {
        closed = true;
        delete(path);
    }

    private synchronized void delete(Path directory) {
        try {
            if (isThis(attributesOf(directory))) {
                StaleDirectories.delete(directory);
            } else {
                logger.warn("{} is no longer the private directory of a process pool, and is not deleted", directory);
            }
        } catch (NoSuchFileException e) {
            logger.debug("{} is already gone", directory, e);
        } catch (IOException e) {
            logger.warn("Cannot delete the private directory {} of a process pool", directory, e);
        } finally {
            try {
                closeProof();
            } finally {
                ours.remove(directory);
            }
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
