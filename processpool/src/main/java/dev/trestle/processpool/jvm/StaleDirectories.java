package dev.trestle.processpool.jvm;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;

/**
 * The private directories of pools whose programs died without closing them. Finds such directories and deletes them.
 */
public final class StaleDirectories {

    /*
     * A directory is stale if its owner's socket refuses to be connected to. That counts only under the same kernel,
     * since the start of the machine: elsewhere, for example where the directory is on a disk of the network, the owner
     * may listen without being reachable. A directory with a proof of another kernel is stale when it has not been
     * touched for a day, and so is an empty directory. A directory with files and no proof is not ours, whatever its
     * name is.
     *
     * In a directory like /tmp, other users may make directories that look like ours. So the sweep looks only at
     * directories that belong to this user, are closed to all other users, and are no links; it uses a handle of the
     * directory instead of its name where the system has handles; and it deletes nothing through a link.
     */

    private static final Log logger = Log.of(StaleDirectories.class);

    /** The beginning of the name of a proof. */
    private static final String PROOF = "owner-";

    /** The name of the kernel that runs, since it was started; a unique name if the system gives none. */
    private static final String BOOT = boot(Path.of("/proc/sys/kernel/random/boot_id"));

    /** The name of the socket on which an owner listens. */
    static final String SOCKET = PROOF + BOOT;

    /** The name of the proof of an owner that has no socket. */
    static final String NO_SOCKET = PROOF + "without-socket";

    private static final int BOOT_LENGTH = 8;

    /** A directory without a proof is kept for so long after it was touched. */
    private static final Duration GRACE = Duration.ofDays(1);

    private static final Set<PosixFilePermission> OWNERS = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    private StaleDirectories() {}

    private static String boot(Path file) {
        String id;
        try {
            id = Files.readString(file).strip();
        } catch (IOException e) {
            id = "";
        }
        return (id.length() < BOOT_LENGTH ? UUID.randomUUID().toString() : id).substring(0, BOOT_LENGTH);
    }

    /**
     * Deletes the stale directories in another one, and kills what their workers left behind.
     *
     * @param parent usually the temporary directory
     * @param own a directory of this program: those of the same user are looked at
     */
    static void remove(Path parent, Path own) {
        try (DirectoryStream<Path> candidates = Files.newDirectoryStream(parent)) {
            UserPrincipal user = Files.getOwner(own, LinkOption.NOFOLLOW_LINKS);
            for (Path each : candidates) {
                if (each.getFileName().toString().startsWith(PrivateDirectory.PREFIX)) {
                    removeIfStale(candidates, each, user);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            logger.debug("Cannot look for directories of dead process pools in {}", parent, e);
        }
    }

    private static void removeIfStale(DirectoryStream<Path> parent, Path directory, UserPrincipal user) {
        try {
            boolean stale;
            try (DirectoryStream<Path> files = open(parent, directory)) {
                stale = isOf(user, files, directory) && isStale(files, directory);
            }
            if (stale) {
                Orphans.killAllOf(
                        directory.getFileName().toString()); // first: no sweep looks for them without the directory
                try (DirectoryStream<Path> files = open(parent, directory)) { // each can be read only once
                    deleteAll(files);
                }
                deleteEmpty(parent, directory);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Another user's, or going away this very moment: not ours to remove.
            logger.debug("{} is left alone", directory, e);
        }
    }

    @MustBeClosed
    private static DirectoryStream<Path> open(DirectoryStream<Path> parent, Path directory) throws IOException {
        if (parent instanceof SecureDirectoryStream<Path> secure) {
            return secure.newDirectoryStream(directory.getFileName(), LinkOption.NOFOLLOW_LINKS);
        }
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new NotDirectoryException(directory.toString());
        }
        return Files.newDirectoryStream(directory);
    }

    private static boolean isOf(UserPrincipal user, DirectoryStream<Path> files, Path directory) throws IOException {
        PosixFileAttributeView view = files instanceof SecureDirectoryStream<Path> secure
                ? secure.getFileAttributeView(PosixFileAttributeView.class)
                : Files.getFileAttributeView(directory, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (view == null) { // no such permissions here; a directory for temporary files is the user's own
            return user.equals(Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS));
        }
        PosixFileAttributes attributes = view.readAttributes();
        return user.equals(attributes.owner()) && attributes.permissions().equals(OWNERS);
    }

    private static boolean isStale(DirectoryStream<Path> files, Path directory) throws IOException {
        boolean empty = true;
        for (Path each : files) {
            String name = each.getFileName().toString();
            if (name.equals(SOCKET)) {
                // A socket of this program that another thread is just opening would refuse, too.
                return !PrivateDirectory.ours().contains(directory) && isRefused(directory.resolve(name));
            }
            if (name.startsWith(PROOF)) {
                return isOld(directory);
            }
            empty = false;
        }
        return empty && isOld(directory);
    }

    private static boolean isOld(Path directory) throws IOException {
        Instant touched =
                Files.getLastModifiedTime(directory, LinkOption.NOFOLLOW_LINKS).toInstant();
        return touched.plus(GRACE).isBefore(Instant.now());
    }

    /** Returns whether no process listens on a socket; false also if that cannot be found out. */
    private static boolean isRefused(Path socket) throws IOException {
        if (!NativeText.canBeSocket(socket)) {
            return false;
        }
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false); // the queue of connections, which no code accepts, may be full
            channel.connect(UnixDomainSocketAddress.of(socket));
            return false;
        } catch (ConnectException e) {
            return true;
        }
    }

    // Deleting

    /** Deletes a directory with everything in it, and follows no link. */
    public static void delete(Path directory) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            deleteAll(files);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        } catch (NoSuchFileException e) {
            logger.debug("{} is already gone", directory, e);
        }
        Files.deleteIfExists(directory);
    }

    private static void deleteAll(DirectoryStream<Path> files) throws IOException {
        for (Path each : files) {
            try {
                delete(files, each);
            } catch (NoSuchFileException e) {
                logger.debug("{} is already gone", each, e); // a worker may have removed it in between
            }
        }
    }

    private static void delete(DirectoryStream<Path> in, Path file) throws IOException {
        if (!isDirectory(in, file)) {
            if (in instanceof SecureDirectoryStream<Path> secure) {
                secure.deleteFile(file.getFileName());
            } else {
                Files.delete(file);
            }
            return;
        }
        try (DirectoryStream<Path> below = open(in, file)) {
            deleteAll(below);
        }
        deleteEmpty(in, file);
    }

    private static boolean isDirectory(DirectoryStream<Path> in, Path file) throws IOException {
        BasicFileAttributes attributes = in instanceof SecureDirectoryStream<Path> secure
                ? secure.getFileAttributeView(
                                file.getFileName(), BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                        .readAttributes()
                : Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        return attributes.isDirectory();
    }

    private static void deleteEmpty(DirectoryStream<Path> in, Path directory) throws IOException {
        if (in instanceof SecureDirectoryStream<Path> secure) {
            secure.deleteDirectory(directory.getFileName());
        } else {
            Files.delete(directory);
        }
    }
}
