package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The directory in which AOT caches are kept for all programs of a user. Thread-safe, also against other programs. */
public final class AotStore {

    /*
     * A cache is a file `<key>-<length>-<checksum>.aot`: its name tells whether it is whole, and one rename publishes
     * all. The JVM checks only the header of what it maps, and a JVM with a damaged cache may crash; hence the
     * checksum, which is computed once per program.
     *
     * Code is loaded from these files. The JVM opens them by name, after we have looked at them; so what counts is that
     * no other user can change what a name stands for: `TrustedPath`. The directory, which is no link, and the file in
     * it belong to this user, and no other user may write to them. See docs/adr/0282.
     *
     * The process that makes a cache holds the lock of the directory: one at a time for a user, since it takes a
     * processor for seconds. The kernel drops the lock with its owner. Files of the dead have random names, and are
     * swept later.
     */

    private static final Log logger = Log.of(AotStore.class);

    private static final String CACHE = ".aot";
    private static final String FAILED = ".failed";
    private static final String MAKING = "making-";
    private static final int MOST = 12;
    private static final Duration UNFINISHED_GRACE = Duration.ofHours(1);
    private static final Duration RETRY = Duration.ofDays(7);
    private static final Duration TOUCH = Duration.ofDays(1);

    /** A lock belongs to the process, so within this one something else must keep others out. */
    private static final AtomicBoolean making = new AtomicBoolean();

    private static final Set<Path> verified = ConcurrentHashMap.newKeySet();

    /** The reasons for not using a cache that have been logged: once is enough. */
    private static final Set<String> said = ConcurrentHashMap.newKeySet();

    private static final int MOST_SAID = 100;

    private final Path directory;

    public AotStore(Path directory) {
        this.directory = directory;
    }

    /** Returns where caches are kept if the pool does not say; empty if there is no such place. */
    public static Optional<Path> userDirectory(Map<String, String> environment, String home) {
        String caches = environment.getOrDefault("XDG_CACHE_HOME", "");
        try {
            Path base = caches.isEmpty() ? Path.of(home, ".cache") : Path.of(caches);
            return base.isAbsolute() && (!caches.isEmpty() || Files.isDirectory(Path.of(home)))
                    ? Optional.of(base.resolve("trestle").resolve("aot"))
                    : Optional.empty();
        } catch (InvalidPathException e) {
            logger.debug("No AOT cache is kept: the locale cannot express the name of its directory", e);
            return Optional.empty();
        }
    }

