package dev.trestle.processpool.jvm;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.MustBeClosed;
import dev.trestle.processpool.wire.SharedArrays;
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
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The private directories of pools whose programs died without closing them. Finds such directories and deletes them.
 */
public final class StaleDirectories {

    /*
     * A directory is stale if its owner's socket refuses to be connected to. That counts only under the same kernel,
     * since the start of the machine: elsewhere, for example where the directory is on a disk of the network, the owner
     * may live without being reachable. A directory with a proof of another kernel is stale when it has not been
     * touched for a day, and so is an empty directory. A directory with files and no proof is not ours, whatever its
     * name is.
     *
     * In a directory like /tmp, other users may make directories that look like ours, and where /tmp is not sticky they
     * may rename ours at any moment. So the sweep opens a candidate once, without following a link, and uses only that
     * handle: it reads the owner and the mode from the handle, and lists and deletes files below it. The sweep deletes
     * only files with the names that pools give, by unlinking, which opens nothing and follows nothing: a pipe does not
     * block the sweep, and the target of a link stays. A candidate that has directories stays. The sweep looks at a
     * bounded number of names, since other users can make as many as they like. See docs/adr/0280.
     */

    private static final Log logger = Log.of(StaleDirectories.class);

    /** The beginning of the name of a proof. */
    private static final String PROOF = "owner-";

    private static final int BOOT_LENGTH = 8;

    /** The name of the kernel that runs, since it was started; a unique name if the system gives none. */
    private static final String BOOT = boot(Path.of("/proc/sys/kernel/random/boot_id"));

    /** The name of the socket on which an owner listens. */
    static final String SOCKET = PROOF + BOOT;

    /**
     * The name of that socket for the moment between its creation and the first connection that it takes, in which it
     * refuses like that of a dead owner. No longer than the other, whose length is limited.
     */
    static final String UNPROVEN_SOCKET = PROOF + "unproven";

    /** The name of the proof of an owner that has no socket. */
    static final String NO_SOCKET = PROOF + "without-socket";

    /** The name of the proof under another kernel. */
    private static final Pattern OTHER_SOCKET = Pattern.compile(PROOF + "[0-9a-f-]{" + BOOT_LENGTH + "}");

    /** The names of the files of shared arrays, in a directory of their own. */
    private static final Pattern SHARED = Pattern.compile("a[0-9]{1,19}");

    /** The names of all other files that pools make in their directories. */
    private static final Pattern FILE = Pattern.compile("w[0-9]{1,10}\\.(?:record|crash|args|sock|ring)|aot\\.args");

    /** A directory without a proof is kept for so long after it was touched. */
    private static final Duration GRACE = Duration.ofDays(1);

    /** The most names that a sweep looks at, in the parent and in stale directories. */
    private static final int MOST_NAMES = 100_000;

    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** The depth to which directories in each other are deleted. */
    private static final int DEEPEST = 32;

    static final Set<PosixFilePermission> OWNERS = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    private static final Path ITSELF = Path.of(".");

    private final Path parent;
    private final UserPrincipal user;
    private final Consumer<String> killing;
    private int namesLeft;

    private StaleDirectories(Path parent, UserPrincipal user, Consumer<String> killing, int mostNames) {
        this.parent = parent;
        this.user = user;
        this.killing = killing;
        this.namesLeft = mostNames;
    }

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
     * Deletes the stale directories in another one, and kills what their workers left behind. Blocks, since a disk may
     * hang.
     *
     * @param parent usually the temporary directory
     * @param own a directory of this program: those of the same user are looked at
     */
    static void remove(Path parent, Path own) {
        remove(parent, own, MOST_NAMES, Orphans::killAllOf);
    }

    /**
     * Deletes the stale directories in another one, as {@link #remove(Path, Path)} does.
     *
     * @param mostNames the number of names to look at, in the parent and in stale directories
     * @param killing kills what the workers of a pool left behind, by the name of the stale directory
     */
    static void remove(Path parent, Path own, int mostNames, Consumer<String> killing) {
        try {
            UserPrincipal user = Files.getOwner(own, LinkOption.NOFOLLOW_LINKS);
            Optional<String> objection = TrustedPath.objection(parent);
            objection.ifPresent(why -> warn(parent, why));
            // A directory that other users rename could have the name of one whose workers live.
            Consumer<String> allowed = objection.isEmpty() ? killing : _ -> {};
            new StaleDirectories(parent, user, allowed, mostNames).remove();
        } catch (IOException | DirectoryIteratorException e) {
            logger.debug("Cannot look for directories of dead process pools in {}", parent, e);
        }
    }

