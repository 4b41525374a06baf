package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
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
     *
     * A cache is made in two steps, and a program may end in either. The recording of the first step is published and
     * checked like a cache, as `<key>-<length>-<checksum>.recording`, and the next program goes on from there. Each
     * attempt is written down before it begins, in `<key>.attempts`: so an attempt that takes its program along counts
     * too, and where nothing can be written nothing is tried. See docs/adr/0450.
     */

    private static final Log logger = Log.of(AotStore.class);

    private static final String CACHE = ".aot";
    private static final String RECORDING = ".recording";
    private static final String ATTEMPTS = ".attempts";
    private static final String MAKING = "making-";
    private static final int MOST = 12;
    private static final int MOST_RECORDINGS = 4;
    private static final int MOST_ATTEMPTS = 100;
    private static final Duration UNFINISHED_GRACE = Duration.ofHours(1);

    /** More than a recording and a cache take. */
    private static final long ROOM = 128L << 20;

    private static final Duration TOUCH = Duration.ofDays(1);

    /** A lock belongs to the process, so within this one something else must keep others out. */
    private static final AtomicBoolean making = new AtomicBoolean();

    private static final Set<Path> verified = ConcurrentHashMap.newKeySet();

    /** The reasons for not using a cache that have been logged: once is enough. */
    private static final Set<String> logged = ConcurrentHashMap.newKeySet();

    private static final int MOST_LOGGED = 100;

    private final Path directory;

    public AotStore(Path directory) {
        this.directory = directory;
    }

    /** Returns the default directory of caches; empty if there is none. */
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
        return find(key, CACHE);
    }

    private Optional<Path> find(String key, String kind) {
        if (!Files.isDirectory(directory)) {
            return Optional.empty();
        }
        try {
            if (isRefused(objectionToDirectory())) {
                return Optional.empty();
            }
            for (Path candidate : files(key + "-*" + kind)) {
                if (isRefused(objectionTo(candidate))) {
                    continue;
                }
                if (verified.contains(candidate) || isWhole(candidate, kind)) {
                    verified.add(candidate);
                    touch(candidate);
                    return Optional.of(candidate);
                }
                if (isFirstTime("damaged " + candidate)) {
                    logger.warn("{} is damaged, and is deleted: workers start from no such file", candidate);
                }
                Files.deleteIfExists(candidate);
            }
        } catch (IOException e) {
            logger.debug("Cannot look for an AOT cache in {}", directory, e);
        }
        return Optional.empty();
    }

    /** Returns whether a message has not been logged yet, and records that it is. */
    private static boolean isFirstTime(String what) {
        return logged.size() < MOST_LOGGED && logged.add(what);
    }

    /** Logs an objection, if there is one, and returns whether there is. */
    private boolean isRefused(Optional<String> objection) {
        objection
                .filter(why -> isFirstTime(directory + why))
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

    private static boolean isWhole(Path file, String kind) throws IOException {
        return file.getFileName().toString().endsWith(seal(file, kind));
    }

    /** Returns the end of the name that a file with this content has. */
    private static String seal(Path file, String kind) throws IOException {
        var checksum = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            while (channel.read(buffer) >= 0) {
                checksum.update(buffer.flip());
                buffer.clear();
            }
        }
        return String.format(Locale.ROOT, "-%d-%08x%s", Files.size(file), checksum.getValue(), kind);
    }

    /** Marks a file as used, so that others go before it. */
    private static void touch(Path file) throws IOException {
        Instant now = Instant.now();
        if (Files.getLastModifiedTime(file).toInstant().isBefore(now.minus(TOUCH))) {
            try {
                Files.setLastModifiedTime(file, FileTime.from(now));
            } catch (IOException e) {
                logger.debug("Cannot mark {} as used; nothing is swept where nothing can be written", file, e);
            }
        }
    }

    /** Deletes the cache for a key, which has done harm: as bad as a cache that could not be made. */
    public void discard(String key) {
        try {
            for (Path each : files(key + "-*" + CACHE)) {
                Files.deleteIfExists(each);
                verified.remove(each);
            }
            AotAttempts.read(attemptsFor(key))
                    .failed("a JVM with the cache crashed")
                    .write(attemptsFor(key));
        } catch (IOException e) {
            logger.debug("Cannot delete an AOT cache in {}", directory, e);
        }
    }

    /** The two steps in which a cache is made. Each may be interrupted, which is how it is told to stop. */
    public interface Maker {
        /**
         * Runs training calls in a worker, and records the classes that it loads.
         *
         * @param recording the file to write
         * @return the reason why there is no recording; empty if there is one
         */
        public Optional<String> record(Path recording) throws IOException, InterruptedException;

        /**
         * Makes a cache of a recording.
         *
         * @param recording the recording, of this program or an earlier one
         * @param cache the file to write
         * @return the reason why there is no cache; empty if there is one
         */
        public Optional<String> assemble(Path recording, Path cache) throws IOException, InterruptedException;
    }

    /** The state in which an attempt to make a cache leaves it. */
    public enum State {
        /** There is a cache, from now on or before. */
        THERE,
        /** Another pool or program is making a cache at this moment, perhaps this one. */
        BUSY,
        /** There is none, since the attempt failed, or was not made. */
        NONE
    }

    /**
     * The outcome of an attempt to make a cache.
     *
     * @param state the present state
     * @param failure the reason why the attempt failed, and whether there is another one; empty if none was made
     */
    public record Outcome(State state, Optional<String> failure) {

        private Outcome(State state) {
            this(state, Optional.empty());
        }
    }

    /**
     * Returns the time for which a pool waits before it makes the cache for a key; empty if it is not to be made, since
     * it is there or has failed too often.
     *
     * <p>A second attempt, after one that its program has cut short, begins at once, to have more time. If that is not
     * enough either, only programs that live longer try: ten times as long each time.
     *
     * @param usual the time for the first attempt
     */
    public Optional<Duration> delay(String key, Duration usual) {
        if (find(key).isPresent()) {
            return Optional.empty();
        }
        try {
            return AotAttempts.read(attemptsFor(key)).delay(usual);
        } catch (IOException e) {
            logger.debug("Cannot read which attempts to make an AOT cache there were in {}", directory, e);
            return Optional.empty();
        }
    }

    /**
     * Makes the cache for a key, unless there is one, another process is making one, or it is known that it cannot be
     * made.
     */
    public Outcome make(String key, Maker maker) throws IOException, InterruptedException {
        if (!prepare()) {
            return new Outcome(State.NONE);
        }
        if (!making.compareAndSet(false, true)) {
            return new Outcome(State.BUSY);
        }
        try (FileChannel lockFile = FileChannel.open(
                        directory.resolve("lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS);
                @Nullable FileLock lock = lockFile.tryLock()) {
            if (lock == null) {
                return new Outcome(State.BUSY);
            }
            return find(key).isPresent() ? new Outcome(State.THERE) : makeLocked(key, maker);
        } catch (OverlappingFileLockException e) {
            logger.debug("These classes are loaded twice in this program, and the others make an AOT cache", e);
            return new Outcome(State.BUSY);
        } finally {
            making.set(false);
        }
    }

    private Path attemptsFor(String key) {
        return directory.resolve(key + ATTEMPTS);
    }

    private Outcome makeLocked(String key, Maker maker) throws IOException, InterruptedException {
        sweep();
        Path notes = attemptsFor(key);
        AotAttempts attempts = AotAttempts.read(notes);
        if (attempts.isExhausted()) {
            logger.debug("No AOT cache is made, see {}", notes);
            return new Outcome(State.NONE);
        }
        refuseWithoutRoom();
        attempts.begun().write(notes);
        Path recorded = directory.resolve(freshName());
        Path fresh = directory.resolve(freshName());
        try {
            Optional<Path> recording = find(key, RECORDING);
            if (recording.isEmpty()) {
                Optional<String> objection = missing(maker.record(recorded), recorded);
                if (objection.isPresent()) {
                    return failed(attempts, objection.get(), notes);
                }
                attempts = attempts.advanced();
                attempts.begun().write(notes); // first: a program that ends in between must not put off the next one
                recording = Optional.of(publish(recorded, key, RECORDING));
            }
            Optional<String> objection = missing(maker.assemble(recording.get(), fresh), fresh);
            if (objection.isPresent()) {
                forget(recording.get());
                return failed(attempts, objection.get(), notes);
            }
            Path cache = publish(fresh, key, CACHE);
            logger.info("Workers start from the AOT cache {} from now on", cache);
            forget(recording.get());
            attempts.succeeded(notes);
            return new Outcome(State.THERE);
        } finally {
            Files.deleteIfExists(recorded);
            Files.deleteIfExists(fresh);
        }
    }

    private static Optional<String> missing(Optional<String> objection, Path file) {
        return objection.isPresent() || Files.exists(file)
                ? objection
                : Optional.of("the JVM that was to write a file for it has written none");
    }

    private static Outcome failed(AotAttempts attempts, String why, Path notes) throws IOException {
        AotAttempts now = attempts.failed(why);
        now.write(notes);
        return new Outcome(
                State.NONE, Optional.of(why + (now.isExhausted() ? now.noRetryText(notes) : now.retryText())));
    }

    private void refuseWithoutRoom() throws IOException {
        long room = Files.getFileStore(directory).getUsableSpace();
        if (room > 0 && room < ROOM) { // some systems say 0 if they do not know; then the first write shows it
            throw new IOException(directory + " has room for " + (room >> 20) + " MiB, and " + (ROOM >> 20)
                    + " MiB are needed for an AOT cache");
        }
    }

    private void forget(Path recording) throws IOException {
        verified.remove(recording);
        Files.deleteIfExists(recording);
    }

    /** Gives a file that is whole the name under which it is found. */
    private Path publish(Path fresh, String key, String kind) throws IOException {
        Path published = directory.resolve(key + seal(fresh, kind));
        rename(fresh, published);
        verified.add(published);
        return published;
    }

    static void rename(Path fresh, Path published) throws IOException {
        try {
            Files.move(fresh, published, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("Cannot rename files in " + published.getParent() + ", where AOT caches are kept", e);
        }
    }

    /** Returns a name that no other file has, and that tells that the file is not finished. */
    static String freshName() {
        return MAKING + Long.toHexString(RandomGenerator.getDefault().nextLong());
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

    /** Deletes what the dead left, and of the rest what was not used for longest. */
    private void sweep() throws IOException {
        deleteOlder(files(MAKING + "*"), Instant.now().minus(UNFINISHED_GRACE));
        deleteBeyond(MOST - 1, files("*-*-*" + CACHE));
        deleteBeyond(MOST_RECORDINGS - 1, files("*-*-*" + RECORDING));
        deleteBeyond(MOST_ATTEMPTS - 1, files("*" + ATTEMPTS));
    }

    private static void deleteBeyond(int most, List<Path> all) throws IOException {
        for (Path each : all.subList(Math.min(all.size(), most), all.size())) {
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
