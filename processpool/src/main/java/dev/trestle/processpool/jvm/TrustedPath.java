package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A path of which no other user, but root, decides what is found there: each directory on the way belongs to this user
 * or to root, and others may not write to it, unless it is sticky, so that they cannot rename what is not theirs.
 */
final class TrustedPath {

    /*
     * The path is walked as the kernel walks it, and links are walked too: a user that may replace a link, or a
     * directory that it leads through, decides where the path ends. When the walk has found nothing, names are safe to
     * use, since no other user can change what they stand for; so it is no matter that the JVM opens a file by its path
     * later.
     */

    private static final int ROOT = 0;
    private static final int STICKY = 1 << 9;

    /** The most links in one path, as many as Linux follows. */
    private static final int MOST_LINKS = 40;

    private static volatile @Nullable UserPrincipal user;

    private TrustedPath() {}

    /**
     * Notes the owner of the files that this program makes.
     *
     * @param owner the owner of a file of this program
     */
    static void learn(UserPrincipal owner) {
        user = owner;
    }

    /** Returns the owner of the files that this program makes. */
    static UserPrincipal user() throws IOException {
        UserPrincipal known = user;
        if (known == null) {
            known = probe(Path.of(System.getProperty("java.io.tmpdir")));
            user = known;
        }
        return known;
    }

    /**
     * Returns the owner of a new directory. The user's system property may have been set, and /proc belongs to root in
     * some processes, so neither tells.
     */
    private static UserPrincipal probe(Path parent) throws IOException {
        while (true) {
            Path probe = parent.resolve("probe-of-trestle-"
                    + Long.toHexString(ThreadLocalRandom.current().nextLong()));
            try {
                Files.createDirectory(probe);
            } catch (FileAlreadyExistsException e) {
                continue; // the next name
            }
            try {
                return Files.getOwner(probe, LinkOption.NOFOLLOW_LINKS);
            } finally {
                Files.delete(probe);
            }
        }
    }

    /**
     * Finds out which other user could decide what is at a path.
     *
     * @param path an absolute path of a directory, which may be a link
     * @return the reason why the path is not to be trusted, in words; empty if it is, or if this system has no such
     *     permissions
     */
    static Optional<String> objection(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        Path root = absolute.getRoot();
        if (root == null || !root.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return Optional.empty();
        }
        var names = new ArrayDeque<Path>();
        absolute.forEach(names::addLast);
        Path done = root;
        int links = 0;
        while (true) {
            Optional<String> objection = objectionTo(done);
            if (objection.isPresent() || names.isEmpty()) {
                return objection;
            }
            Path next = done.resolve(names.removeFirst()).normalize();
            if (!Files.isSymbolicLink(next)) {
                done = next;
                continue;
            }
            objection = foreignOwner(next);
            if (objection.isPresent()) {
                return objection;
            }
            if (++links > MOST_LINKS) {
                return Optional.of("the path has more than " + MOST_LINKS + " links");
            }
            Path target = Files.readSymbolicLink(next);
            for (int i = target.getNameCount() - 1; i >= 0; i--) {
                names.addFirst(target.getName(i));
            }
            done = target.isAbsolute() ? root : done;
        }
    }

    private static Optional<String> objectionTo(Path directory) throws IOException {
        Optional<String> objection = foreignOwner(directory);
        if (objection.isPresent()) {
            return objection;
        }
        var attributes = Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        int mode = (int) Files.getAttribute(directory, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        return isWritableByOthers(attributes.permissions()) && (mode & STICKY) == 0
                ? Optional.of("other users may write to " + directory)
                : Optional.empty();
    }

    private static Optional<String> foreignOwner(Path path) throws IOException {
        if ((int) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS) == ROOT) {
            return Optional.empty();
        }
        UserPrincipal owner = Files.getOwner(path, LinkOption.NOFOLLOW_LINKS);
        return owner.equals(user())
                ? Optional.empty()
                : Optional.of(
                        path + " belongs to " + owner.getName() + ", and this program runs as " + user().getName());
    }

    /** Returns whether users other than the owner may write. */
    static boolean isWritableByOthers(Set<PosixFilePermission> permissions) {
        return permissions.contains(PosixFilePermission.GROUP_WRITE)
                || permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }
}
