package dev.trestle.processpool.values;

import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The hash codes of the elements of a set, or of the keys of a map, which a sender may have chosen so that each one
 * that is added is compared with all others. Counts equal ones while a collection is filled. For one thread.
 */
final class HashCounts {

    /*
     * The JDK's HashMap, and what is made of it, keeps keys with the same hash code in a tree, if they are comparable;
     * so strings and numbers do no harm there. Others, such as records and lists, are compared one by one: of those
     * with the same hash code, at most MAX_EQUAL may come, after the first few elements, which are not counted.
     *
     * Set.of and Map.of keep an element in the next free place of a table with twice as many places as elements, and
     * Hashtable keeps a chain at each of its places. Neither has trees. How many comparisons they make is found out
     * beforehand, by counting for each place the elements whose hash codes lead there.
     *
     * The counts are in a table of open addressing, in an order that no sender knows.
     */

    private static final int MAX_EQUAL = 1000;
    private static final int NOT_COUNTED = 1000;
    private static final int MAX_COMPARISONS_EACH = 500;

    private static final int SEED = ThreadLocalRandom.current().nextInt() | 1;

    private final Class<?> container;
    private final boolean isTrusting;
    private int added;
    private int[] hashes = {};
    private int[] counts = {};
    private int used;

    private HashCounts(Class<?> container, boolean isTrusting) {
        this.container = container;
        this.isTrusting = isTrusting;
    }

    /** Returns an empty count for a container of a class; of a sender that is trusted, nothing is counted. */
    static HashCounts of(Class<?> container, Decoding decoding) {
        return new HashCounts(container, decoding.policy().isTrusting());
    }

    /** Counts an element that is about to be added; refuses it if too many have its hash code. */
    void add(@Nullable Object element) {
        added++;
        if (added > NOT_COUNTED && !isTrusting && element != null && !(element instanceof Comparable<?>)) {
            if (2 * used >= hashes.length) {
                grow();
            }
            int hash = element.hashCode();
            int at = place(hash);
            if (counts[at] == 0) {
                hashes[at] = hash;
                used++;
            }
            counts[at]++;
            if (counts[at] > MAX_EQUAL) {
                throw refused(container, "has more than " + MAX_EQUAL + " elements or keys with the hash code " + hash);
            }
        }
    }

    private int place(int hash) {
        int mixed = (hash ^ (hash >>> 16)) * SEED;
        int at = (mixed ^ (mixed >>> 15)) & (hashes.length - 1);
        while (counts[at] != 0 && hashes[at] != hash) {
            at = (at + 1) & (hashes.length - 1);
        }
        return at;
    }

    private void grow() {
        int[] oldHashes = hashes;
        int[] oldCounts = counts;
        hashes = new int[Math.max(1024, 2 * oldHashes.length)];
        counts = new int[hashes.length];
        for (int i = 0; i < oldHashes.length; i++) {
            if (oldCounts[i] != 0) {
                int at = place(oldHashes[i]);
                hashes[at] = oldHashes[i];
                counts[at] = oldCounts[i];
            }
        }
    }

    /** Refuses elements that would be compared too often in the table of {@code Set.of} or {@code Map.of}. */
    static void checkNextFree(Collection<?> elements, Class<?> container) {
        if (elements.size() <= NOT_COUNTED) {
            return;
        }
        int[] atPlace = counted(hashes(elements), elements.size(), 2 * elements.size());
        long carried = 0;
        long comparisons = 0;
        for (int each : atPlace) {
            carried = Math.max(0, carried + each - 1);
        }
        for (int each : atPlace) { // what finds no place at the end of the table goes on at its beginning
            carried = Math.max(0, carried + each - 1);
            comparisons += carried;
        }
        check(comparisons, elements.size(), container);
    }

    /**
     * Refuses keys that would be compared too often in the chains of a {@code Hashtable}, each time that it has grown.
     */
    static void checkChains(Collection<?> keys, Class<?> container) {
        int[] hashes = hashes(keys);
        for (int i = 0; i < hashes.length; i++) {
            hashes[i] &= Integer.MAX_VALUE; // as it does itself
        }
        long capacity = 11;
        while (capacity <= Integer.MAX_VALUE / 2) {
            int fitting = (int) Math.min(keys.size(), capacity * 3 / 4);
            if (fitting > NOT_COUNTED) {
                long comparisons = 0;
                for (int each : counted(hashes, fitting, (int) capacity)) {
                    comparisons += (long) each * (each - 1) / 2;
                }
                check(comparisons, fitting, container);
            }
            if (fitting == keys.size()) {
                return;
            }
            capacity = 2 * capacity + 1;
        }
    }

    private static int[] hashes(Collection<?> elements) {
        int[] hashes = new int[elements.size()];
        int count = 0;
        for (Object each : elements) {
            hashes[count++] = each == null ? 0 : each.hashCode();
        }
        return hashes;
    }

    /** Returns, for each place of a table, how many of the first elements belong there. */
    private static int[] counted(int[] hashes, int first, int places) {
        int[] counts = new int[places];
        for (int hash : Arrays.copyOf(hashes, first)) {
            counts[Math.floorMod(hash, places)]++;
        }
        return counts;
    }

    private static void check(long comparisons, int size, Class<?> container) {
        if (comparisons > (long) MAX_COMPARISONS_EACH * size) {
            throw refused(
                    container,
                    "has " + size + " elements or keys whose hash codes are so alike that " + comparisons
                            + " comparisons would be made to add them");
        }
    }

    private static RefusedException refused(Class<?> container, String reason) {
        return new RefusedException(
                container.getName(), reason, "Give their class a hashCode that tells them apart, or pass a list.");
    }

    @Override
    public String toString() {
        return "HashCounts[" + container.getName() + ", added=" + added + "]";
    }
}
