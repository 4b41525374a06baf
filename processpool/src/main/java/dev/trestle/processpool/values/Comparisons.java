package dev.trestle.processpool.values;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import org.jspecify.annotations.Nullable;

/**
 * The comparisons that the JDK makes to fill a set or a map. They are counted before it is filled, by the hash codes of
 * its elements or keys: a sender may have chosen these so that each element is compared with all others.
 */
final class Comparisons {

    /*
     * HashMap, ConcurrentHashMap and the sets made of them keep keys with the same hash code in a tree. The tree is
     * ordered if all of these keys are of one class that is Comparable to itself, such as String or Long. Otherwise
     * each key is compared with all others of the same hash code. A class of the program counts as not ordered,
     * whatever it implements, since its compareTo may return 0 for objects that are not equal.
     *
     * Set.of and Map.of keep an element in the next free place of a table with twice as many places as elements, and
     * Hashtable keeps a chain at each of its places. Neither has trees, so different hash codes that lead to the same
     * place cost as much as equal ones, and the order of the keys is of no use.
     *
     * Decoding has the limit, which is for senders that are not trusted. See docs/adr/0295.
     */

    /** Tells whether hash maps keep different keys of a class that have the same hash code in an ordered tree. */
    private static final ClassValue<Boolean> isOrdered = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            return JavaClasses.isOfJdk(type) && isComparableToItself(type);
        }
    };

    private Comparisons() {}

    /** Returns whether a class says that it is Comparable to this very class, which is what hash maps look for. */
    private static boolean isComparableToItself(Class<?> type) {
        for (Type each : type.getGenericInterfaces()) {
            if (each instanceof ParameterizedType generic
                    && generic.getRawType() == Comparable.class
                    && generic.getActualTypeArguments()[0] == type) {
                return true;
            }
        }
        return false;
    }

    /** Refuses the elements of a hash set, or the keys of a hash map, if too many have the same hash code. */
    static void checkEqualHashes(List<? extends @Nullable Object> keys, Class<?> container, Decoding decoding) {
        if (decoding.isFew(keys.size())) {
            return;
        }
        long[] sorted = hashesAndClasses(keys);
        Arrays.sort(sorted);
        long comparisons = 0;
        int most = 0;
        int mostHash = 0;
        int start = 0;
        for (int end = 1; end <= sorted.length; end++) {
            if (end == sorted.length || hash(sorted[end]) != hash(sorted[start])) {
                boolean isTree = classNumber(sorted[start]) != 0 && sorted[start] == sorted[end - 1];
                int compared = isTree ? 0 : end - start;
                if (compared > most) {
                    most = compared;
                    mostHash = hash(sorted[start]);
                }
                comparisons += eachWithAllOthers(compared);
                start = end;
            }
        }
        if (decoding.isTooMuch(comparisons, keys.size())) {
            throw refused(
                    container,
                    "has " + most + " elements or keys with the hash code " + mostHash,
                    comparisons,
                    "Give their class a hashCode that tells them apart, or pass a list.");
        }
    }

    /** Returns the hash codes, and in the lower half of each a number for the class of the key; 0 if not ordered. */
    private static long[] hashesAndClasses(List<? extends @Nullable Object> keys) {
        var numbers = new HashMap<Class<?>, Integer>();
        long[] all = new long[keys.size()];
        for (int i = 0; i < all.length; i++) {
            Object key = keys.get(i);
            if (key != null) {
                Class<?> type = key.getClass();
                int number = isOrdered.get(type) ? numbers.computeIfAbsent(type, _ -> numbers.size() + 1) : 0;
                all[i] = (long) key.hashCode() << Integer.SIZE | number;
            }
        }
        return all;
    }

    private static int hash(long hashAndClass) {
        return (int) (hashAndClass >> Integer.SIZE);
    }

    private static int classNumber(long hashAndClass) {
        return (int) hashAndClass;
    }

    private static long eachWithAllOthers(long count) {
        return count * (count - 1) / 2;
    }

    /** Refuses the elements of a {@code CopyOnWriteArraySet}, which compares each with all others, if they are many. */
    static void checkAll(Collection<?> elements, Decoding decoding) {
        long comparisons = eachWithAllOthers(elements.size());
        if (decoding.isTooMuch(comparisons, elements.size())) {
            throw refused(
                    CopyOnWriteArraySet.class,
                    "has " + elements.size() + " elements, and compares each with all others",
                    comparisons,
                    "Pass a LinkedHashSet.");
        }
    }

    /** Refuses elements that would be compared too often in the table of {@code Set.of}. */
    static void checkSetOf(Collection<?> elements, Decoding decoding) {
        checkNextFree(elements, Set.class, "Pass a HashSet or a list.", decoding);
    }

    /** Refuses keys that would be compared too often in the table of {@code Map.of}. */
    static void checkMapOf(Collection<?> keys, Decoding decoding) {
        checkNextFree(keys, Map.class, "Pass a HashMap.", decoding);
    }

    private static void checkNextFree(Collection<?> elements, Class<?> container, String remedy, Decoding decoding) {
        if (decoding.isFew(elements.size())) {
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
        if (decoding.isTooMuch(comparisons, elements.size())) {
            throw alike(container, elements.size(), comparisons, remedy);
        }
    }

    /** Refuses keys that would be compared too often in the chains of a {@code Hashtable}, each time that it grows. */
    static void checkHashtable(Collection<?> keys, Decoding decoding) {
        int[] hashes = hashes(keys);
        for (int i = 0; i < hashes.length; i++) {
            hashes[i] &= Integer.MAX_VALUE; // as it does itself
        }
        long capacity = 11;
        long comparisons = 0;
        int before = 0;
        while (before < hashes.length) {
            int fitting = (int) Math.min(hashes.length, capacity * 3 / 4);
            if (!decoding.isFew(fitting)) {
                comparisons += inChains(counted(hashes, fitting, (int) capacity))
                        - inChains(counted(hashes, before, (int) capacity));
            }
            before = fitting;
            capacity = 2 * capacity + 1;
        }
        if (decoding.isTooMuch(comparisons, hashes.length)) {
            throw alike(Hashtable.class, hashes.length, comparisons, "Pass a HashMap.");
        }
    }

    private static long inChains(int[] lengths) {
        long comparisons = 0;
        for (int each : lengths) {
            comparisons += eachWithAllOthers(each);
        }
        return comparisons;
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
        for (int i = 0; i < first; i++) {
            counts[Math.floorMod(hashes[i], places)]++;
        }
        return counts;
    }

    private static RefusedException alike(Class<?> container, int size, long comparisons, String remedy) {
        return refused(
                container, "has " + size + " elements or keys whose hash codes are so alike", comparisons, remedy);
    }

    private static RefusedException refused(Class<?> container, String reason, long comparisons, String remedy) {
        return new RefusedException(
                container.getName(), reason + ": " + comparisons + " comparisons would be made to add them", remedy);
    }
}
