package dev.trestle.processpool.jvm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.SharedArray;
import dev.trestle.processpool.wire.ArrayKind;
import dev.trestle.processpool.wire.SharedArrays;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** The shared arrays of one pool: files that its workers map, and that this program has mapped. Thread-safe. */
public final class SharedFiles implements SharedArrays {

    /*
     * A file is in one of two places. The first is a directory in /dev/shm, which is memory, so nothing is written to a
     * disk; it has the name of the pool's private directory, and is made when it is first needed. The second is in the
     * private directory itself, for arrays that are too large for the first, and for links to files of the program. In
     * both, the files are in a directory of their own, `shared`, which is all that a sandbox shows.
     *
     * A file is written from its beginning to its end before it is mapped. To map it and to write to the memory would
     * leave a hole where the file system is full, and the first access to that ends a JVM.
     *
     * A number travels; the workers know the places since they were started. The calls that name an array hold
     * it from `submit` to their end, so a closed array stays until they have ended, wherever they are run and however
     * often. Then its file is deleted and the workers are told. They unmap it, and the memory is free.
     *
     * The lock of an array is held for bookkeeping only, and nothing else is locked within.
     */

    private static final Log logger = Log.of(SharedFiles.class);

    /** A file system in memory that Linux has. */
    static final Path MEMORY = Path.of("/dev/shm");

    private static final int IN_MEMORY = 0;
    private static final int ON_DISK = 1;

    private static final int PIECE = 256 << 10;

    /** The share of the room in memory, one in so many, that one array may take: others need some too. */
    private static final int SHARE_OF_ROOM = 2;

    /** The share of all memory, one in so many, that the arrays of one pool may take. */
    private static final int SHARE_OF_MEMORY = 4;

    private final Path memory;
    private final Map<Long, SharedFile> byNumber = new ConcurrentHashMap<>();
    private final Map<SharedArray<?>, SharedFile> byArray = new ConcurrentHashMap<>();
    private final AtomicLong numbers = new AtomicLong();
    private final AtomicLong bytesInMemory = new AtomicLong();

    private volatile @Nullable Home home;

    @GuardedBy("this")
    private @Nullable PrivateDirectory inMemory;

    @GuardedBy("this")
    private boolean closed;

    /**
     * The pool of these arrays.
     *
     * @param directory its private directory
     * @param options the options of its workers
     * @param name its name
     * @param unsharing is told the number of each array that is gone, so that workers unmap it
     */
    private record Home(PrivateDirectory directory, JvmOptions options, String name, LongConsumer unsharing) {}

    public SharedFiles() {
        this(MEMORY);
    }

    /**
     * @param memory a directory in memory; there need be none
     */
    SharedFiles(Path memory) {
        this.memory = memory;
    }

    /**
     * Begins: the pool has a directory now.
     *
     * @param directory its private directory
     * @param options the options of its workers
     * @param name its name, for messages
     * @param unsharing is told the number of each array that is gone, so that workers unmap it; throws nothing
     */
    public void begin(PrivateDirectory directory, JvmOptions options, String name, LongConsumer unsharing) {
        home = new Home(directory, options, name, unsharing);
    }

    // Places

    /** Returns the directories in which workers look for files, by the numbers of places; they need not be there. */
    public List<Path> places() {
        Path onDisk = home().directory.path();
        Path name = Objects.requireNonNull(onDisk.getFileName(), "the name of a private directory");
        return List.of(memory.resolve(name).resolve(DIRECTORY), onDisk.resolve(DIRECTORY));
    }

    /** Makes the directories, as far as possible, and returns those that are there: for a jail that shows them. */
    public List<Path> prepare() {
        List<Path> made = new ArrayList<>();
        for (int place : new int[] {IN_MEMORY, ON_DISK}) {
            try {
                made.add(directoryOf(place));
            } catch (IOException e) {
                logger.debug("No array can be shared in place {} of {}", place, home().name, e);
            }
        }
        return made;
    }

