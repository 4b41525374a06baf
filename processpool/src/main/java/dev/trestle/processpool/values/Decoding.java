package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.SharedArrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DatabindContext;

/**
 * One payload being read: its arrays, what it may name, and what may still be made of it. An attribute of Jackson's
 * context. Confined to the thread that reads.
 */
final class Decoding {

    /*
     * A few bytes may stand for an object that takes many: a pattern whose text is a reference to an earlier one, a map
     * of an enum with thousands of constants, an exception, which keeps the stack of the thread that makes it. The size
     * of such objects is estimated before they are made, and is limited for each document by its size. All other values
     * take at most a fixed multiple of their bytes.
     *
     * In the same way, the comparisons that its sets and maps will make are counted before these are filled. A sender
     * is free to choose elements with equal hash codes, and the set that holds them compares each with all others.
     */

    private static final long LEAST_ALLOWANCE = 4 << 20;
    private static final int ALLOWANCE_PER_BYTE = 64;

    /** The usual number of comparisons for each element of a set and each key of a map. */
    private static final int USUAL_COMPARISONS = 500;

    /** The most unusual comparisons for one document, as many as 10 000 elements with the same hash code take. */
    private static final long MAX_UNUSUAL_COMPARISONS = 50_000_000;

    private final List<Object> arrays;
    private final TypePolicy policy;
    private final Slot[] slots;
    private final int depth;
    private final boolean abandonable;
    private final SharedArrays shared;
    private @Nullable HeldArrays held;
    private boolean isState;
    private int hashing;
    private long size;
    private long charged;
    private long unusualComparisons;

    /**
     * Creates a decoding.
     *
     * @param arrays the out-of-band arrays
     * @param policy the classes that the sender may name
     * @param slots the declared types of the values, in order
     * @param depth the number of exceptions that contain it, as a value of their fields
     * @param abandonable whether an interrupt of the thread that reads says that the values are no longer wanted
     * @param shared the shared arrays that the sender may name
     */
    Decoding(
            List<Object> arrays, TypePolicy policy, Slot[] slots, int depth, boolean abandonable, SharedArrays shared) {
        this.arrays = arrays;
        this.policy = policy;
        this.slots = slots;
        this.depth = depth;
        this.abandonable = abandonable;
        this.shared = shared;
    }

    /**
     * Creates a decoding of the state of an exception. Values in collections count as compared: whether the exception
     * is the same that was thrown is found out by comparing them.
     */
    static Decoding ofState(TypePolicy policy, Slot[] slots, int depth) {
        var decoding = new Decoding(List.of(), policy, slots, depth, false, SharedArrays.NONE);
        decoding.isState = true;
        return decoding;
    }

    /** Returns the decoding that a context belongs to. */
    static Decoding of(DatabindContext context) {
        return (Decoding) context.getAttribute(Decoding.class);
    }

    TypePolicy policy() {
        return policy;
    }

    Slot[] slots() {
        return slots;
    }

    int depth() {
        return depth;
    }

    /** Returns the array with a number from the wire. */
    Object array(int number, Class<?> type) {
        if (number < 0 || number >= arrays.size() || arrays.get(number).getClass() != type) {
            throw new RefusedException(
                    type.getTypeName(), "refers to array " + number + ", which is not there or of another type", "");
        }
        return arrays.get(number);
    }

    /** Returns the shared arrays that were named, to which more may be added. */
    HeldArrays hold() {
        if (held == null) {
            held = new HeldArrays(shared);
        }
        return held;
    }

    /** Returns the shared arrays that were named, which the owner of the values releases; null if none were. */
    @Nullable
    HeldArrays held() {
        return held;
    }

    /** Lets go of the shared arrays that were named. */
    void release() {
        if (held != null) {
            held.release();
        }
    }

    /** Records the size of the document in bytes. */
    void begin(long bytes) {
        size = bytes;
    }

    /** Counts what an object will take that is much larger than its bytes, and refuses it if that is too much. */
    void charge(Class<?> type, long bytes) {
        charged += bytes;
        if (charged > LEAST_ALLOWANCE + size * ALLOWANCE_PER_BYTE) {
            throw new RefusedException(
                    type.getName(),
                    "and others like it in this value would take " + charged + " bytes in the heap, but are " + size
                            + " bytes on the wire",
                    "Pass what they are made of, and make each of them where it is used.");
        }
    }

    /** Returns whether no hash codes of so many elements or keys can make too many comparisons necessary. */
    boolean isFew(int size) {
        return policy.isTrusting() || size <= 2 * USUAL_COMPARISONS;
    }

    /**
     * Counts the comparisons that a set or a map will make while it is filled. There is no limit for values from the
     * pool to its own worker.
     *
     * @param comparisons the number of comparisons to come
     * @param size the number of elements or keys
     * @return whether that is too much, with the sets and maps of this document that were counted before
     */
    boolean isTooMuch(long comparisons, int size) {
        unusualComparisons += Math.max(0, comparisons - (long) USUAL_COMPARISONS * size);
        return unusualComparisons > MAX_UNUSUAL_COMPARISONS && !policy.isTrusting();
    }

    /** Throws if the values are no longer wanted. */
    void checkWanted() {
        if (abandonable && Thread.currentThread().isInterrupted()) {
            throw new RefusedException("The value", "is no longer wanted: its call has ended", "");
        }
    }

    /** Returns whether this is the state of an exception. */
    boolean isState() {
        return isState;
    }

    /** Records that the values read from now on will be hashed or compared, until {@link #afterHashing}. */
    void beforeHashing() {
        hashing++;
    }

    void afterHashing() {
        hashing--;
    }

    /** Returns whether what is read will be asked for its hash code, or be compared. */
    boolean isHashing() {
        return hashing > 0;
    }

    @Override
    public String toString() {
        return "Decoding[" + policy + "]";
    }
}
