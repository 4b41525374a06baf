package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * Texts of the user's objects, for messages: cut to a length, and with a substitute where {@code toString()} throws, so
 * that the message itself is never lost.
 */
final class SafeToString {

    private static final int LONGEST = 500;

    /** The depth to which futures are shown in the results of futures, which may be circles. */
    private static final int DEEPEST = 3;

    private static final ThreadLocal<@Nullable Integer> DEPTH = new ThreadLocal<>();

    private SafeToString() {}

    static String of(@Nullable Object object) {
        Integer outside = DEPTH.get();
        int depth = outside == null ? 1 : outside + 1;
        if (depth > DEEPEST) {
            return nameOf(object);
        }
        DEPTH.set(depth);
        try {
            return cut(String.valueOf(object));
        } catch (Throwable e) {
            return nameOf(object) + " (its toString() threw " + e.getClass().getName() + ")";
        } finally {
            if (outside == null) {
                DEPTH.remove();
            } else {
                DEPTH.set(outside);
            }
        }
    }

    private static String cut(@Nullable String words) {
        if (words == null || words.length() <= LONGEST) {
            return "" + words;
        }
        return words.substring(0, LONGEST) + "... (" + words.length() + " characters)";
    }

    private static String nameOf(@Nullable Object object) {
        return object == null
                ? "null"
                : object.getClass().getName() + "@" + Integer.toHexString(System.identityHashCode(object));
    }
}
