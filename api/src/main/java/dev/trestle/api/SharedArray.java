package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * An array of primitives that calls share, instead of a copy for each: memory outside of the heap, which
 * {@link FutureExecutor#share} fills once. A call that captures a shared array is sent its name, whatever the size of
 * the array, and a process of a pool maps the memory once, at the first call that names it.
 *
 * {@snippet class="dev.trestle.contract.ExecutorContract" region="share"}
 *
 * <p>The memory is read-only, here and in calls, unless it comes from {@link FutureExecutor#allocate}. Closing a shared
 * array, usually by {@code try}, gives the memory back: no further call can be submitted with it, and what reads its
 * {@link #segment} in this program gets an {@link IllegalStateException}. Calls that a process pool has accepted before
 * go on with the memory until they end. On a thread pool they read the memory of this program, so they get that
 * exception too. Within a call, {@code close} does nothing in another process: the array belongs to the program.
 *
 * <p>Thread-safe.
 *
 * @param <A> the type of the array, such as {@code double[]}
 */
public final class SharedArray<A> implements AutoCloseable {

    private static final Map<Class<?>, ValueLayout> layouts = Map.of(
            byte[].class, ValueLayout.JAVA_BYTE,
            short[].class, ValueLayout.JAVA_SHORT,
            char[].class, ValueLayout.JAVA_CHAR,
            int[].class, ValueLayout.JAVA_INT,
            long[].class, ValueLayout.JAVA_LONG,
            float[].class, ValueLayout.JAVA_FLOAT,
            double[].class, ValueLayout.JAVA_DOUBLE);

    /** The most elements that an array can have in all JVMs. */
    private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

    private final Class<A> type;
    private final ValueLayout layout;
    private final MemorySegment segment;
    private final Runnable closing;

    private SharedArray(Class<A> type, MemorySegment segment, Runnable closing) {
        this.type = type;
        this.layout = requireNonNull(layouts.get(type), "the layout of a primitive type");
        this.segment = segment;
        this.closing = closing;
    }

    // Making one

    /**
     * Copies an array into memory of this process. That memory is for calls on threads; a process pool shares arrays by
     * its own method {@code share}.
     *
     * @param array an array of bytes, shorts, chars, ints, longs, floats or doubles
     * @param <A> its type
     * @return the shared array, with the elements that the array has now; to be closed
     * @throws IllegalArgumentException if it is something else
     */
    public static <A> SharedArray<A> of(A array) {
        Class<A> type = typeOf(array);
        ValueLayout layout = requireNonNull(layouts.get(type));
        int length = Array.getLength(array);
        Arena arena = Arena.ofShared();
        try {
            MemorySegment memory = arena.allocate(length * layout.byteSize(), Long.BYTES);
            MemorySegment.copy(array, 0, memory, layout, 0, length);
            return over(type, memory.asReadOnly(), arena::close);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Maps a file into memory of this process, for calls on threads.
     *
     * @param file a file with all its data; not to be made shorter while it is mapped, since the system then ends
     *     readers of what is gone with an {@link InternalError}
     * @return the bytes of the file; to be closed, which leaves the file as it is
     * @throws IllegalArgumentException if it is no file that can be mapped
     * @throws UncheckedIOException if it cannot be opened
     */
    public static SharedArray<byte[]> of(Path file) {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = open(file)) {
            return over(byte[].class, map(channel, channel.size(), false, arena), arena::close);
        } catch (IOException e) {
            arena.close();
            throw new UncheckedIOException("Cannot share the file " + file + ": " + e, e);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Takes memory of this process, for calls on threads.
     *
     * @param bytes the number of bytes
     * @return memory that is zero, and may be written to; to be closed
     * @throws IllegalArgumentException if the number is negative
     * @throws OutOfMemoryError if there is not so much memory
     */
    public static SharedArray<byte[]> allocate(long bytes) {
        requireSize(bytes);
        Arena arena = Arena.ofShared();
        try {
            return over(byte[].class, arena.allocate(bytes, Long.BYTES), arena::close);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Makes a shared array of memory that an executor has; for executors.
     *
     * @param type the type of the array
     * @param segment the memory; the shared array is closed as soon as the scope of it is
     * @param closing called by each {@link #close} while the scope of the memory is alive
     * @param <A> the type of the array
     * @return the shared array
     */
    public static <A> SharedArray<A> over(Class<A> type, MemorySegment segment, Runnable closing) {
        return new SharedArray<>(type, segment, closing);
    }

    /**
     * Returns the class of an array that can be shared; for executors.
     *
     * @param array the array
     * @param <A> its type
     * @return its class
     * @throws IllegalArgumentException if it is no array of primitives, or one of booleans
     */
    @SuppressWarnings("unchecked") // an array's class has no type arguments
    public static <A> Class<A> typeOf(A array) {
        Class<?> type = requireNonNull(array, "array").getClass();
        if (layouts.containsKey(type)) {
            return (Class<A>) type;
        }
        String name = type.getTypeName();
        if (array instanceof SharedArray<?>) {
            throw new IllegalArgumentException(array + " is shared already: let calls capture it as it is.");
        }
        if (type == boolean[].class) {
            throw new IllegalArgumentException("Cannot share a boolean[]: a byte in shared memory is more than true or"
                    + " false. Share a byte[] with 0 and 1.");
        }
        throw new IllegalArgumentException(
                "Cannot share a value of " + name + ": only arrays of byte, short, char, int,"
                        + " long, float and double can be shared. "
                        + (type.isArray()
                                ? "Put the elements one after the other into one such array."
                                : "Pass other values as they are, and files as java.nio.file.Path."));
    }

    /**
     * Opens a file that is to be mapped; for executors.
     *
     * @param file the file
     * @return a channel that can be read
     * @throws IllegalArgumentException if it is no file that can be mapped
     * @throws IOException if it cannot be opened
     */
    public static FileChannel open(Path file) throws IOException {
        requireNonNull(file, "file");
        if (file.getFileSystem() != FileSystems.getDefault()) {
            throw new IllegalArgumentException("Cannot share " + file + " of the file system " + file.getFileSystem()
                    + ": only files of the system can be mapped. Copy it into one, or share its bytes.");
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) { // to open a pipe would block this thread
            throw new IllegalArgumentException("Cannot share " + file + ": it is "
                    + (Files.isDirectory(file) ? "a directory" : "no regular file")
                    + ". Share single files.");
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            if (channel.size() == 0 && channel.read(ByteBuffer.allocate(1)) > 0) {
                throw new IllegalArgumentException("Cannot share " + file + ": its size is not known before it is read,"
                        + " as with files in /proc. Share the bytes that are read from it.");
            }
            return channel;
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Maps the beginning of a file; for executors.
     *
     * @param channel the open file
     * @param bytes the number of bytes, which may be 0
     * @param isWritable whether the memory may be written to
     * @param arena the owner of the memory
     * @return the memory
     * @throws IOException if the file cannot be mapped
     */
    public static MemorySegment map(FileChannel channel, long bytes, boolean isWritable, Arena arena)
            throws IOException {
        if (bytes == 0) { // which no system maps
            return isWritable ? arena.allocate(0) : arena.allocate(0).asReadOnly();
        }
        return channel.map(
                isWritable ? FileChannel.MapMode.READ_WRITE : FileChannel.MapMode.READ_ONLY, 0, bytes, arena);
    }

    /**
     * Checks a number of bytes to allocate; for executors.
     *
     * @param bytes the number
     * @throws IllegalArgumentException if it is negative
     */
    public static void requireSize(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("The size of shared memory must not be negative, in bytes: " + bytes);
        }
    }

    // Using it

    /**
     * Returns the memory. It is accessed by the layouts of {@link ValueLayout}, such as
     * {@code segment().getAtIndex(ValueLayout.JAVA_DOUBLE, i)}.
     *
     * @return the memory; read-only, unless it comes from {@link FutureExecutor#allocate}
     * @throws IllegalStateException if this is closed
     */
    public MemorySegment segment() {
        refuseIfClosed();
        return segment;
    }

    /**
     * Copies the elements into a new array.
     *
     * @return the array
     * @throws IllegalStateException if this is closed, or has more elements than an array can have
     */
    public A toArray() {
        refuseIfClosed();
        long length = length();
        if (length > LARGEST_ARRAY) {
            throw new IllegalStateException(
                    this + " has more elements than an array can have, " + LARGEST_ARRAY + ": use its segment().");
        }
        A array = type.cast(Array.newInstance(type.componentType(), (int) length));
        MemorySegment.copy(segment, layout, 0, array, 0, (int) length);
        return array;
    }

    /**
     * Returns the number of elements.
     *
     * @return the number, also when this is closed
     */
    public long length() {
        return segment.byteSize() / layout.byteSize();
    }

    /**
     * Returns the type of the array.
     *
     * @return the class, such as {@code double[].class}
     */
    public Class<A> type() {
        return type;
    }

    /**
     * Returns whether this was closed, or its pool has unmapped it.
     *
     * @return whether the memory is gone
     */
    public boolean isClosed() {
        return !segment.scope().isAlive();
    }

    private void refuseIfClosed() {
        if (isClosed()) {
            throw new IllegalStateException(
                    this + ": its memory was given back. Close it when all that use it have ended.");
        }
    }

    /**
     * Gives the memory back. Idempotent. Does nothing in a call that runs in another process.
     *
     * @throws IllegalStateException if a thread of this program is handing the memory to the system at this moment, as
     *     to write it to a channel; then this is not closed, and may be closed later
     */
    @Override
    public synchronized void close() {
        if (!isClosed()) {
            try {
                closing.run();
            } catch (IllegalStateException e) {
                throw new IllegalStateException(
                        "Cannot close " + this + " while a thread hands its memory to the system, as to write it to a"
                                + " channel. Close it when that has ended.",
                        e);
            }
        }
    }

    @Override
    public String toString() {
        return "SharedArray[" + type.componentType() + "[" + length() + "]" + (isClosed() ? ", closed" : "") + "]";
    }
}