    /** Returns the cache for a key, if there is one that is whole, and that no other user can have made. */
    public Optional<Path> find(String key) {
        if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
            return Optional.empty();
        }
        try {
            if (isRefused(objectionToDirectory())) {
                return Optional.empty();
            }
            for (Path candidate : files(key + "-*" + CACHE)) {
                if (isRefused(objectionTo(candidate))) {
                    continue;
                }
                if (verified.contains(candidate) || isWhole(candidate)) {
                    verified.add(candidate);
                    touch(candidate);
                    return Optional.of(candidate);
                }
                logger.warn("The AOT cache {} is damaged, and is deleted", candidate);
                Files.deleteIfExists(candidate);
            }
        } catch (IOException e) {
            logger.debug("Cannot look for an AOT cache in {}", directory, e);
        }
        return Optional.empty();
    }

    /** Says why caches are not used, if that is so; returns whether it is. */
    private boolean isRefused(Optional<String> objection) {
        objection
                .filter(why -> said.size() < MOST_SAID && said.add(directory + why))
                .ifPresent(why -> logger.warn(
                        "Workers start without the AOT cache in {}, since {}. They would load code from there that"
                            + " another user may have put there. Give the directory to this user and take the right to"
                            + " write from all others, or choose another one by aotCacheDirectory.",
                        directory,
                        why));
        return objection.isPresent();
    }

    /** Returns why another user could decide what is in the directory. */
    private Optional<String> objectionToDirectory() throws IOException {
        if (Files.isSymbolicLink(directory)) {
            return Optional.of(directory + " is a link");
        }
        Optional<String> objection = TrustedPath.objection(directory);
        return objection.isPresent() ? objection : objectionToOwner(directory);
    }

    private static Optional<String> objectionTo(Path cache) throws IOException {
        return Files.isRegularFile(cache, LinkOption.NOFOLLOW_LINKS)
                ? objectionToOwner(cache)
                : Optional.of(cache + " is no file, but a link, a directory or the like");
    }

    private static Optional<String> objectionToOwner(Path path) throws IOException {
        var view = Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (view == null) { // no such permissions here; the user's cache directory is the user's
            return Optional.empty();
        }
        PosixFileAttributes attributes = view.readAttributes();
        if (!attributes.owner().equals(TrustedPath.user())) {
            return Optional.of(path + " belongs to " + attributes.owner().getName() + ", and this program runs as "
                    + TrustedPath.user().getName());
        }
        return TrustedPath.isWritableByOthers(attributes.permissions())
                ? Optional.of("other users may write to " + path)
                : Optional.empty();
    }

    private static boolean isWhole(Path cache) throws IOException {
        return cache.getFileName().toString().endsWith(seal(cache));
    }

    /** Returns the end of the name that a file with this content has. */
    private static String seal(Path file) throws IOException {
        var checksum = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            while (channel.read(buffer) >= 0) {
                checksum.update(buffer.flip());
                buffer.clear();
            }
        }
        return String.format(Locale.ROOT, "-%d-%08x%s", Files.size(file), checksum.getValue(), CACHE);
    }

    /** Marks a cache as used, so that others go before it. */
    private static void touch(Path cache) throws IOException {
        Instant now = Instant.now();
        if (Files.getLastModifiedTime(cache).toInstant().isBefore(now.minus(TOUCH))) {
            Files.setLastModifiedTime(cache, FileTime.from(now));
        }
    }

    /** Deletes the cache for a key: it has done harm. */
    public void discard(String key) {
        try {
            for (Path each : files(key + "-*" + CACHE)) {
                Files.deleteIfExists(each);
                verified.remove(each);
            }
        } catch (IOException e) {
            logger.debug("Cannot delete an AOT cache in {}", directory, e);
        }
    }

    /** A way to make a cache. */
    public interface Maker {
        /**
         * Makes a cache.
         *
         * @param recording a file name for what is recorded
         * @param cache where to write the cache
         * @return whether it is there; false if it cannot be made, in which case no further attempt is made
         * @throws InterruptedException if the maker was told to stop
         */
        public boolean make(Path recording, Path cache) throws IOException, InterruptedException;
    }

    /**
     * Makes the cache for a key, unless there is one, another process is making one, or it is known that it cannot be
     * made; returns whether there is one now.
     */
    public boolean make(String key, Maker maker) throws IOException, InterruptedException {
        if (!prepare()) {
            return false;
        }
        if (!making.compareAndSet(false, true)) {
            return false;
        }
        try (FileChannel lockFile = FileChannel.open(
                        directory.resolve("lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS);
                @Nullable FileLock lock = lockFile.tryLock()) {
            return lock != null && (find(key).isPresent() || makeLocked(key, maker));
        } finally {
            making.set(false);
        }
    }

    private boolean makeLocked(String key, Maker maker) throws IOException, InterruptedException {
        sweep();
        Path failed = directory.resolve(key + FAILED);
        if (Files.exists(failed)) {
            return false;
        }
        String name = MAKING + Long.toHexString(RandomGenerator.getDefault().nextLong());
        Path recording = directory.resolve(name + ".recording");
        Path fresh = directory.resolve(name);
        try {
            if (!maker.make(recording, fresh) || !Files.exists(fresh)) {
                Files.writeString(failed, "");
                return false;
            }
            Path cache = directory.resolve(key + seal(fresh));
            publish(fresh, cache);
            verified.add(cache);
            logger.info("Workers start from the AOT cache {} from now on", cache);
            return true;
        } finally {
            Files.deleteIfExists(recording);
            Files.deleteIfExists(fresh);
        }
    }

    private static void publish(Path fresh, Path cache) throws IOException {
        try {
            Files.move(fresh, cache, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("Cannot rename files in " + cache.getParent() + ", where AOT caches are kept", e);
        }
    }

    /** Makes the directory if there is none; returns whether it may be used. Makes nothing in one of another user. */
    private boolean prepare() throws IOException {
        Path there = directory.toAbsolutePath();
        while (!Files.exists(there, LinkOption.NOFOLLOW_LINKS) && there.getParent() != null) {
            there = there.getParent();
        }
        if (isRefused(TrustedPath.objection(there))) {
            return false;
        }
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(directory.toAbsolutePath(), ownerOnly());
        }
        return !isRefused(objectionToDirectory());
    }

    private FileAttribute<?>[] ownerOnly() {
        return directory.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
                }
                : new FileAttribute<?>[0];
    }

    /** Deletes what the dead left, what failed long ago, and the caches that were not used for longest. */
    private void sweep() throws IOException {
        Instant now = Instant.now();
        deleteOlder(files(MAKING + "*"), now.minus(UNFINISHED_GRACE));
        deleteOlder(files("*" + FAILED), now.minus(RETRY));
        List<Path> caches = files("*" + CACHE);
        for (Path each : caches.subList(Math.min(caches.size(), MOST - 1), caches.size())) {
            logger.debug("{} was unused for longest, and is deleted to make room", each);
            Files.deleteIfExists(each);
        }
    }

    private static void deleteOlder(List<Path> files, Instant limit) throws IOException {
        for (Path each : files) {
            if (Files.getLastModifiedTime(each, LinkOption.NOFOLLOW_LINKS)
                    .toInstant()
                    .isBefore(limit)) {
                Files.deleteIfExists(each);
            }
        }
    }

    /** Returns files, the last used first. */
    private List<Path> files(String pattern) throws IOException {
        record Dated(Path path, FileTime time) {}
        var found = new ArrayList<Dated>();
        try (var stream = Files.newDirectoryStream(directory, pattern)) {
            for (Path each : stream) {
                found.add(new Dated(each, Files.getLastModifiedTime(each, LinkOption.NOFOLLOW_LINKS)));
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        Stream<Dated> sorted =
                found.stream().sorted(Comparator.comparing(Dated::time).reversed());
        return sorted.map(Dated::path).toList();
    }

    @Override
    public String toString() {
        return "AotStore[" + directory + "]";
    }
}
