package dev.trestle.processpool.wire;

import dev.trestle.api.SharedArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * The arrays that the two sides of a connection share. A name without a path travels: the receiver finds the array of
 * that name among files that it knows, so neither side can make the other map anything else. Thread-safe.
 */
public interface SharedArrays {

    /** A set without arrays. */
    SharedArrays NONE = new SharedArrays() {
        @Override
        public Name hold(SharedArray<?> array) throws NotSharedException {
            throw new NotSharedException(
                    "cannot travel here: it is the memory of a process pool, and is for that pool's calls",
                    "Capture it in a call of the pool that has shared it.");
        }

        @Override
        public SharedArray<?> hold(Name name) throws NotSharedException {
            throw new NotSharedException("names a shared array where none can be", "");
        }

        @Override
        public void release(Name name) {}
    };

    /**
     * The name of a shared array.
     *
     * @param number its number, which no other array of its pool ever has
     * @param place the number of the directory in which its file is
     * @param kind the kind of the array
     * @param bytes its size in bytes
     * @param isWritable whether the receiver may change it
     * @param identity the {@linkplain #identityOf identity} of a file of the program; 0 if the file is the pool's own
     */
    record Name(long number, int place, ArrayKind kind, long bytes, boolean isWritable, long identity) {}

    /** The name of the directory in which a place has its files. */
    String DIRECTORY = "shared";

    /**
     * Returns the name of the file of an array.
     *
     * @param number the number of the array
     * @return its name in the directory of its place
     */
    static String fileOf(long number) {
        return "a" + number;
    }

    /**
     * Returns the identity of a file, by which both sides know that they have mapped the same one.
     *
     * @param file the file, or a link to it
     * @return a number; 0 where files have none
     * @throws IOException if the file cannot be found
     */
    static long identityOf(Path file) throws IOException {
        return Objects.hashCode(
                Files.readAttributes(file, BasicFileAttributes.class).fileKey());
    }

    /**
     * Returns the name of an array that is about to be sent. The receiver finds it until it is released.
     *
     * @param array the array
     * @return its name
     * @throws NotSharedException if it cannot be sent
     */
    Name hold(SharedArray<?> array) throws NotSharedException;

    /**
     * Returns the array with a name that was received. Its memory is there until it is released.
     *
     * @param name the name
     * @return the array
     * @throws NotSharedException if there is none
     */
    SharedArray<?> hold(Name name) throws NotSharedException;

    /**
     * Releases an array that was held once.
     *
     * @param name the name
     */
    void release(Name name);

    /** Thrown where a shared array cannot be sent, or is not there. */
    final class NotSharedException extends Exception {

        private static final long serialVersionUID = 1;

        private final String reason;
        private final String remedy;

        /**
         * Creates an exception.
         *
         * @param reason the rest of a sentence that begins with the array
         * @param remedy sentences; may be empty
         */
        public NotSharedException(String reason, String remedy) {
            super(reason);
            this.reason = reason;
            this.remedy = remedy;
        }

        public String reason() {
            return reason;
        }

        public String remedy() {
            return remedy;
        }
    }
}
