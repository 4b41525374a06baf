package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * What objects of the user's say of themselves, for messages: never an exception, which would keep the loop from telling what it
 * was about to tell, and never a long text.
 */
final class Words {

    private static final int LONGEST = 500;

    private Words() {}

    static String of(@Nullable Object object) {
        String words;
        try {
            words = "" + object;
        } catch (Throwable e) { // also a StackOverflowError, of what contains itself
            return nameOf(object) + " (its toString() threw " + e.getClass().getName() + ")";
        }
        return words.length() <= LONGEST
                ? words
                : words.substring(0, LONGEST) + "... (" + words.length() + " characters)";
    }

    private static String nameOf(@Nullable Object object) {
        return object == null
                ? "null"
                : object.getClass().getName() + "@" + Integer.toHexString(System.identityHashCode(object));
    }
}