    /** Makes the directory of a place, if it is not there, and returns it. */
    private Path directoryOf(int place) throws IOException {
        PrivateDirectory parent = place == IN_MEMORY ? directoryInMemory() : home().directory;
        parent.ensure(); // before there is anything in it: it has a proof of life then
        Path directory = parent.resolve(DIRECTORY);
        try {
            Files.createDirectory(directory);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
                throw e;
            }
        }
        return directory;
    }

    private synchronized PrivateDirectory directoryInMemory() throws IOException {
        if (closed) {
            throw new IOException("The pool has terminated");
        }
        if (inMemory == null) {
            inMemory = home().directory.createSibling(memory);
        }
        return inMemory;
    }

    private Home home() {
        return Objects.requireNonNull(home, "begin was called");
    }

    // Sharing

    /**
     * Shares an array.
     *
     * @param array the array
     * @param <A> its type
     * @return the shared array
     * @throws UncheckedIOException if there is no room for it
     * @throws IllegalStateException if the pool has terminated
     */
    public <A> SharedArray<A> share(A array) {
        Class<A> type = SharedArray.typeOf(array);
        ArrayKind kind = ArrayKind.ofArrayClass(type);
        int length = Array.getLength(array);
        return write(type, kind.bytes(array), false, (to, at, piece) -> {
            int from = (int) (at / kind.width());
            int count = Math.min(piece.capacity() / kind.width(), length - from);
            kind.put(array, from, count, piece);
        });
    }

    /**
     * Shares a copy of an array that another pool, or this process, has shared.
     *
     * @param other the array
     * @param <A> its type
     * @return the shared array
     * @throws UncheckedIOException if there is no room for it
     * @throws IllegalStateException if the pool has terminated, or the other array is closed
     */
    public <A> SharedArray<A> share(SharedArray<A> other) {
        MemorySegment from = other.segment();
        return write(other.type(), from.byteSize(), false, (to, at, piece) -> {
            long count = Math.min(piece.capacity(), from.byteSize() - at);
            MemorySegment.copy(from, at, MemorySegment.ofBuffer(piece), 0, count);
            piece.position((int) count);
        });
    }

    /**
     * Takes memory that workers may write to.
     *
     * @param bytes the number of bytes
     * @return memory that is zero
     * @throws UncheckedIOException if there is no room for it
     * @throws IllegalStateException if the pool has terminated, or its workers are in a jail
     */
    public SharedArray<byte[]> allocate(long bytes) {
        SharedArray.requireSize(bytes);
        if (home().options.jail().isPresent()) {
            throw new IllegalStateException("Calls of " + home().name + " run in a sandbox, where they may change"
                    + " nothing of this program, so it has no memory for them to write to. Let them return their"
                    + " results, or share what they read.");
        }
        return write(
                byte[].class,
                bytes,
                true,
                (to, at, piece) -> piece.position((int) Math.min(piece.capacity(), bytes - at)));
    }

    /**
     * Shares a file of the program.
     *
     * @param file the file
     * @return its bytes
     * @throws IllegalArgumentException if it is no file that can be mapped
     * @throws UncheckedIOException if it cannot be opened, or has to be copied and there is no room
     * @throws IllegalStateException if the pool has terminated
     */
    public SharedArray<byte[]> share(Path file) {
        refuseIfClosed();
        try (FileChannel channel = SharedArray.open(file)) {
            SharedFile linked = link(file.toRealPath(), channel);
            if (linked != null) {
                return shared(byte[].class, linked, channel);
            }
            long bytes = channel.size();
            return write(byte[].class, bytes, false, (to, at, piece) -> {
                piece.limit((int) Math.min(piece.capacity(), bytes - at));
                if (channel.read(piece, at) < 0) {
                    throw new EOFException(file + " becomes shorter while it is copied");
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot share the file " + file + ": " + e, e);
        }
    }

    /**
     * Makes a link to a file: a name that workers can reach. Returns null if there can be none.
     *
     * @param file the real path
     */
    private @Nullable SharedFile link(Path file, FileChannel channel) throws IOException {
        Optional<Jail> jail = home().options.jail();
        long number = numbers.incrementAndGet();
        Path link = directoryOf(ON_DISK).resolve(SharedArrays.fileOf(number));
        var name = new Name(number, ON_DISK, ArrayKind.BYTE, channel.size(), false, SharedArrays.identityOf(file));
        if (jail.isEmpty() || Bubblewrap.shows(jail.get(), file)) {
            try {
                return new SharedFile(name, Files.createSymbolicLink(link, file));
            } catch (IOException | UnsupportedOperationException e) {
                logger.debug("There can be no symbolic link to {}", file, e);
            }
        }
        try {
            return new SharedFile(name, Files.createLink(link, file));
        } catch (IOException | UnsupportedOperationException e) {
            logger.debug("There can be no link to {}, and it is copied", file, e);
            return null;
        }
    }

    /** A source of the bytes of a file. */
    private interface Source {
        /** Fills a piece, from its beginning, with bytes of the file from a place on: one at least. */
        void fill(Path to, long at, ByteBuffer piece) throws IOException;
    }

    private <A> SharedArray<A> write(Class<A> type, long bytes, boolean isWritable, Source source) {
        refuseIfClosed();
        IOException failure = null;
        if (hasRoomInMemory(bytes)) {
            try {
                return write(type, IN_MEMORY, bytes, isWritable, source);
            } catch (IOException e) {
                failure = e;
                logger.debug("{} bytes cannot be shared in {}", bytes, memory, e);
            }
        }
        try {
            return write(type, ON_DISK, bytes, isWritable, source);
        } catch (IOException e) {
            if (failure != null) {
                e.addSuppressed(failure);
            }
            throw new UncheckedIOException(
                    "Cannot share " + bytes + " bytes with the workers of " + home().name + ": there is no room in "
                            + places().get(ON_DISK) + (failure == null ? "" : ", nor in " + memory)
                            + ", or it cannot be written to. Share less, or set java.io.tmpdir to a directory with more"
                            + " room.",
                    e);
        }
    }

    private boolean hasRoomInMemory(long bytes) {
        if (!home().options.launcher().isEmpty()) {
            return false; // a container, perhaps, which is told to show the private directory only
        }
        try {
            long room = Files.getFileStore(memory).getUsableSpace();
            long all = HeapOptions.machineMemory().orElse(Long.MAX_VALUE);
            return bytes <= room / SHARE_OF_ROOM && bytes <= all / SHARE_OF_MEMORY - bytesInMemory.get();
        } catch (IOException e) {
            logger.debug("There is no {} to share arrays in", memory, e);
            return false;
        }
    }

    private <A> SharedArray<A> write(Class<A> type, int place, long bytes, boolean isWritable, Source source)
            throws IOException {
        long number = numbers.incrementAndGet();
        Path directory = directoryOf(place);
        long room = Files.getFileStore(directory).getUsableSpace();
        if (bytes > room) { // which to find out by writing would leave none to other programs
            throw new IOException(bytes + " bytes do not fit into the " + room + " that are free in " + directory);
        }
        Path path = directory.resolve(SharedArrays.fileOf(number));
        var name = new Name(number, place, ArrayKind.ofArrayClass(type), bytes, isWritable, 0);
        var file = new SharedFile(name, path);
        try (FileChannel channel = FileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer piece =
                    ByteBuffer.allocateDirect((int) Math.min(PIECE, bytes)).order(ByteOrder.nativeOrder());
            for (long at = 0; at < bytes; ) {
                source.fill(path, at, piece.clear());
                at += piece.flip().remaining();
                while (piece.hasRemaining()) {
                    channel.write(piece);
                }
            }
            return shared(type, file, channel);
        } catch (Throwable e) {
            file.delete();
            throw e;
        }
    }

    private <A> SharedArray<A> shared(Class<A> type, SharedFile file, FileChannel channel) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment segment = SharedArray.map(channel, file.name.bytes(), file.name.isWritable(), arena);
            SharedArray<A> array = SharedArray.over(type, segment, file::close);
            file.mapped(array, arena);
            return array;
        } catch (Throwable e) {
            arena.close();
            file.delete();
            throw e;
        }
    }

    private void refuseIfClosed() {
        synchronized (this) {
            if (!closed) {
                return;
            }
        }
        throw new IllegalStateException(home().name + " has terminated, and cannot share anything any more");
    }

    // Holding

    @Override
    public Name hold(SharedArray<?> array) throws NotSharedException {
        SharedFile file = byArray.get(array);
        if (file == null && array.isClosed()) {
            throw new NotSharedException("was closed", "Close it when the calls that need it have been submitted.");
        }
        if (file == null) {
            throw new NotSharedException(
                    "is not shared by this pool, but by another one, or with the threads of this process",
                    "Share it with this pool, by pool.share(...), which may be given another pool's shared array, and"
                            + " let the call capture what that returns.");
        }
        return file.hold();
    }

    @Override
    public SharedArray<?> hold(Name name) throws NotSharedException {
        SharedFile file = byNumber.get(name.number());
        SharedArray<?> array = file == null ? null : file.array;
        if (file == null || array == null || !name.equals(file.name)) {
            throw new NotSharedException("names array " + name.number() + ", which this pool does not share", "");
        }
        file.holdAgain();
        return array;
    }

    @Override
    public void release(Name name) {
        SharedFile file = byNumber.get(name.number());
        if (file != null) {
            file.release();
        }
    }

    /** A shared array: its file, and what needs it. */
    private final class SharedFile {
        private final Name name;
        private final Path path;

        // Set when it is mapped, before any other thread knows it
        private @Nullable SharedArray<?> array;
        private @Nullable Arena arena;

        @GuardedBy("this")
        private int holds;

        @GuardedBy("this")
        private boolean isClosed;

        @GuardedBy("this")
        private boolean isGone;

        SharedFile(Name name, Path path) {
            this.name = name;
            this.path = path;
        }

        void mapped(SharedArray<?> made, Arena itsArena) {
            array = made;
            arena = itsArena;
            if (name.place() == IN_MEMORY) {
                bytesInMemory.addAndGet(name.bytes());
            }
            byNumber.put(name.number(), this);
            byArray.put(made, this);
        }

        synchronized Name hold() throws NotSharedException {
            if (isClosed) {
                throw new NotSharedException("was closed", "Close it when the calls that need it have been submitted.");
            }
            holds++;
            return name;
        }

        /** Holds what a call holds already. */
        synchronized void holdAgain() {
            holds++;
        }

        void release() {
            synchronized (this) {
                holds--;
            }
            endIfUnused();
        }

        /**
         * Unmaps the memory in this program; called by {@link SharedArray#close}. If that throws, since a thread hands
         * the memory to the system, nothing has changed.
         */
        void close() {
            if (arena != null) {
                arena.close();
            }
            synchronized (this) {
                isClosed = true;
            }
            if (array != null) {
                byArray.remove(array);
            }
            endIfUnused();
        }

        private void endIfUnused() {
            synchronized (this) {
                if (!isClosed || holds > 0 || isGone) {
                    return;
                }
                isGone = true;
            }
            byNumber.remove(name.number());
            if (name.place() == IN_MEMORY) {
                bytesInMemory.addAndGet(-name.bytes());
            }
            delete();
            home().unsharing.accept(name.number());
        }

        void delete() {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                logger.debug("{} cannot be deleted, and goes with its directory", path, e);
            }
        }

        @Override
        public String toString() {
            return "SharedFile[" + path + "]";
        }
    }

    // The end

    /** Keeps the files young, so that no cleaner of old files deletes them. */
    public void keepYoung() {
        PrivateDirectory directory;
        synchronized (this) {
            directory = inMemory;
        }
        if (directory != null) {
            directory.keepYoung();
        }
    }

    /** Makes the JVM delete the files in memory at its very end; those on disk go with the private directory. */
    public void deleteAtExit() {
        PrivateDirectory directory;
        synchronized (this) {
            directory = inMemory;
        }
        if (directory != null) {
            directory.deleteAtExit();
        }
    }

    /**
     * Deletes the files in memory, since no worker is left; those on disk go with the private directory. Memory that
     * this program has mapped stays until the program closes it. Idempotent.
     */
    public synchronized void close() {
        closed = true;
        if (inMemory != null) {
            inMemory.close();
        }
    }

    @Override
    public String toString() {
        return "SharedFiles[" + byNumber.size() + "]";
    }
}