    /**
     * Deletes a directory in memory when its program is dead, for the worker of such a program: it may be long until
     * another program sweeps. Waits a little, since the system closes the sockets of a dead program one by one.
     *
     * @param directory a directory with shared arrays; there need be none
     * @param limit the longest time to wait
     */
    public static void removeWhenStale(Path directory, Duration limit) {
        long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        while (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && System.nanoTime() < end) {
            try (DirectoryStream<Path> parent =
                    Files.newDirectoryStream(requireNonNull(directory.getParent(), "a directory below the root"))) {
                UserPrincipal user = Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS);
                new StaleDirectories(directory.getParent(), user, _ -> {}, MOST_NAMES).removeIfStale(parent, directory);
            } catch (IOException | DirectoryIteratorException e) {
                logger.debug("{} is left to the next sweep", directory, e); // or another worker has deleted it
                return;
            }
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }
    }

    private static void warn(Path parent, String why) {
        logger.warn(
                "Other users of this machine can rename the private directories of process pools in {}, since {}. They"
                        + " could put directories of their own in the places of these. Set java.io.tmpdir to a"
                        + " directory that only this user may write to, or that is sticky.",
                parent,
                why);
    }

    private void remove() throws IOException {
        try (DirectoryStream<Path> candidates = Files.newDirectoryStream(parent)) {
            if (!(candidates instanceof SecureDirectoryStream<Path>) && !isOwnersOnly(parent)) {
                logger.debug("{} is not swept: this system has no handles of directories", parent);
                return;
            }
            for (Path each : candidates) {
                if (namesLeft-- <= 0) {
                    logger.debug("{} has too many names, and only some of them were looked at", parent);
                    return;
                }
                if (each.getFileName().toString().startsWith(PrivateDirectory.PREFIX)) {
                    removeIfStale(candidates, each);
                }
            }
        }
    }

    /** Returns whether no other user may change what is in a directory, so that its names are as good as handles. */
    private boolean isOwnersOnly(Path directory) throws IOException {
        var view = Files.getFileAttributeView(directory, PosixFileAttributeView.class);
        if (view == null) { // no such permissions here; a directory for temporary files is the user's own
            return true;
        }
        PosixFileAttributes attributes = view.readAttributes();
        return user.equals(attributes.owner()) && !TrustedPath.isWritableByOthers(attributes.permissions());
    }

    private void removeIfStale(DirectoryStream<Path> in, Path directory) {
        try {
            BasicFileAttributes seen = see(in, directory);
            try (DirectoryStream<Path> handle = open(in, directory)) {
                requireSame(handle, directory, seen);
                if (isOurs(handle, directory) && isStale(handle, directory)) {
                    // First: without the directory nothing leads to these processes.
                    killing.accept(directory.getFileName().toString());
                    deleteFiles(handle, directory);
                    deleteEmpty(in, directory);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Another user's, or going away this very moment: not ours to remove.
            logger.debug("{} is left alone", directory, e);
        }
    }

    /**
     * Opens what is a directory and no link. The JDK opens whatever has a name, and waits forever if that is a pipe;
     * with a dot behind it only a directory has the name. That follows a link, so {@link #requireSame} comes next.
     */
    @MustBeClosed
    private static DirectoryStream<Path> open(DirectoryStream<Path> in, Path directory) throws IOException {
        if (in instanceof SecureDirectoryStream<Path> secure) {
            return secure.newDirectoryStream(directory.getFileName().resolve(ITSELF));
        }
        return Files.newDirectoryStream(directory);
    }

    private static BasicFileAttributes see(DirectoryStream<Path> in, Path directory) throws IOException {
        BasicFileAttributes seen = attributes(in, directory);
        if (!seen.isDirectory()) {
            throw new NotDirectoryException(directory.toString());
        }
        return seen;
    }

    /** Checks that what was opened is what was seen before. */
    private static void requireSame(DirectoryStream<Path> handle, Path directory, BasicFileAttributes seen)
            throws IOException {
        if (!Objects.equals(view(handle, directory).readAttributes().fileKey(), seen.fileKey())) {
            throw new IOException(directory + " is replaced at this very moment");
        }
    }

    /** Opens a directory once more by its handle, since a handle can list it only once. */
    @MustBeClosed
    private static DirectoryStream<Path> list(DirectoryStream<Path> handle, Path directory) throws IOException {
        if (handle instanceof SecureDirectoryStream<Path> secure) {
            return secure.newDirectoryStream(ITSELF);
        }
        return Files.newDirectoryStream(directory);
    }

    private static BasicFileAttributeView view(DirectoryStream<Path> handle, Path directory) {
        if (handle instanceof SecureDirectoryStream<Path> secure) {
            return secure.getFileAttributeView(PosixFileAttributeView.class);
        }
        var posix = Files.getFileAttributeView(directory, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        return posix == null
                ? Files.getFileAttributeView(directory, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                : posix;
    }

    private boolean isOurs(DirectoryStream<Path> handle, Path directory) throws IOException {
        return view(handle, directory).readAttributes() instanceof PosixFileAttributes attributes
                ? user.equals(attributes.owner()) && attributes.permissions().equals(OWNERS)
                : user.equals(Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS));
    }

    private boolean isStale(DirectoryStream<Path> handle, Path directory) throws IOException {
        BasicFileAttributes attributes = view(handle, directory).readAttributes();
        boolean old = attributes.lastModifiedTime().toInstant().plus(GRACE).isBefore(Instant.now());
        boolean empty = true;
        boolean proof = false;
        boolean socket = false;
        try (DirectoryStream<Path> files = list(handle, directory)) {
            for (Path each : files) {
                String name = each.getFileName().toString();
                empty = false;
                socket |= name.equals(SOCKET) && attributes(files, each).isOther();
                proof |= isProof(name);
                if (namesLeft-- <= 0) {
                    return false;
                }
            }
        }
        if (socket) {
            // A socket of this program that another thread is just opening would refuse, too.
            return !PrivateDirectory.ours().contains(directory)
                    && isRefused(directory.resolve(SOCKET))
                    && Objects.equals(attributes.fileKey(), keyOf(directory)); // we asked this one's owner
        }
        return (proof || empty) && old;
    }

    private static boolean isProof(String name) {
        return name.equals(NO_SOCKET)
                || name.equals(UNPROVEN_SOCKET)
                || OTHER_SOCKET.matcher(name).matches();
    }

    private static @Nullable Object keyOf(Path directory) throws IOException {
        return Files.readAttributes(directory, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
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

    /** Deletes the files that a pool has made, the proof last: until then the next sweep finds the rest. */
    private void deleteFiles(DirectoryStream<Path> handle, Path directory) throws IOException {
        deleteFiles(handle, directory, name -> FILE.matcher(name).matches());
        deleteShared(handle, directory.resolve(SharedArrays.DIRECTORY));
        deleteFiles(handle, directory, StaleDirectories::isProof);
    }

    /** Deletes the directory of the files of shared arrays, if there is one. */
    private void deleteShared(DirectoryStream<Path> in, Path directory) throws IOException {
        BasicFileAttributes seen;
        try {
            seen = see(in, directory);
        } catch (NoSuchFileException | NotDirectoryException e) {
            logger.debug("No arrays were shared in {}", directory.getParent(), e);
            return;
        }
        try (DirectoryStream<Path> handle = open(in, directory)) {
            requireSame(handle, directory, seen);
            deleteFiles(handle, directory, name -> SHARED.matcher(name).matches());
        }
        deleteEmpty(in, directory);
    }

    private void deleteFiles(DirectoryStream<Path> handle, Path directory, Predicate<String> names) throws IOException {
        try (DirectoryStream<Path> files = list(handle, directory)) {
            for (Path each : files) {
                if (namesLeft-- <= 0) {
                    throw new IOException("So many names are not looked at in one go");
                }
                if (names.test(each.getFileName().toString())
                        && !attributes(files, each).isDirectory()) {
                    deleteFile(files, each);
                }
            }
        }
    }

    // Deleting a directory of this program

    /**
     * Deletes a directory with everything in it, and follows no link, not even one in the place of the directory. A
     * file that is in its place is deleted.
     */
    public static void delete(Path directory) throws IOException {
        Path absolute = directory.toAbsolutePath();
        Path above = requireNonNull(absolute.getParent(), "a directory below the root");
        if (!Files.isReadable(above)) { // nor can it be opened
            deleteByPath(absolute);
            return;
        }
        try (DirectoryStream<Path> parent = Files.newDirectoryStream(above)) {
            delete(parent, absolute, DEEPEST);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        } catch (NoSuchFileException e) {
            logger.debug("{} is already gone", directory, e);
        }
    }

    private static void deleteByPath(Path directory) throws IOException {
        if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                deleteAll(files, DEEPEST);
            }
        }
        Files.deleteIfExists(directory);
    }

    private static void deleteAll(DirectoryStream<Path> files, int depth) throws IOException {
        for (Path each : files) {
            try {
                delete(files, each, depth);
            } catch (NoSuchFileException e) {
                logger.debug("{} is already gone", each, e); // a worker may have removed it in between
            }
        }
    }

    private static void delete(DirectoryStream<Path> in, Path file, int depth) throws IOException {
        BasicFileAttributes seen = attributes(in, file);
        if (!seen.isDirectory()) {
            deleteFile(in, file);
            return;
        }
        if (depth == 0) { // each level takes a file handle and a piece of the stack
            throw new IOException(
                    "There are directories below directories, more than " + DEEPEST + ", at the end of " + file);
        }
        try (DirectoryStream<Path> below = open(in, file)) {
            requireSame(below, file, seen);
            deleteAll(below, depth - 1);
        }
        deleteEmpty(in, file);
    }

    private static BasicFileAttributes attributes(DirectoryStream<Path> in, Path file) throws IOException {
        return in instanceof SecureDirectoryStream<Path> secure
                ? secure.getFileAttributeView(
                                file.getFileName(), BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                        .readAttributes()
                : Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    private static void deleteFile(DirectoryStream<Path> in, Path file) throws IOException {
        if (in instanceof SecureDirectoryStream<Path> secure) {
            secure.deleteFile(file.getFileName());
        } else {
            Files.delete(file);
        }
    }

    private static void deleteEmpty(DirectoryStream<Path> in, Path directory) throws IOException {
        if (in instanceof SecureDirectoryStream<Path> secure) {
            secure.deleteDirectory(directory.getFileName());
        } else {
            Files.delete(directory);
        }
    }
}
