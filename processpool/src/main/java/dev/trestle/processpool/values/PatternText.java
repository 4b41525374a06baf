package dev.trestle.processpool.values;

import java.util.regex.Pattern;

/** The text of a regular expression, and what it costs to compile it. */
final class PatternText {

    /*
     * To compile a pattern takes a call for each level of nesting, and another for each of its parts, one within the
     * other; so both are limited. Equivalence of characters (CANON_EQ) is refused: all orders of the marks of a letter
     * would be put into the pattern, which are n! for n marks.
     */

    private static final int LONGEST = 4096;
    private static final int MAX_DEPTH = 100;
    private static final int BYTES_PER_CHARACTER = 24;
    private static final int BYTES_PER_CLASS = 400;
    private static final int BYTES_PER_PATTERN = 200;

    private static final int FLAGS = Pattern.UNIX_LINES
            | Pattern.CASE_INSENSITIVE
            | Pattern.COMMENTS
            | Pattern.MULTILINE
            | Pattern.LITERAL
            | Pattern.DOTALL
            | Pattern.UNICODE_CASE
            | Pattern.UNICODE_CHARACTER_CLASS;

    private PatternText() {}

    /** Returns the flags of a pattern that is cheap to compile; refuses any other. */
    static int checked(String regex, int flags) {
        if ((flags & ~FLAGS) != 0) {
            throw refused("has the flags 0x" + Integer.toHexString(flags)
                    + ", of which all but CANON_EQ and unknown ones can be sent");
        }
        if (regex.length() > LONGEST) {
            throw refused("has " + regex.length() + " characters, and may have " + LONGEST);
        }
        if (depth(regex) > MAX_DEPTH) {
            throw refused("nests groups and character classes deeper than " + MAX_DEPTH + " levels");
        }
        return flags;
    }

    private static RefusedException refused(String reason) {
        return new RefusedException(
                Pattern.class.getName(), reason, "Pass the expression as a text, and compile it where it is used.");
    }

    private static int depth(String regex) {
        int depth = 0;
        int deepest = 0;
        for (int i = 0; i < regex.length(); i++) {
            switch (regex.charAt(i)) {
                case '\\' -> i++;
                case '(', '[' -> deepest = Math.max(deepest, ++depth);
                case ')', ']' -> depth = Math.max(0, depth - 1);
                default -> {}
            }
        }
        return deepest;
    }

    /** Returns about how many bytes a compiled pattern takes. */
    static long cost(String regex) {
        long classes = regex.chars().filter(each -> each == '[' || each == '\\').count();
        return BYTES_PER_PATTERN + (long) BYTES_PER_CHARACTER * regex.length() + BYTES_PER_CLASS * classes;
    }
}
