package dev.trestle.processpool.wire;

/**
 * Text of another process as messages and logs show it: characters that move a terminal's cursor, change its state,
 * end a line or reverse the direction of writing appear as {@code \}{@code u001b} and the like.
 */
public final class ShownText {

    /*
     * A worker can print and send anything. Written raw, an escape sequence clears or reprograms the terminal of the
     * reader of a log, a carriage return hides what stands before it, and a newline begins what looks like a line of
     * the program. A tab only moves the text, so it stays. So do newlines in texts of many lines, such as stack traces;
     * a log indents what comes after them. See docs/adr/0297.
     */

    private static final char FIRST_OF_BIDI_EMBEDDINGS = 0x202A;
    private static final char LAST_OF_BIDI_EMBEDDINGS = 0x202E;
    private static final char FIRST_OF_BIDI_ISOLATES = 0x2066;
    private static final char LAST_OF_BIDI_ISOLATES = 0x2069;
    private static final char LEFT_TO_RIGHT_MARK = 0x200E;
    private static final char RIGHT_TO_LEFT_MARK = 0x200F;
    private static final char ARABIC_LETTER_MARK = 0x061C;
    private static final char LINE_SEPARATOR = 0x2028;
    private static final char PARAGRAPH_SEPARATOR = 0x2029;

    private ShownText() {}

    /** The treatment of the ends of lines. */
    private enum Newline {
        SHOWN,
        KEPT,
        /** Kept, and the next line is indented, so that it does not look like an entry of a log. */
        INDENTED
    }

    /** Returns the text as one line: newlines are shown as escapes too. */
    public static String line(String text) {
        return shown(text, Newline.SHOWN);
    }

    /** Returns the text with its lines; a carriage return in front of a newline belongs to the newline. */
    public static String text(String text) {
        return shown(text, Newline.KEPT);
    }

    /** Returns the text with its lines, of which all but the first are indented by a tab. */
    public static String indented(String text) {
        return shown(text, Newline.INDENTED);
    }

    /** Returns the beginning of the text, if it is longer than a limit, and how much is left out. */
    public static String cut(String text, int most) {
        return text.length() <= most
                ? text
                : text.substring(0, most) + "... (" + (text.length() - most) + " more characters)";
    }

    /** Returns the beginning of the text with its lines, as {@link #text} and {@link #cut} do together. */
    public static String beginning(String text, int most) {
        return cut(text(cut(text, most)), most); // escapes are longer than what they stand for
    }

    private static String shown(String text, Newline newline) {
        int clean = 0;
        while (clean < text.length() && isPlain(text, clean, newline)) {
            clean++;
        }
        if (clean == text.length()) {
            return text;
        }
        var shown = new StringBuilder(text.length() + 16).append(text, 0, clean);
        for (int i = clean; i < text.length(); i++) {
            char each = text.charAt(i);
            boolean endsLine = newline != Newline.SHOWN && isNewline(text, i);
            if (endsLine && each == '\n') {
                shown.append(newline == Newline.INDENTED ? "\n\t" : "\n");
            } else if (!endsLine && isPlain(text, i, Newline.SHOWN)) {
                shown.append(each);
            } else if (!endsLine) {
                shown.append("\\u").append(Integer.toHexString(each | 0x10000), 1, 5);
            }
        }
        return shown.toString();
    }

    /** Returns whether a newline is here, or the carriage return in front of one. */
    private static boolean isNewline(String text, int at) {
        return text.charAt(at) == '\n'
                || (text.charAt(at) == '\r' && at + 1 < text.length() && text.charAt(at + 1) == '\n');
    }

    /** Returns whether the character stays as it is. */
    private static boolean isPlain(String text, int at, Newline newline) {
        char each = text.charAt(at);
        if (each < ' ') {
            return each == '\t' || (each == '\n' && newline == Newline.KEPT);
        }
        if (each < 0x7F) {
            return true;
        }
        return !Character.isISOControl(each)
                && !isBidiControl(each)
                && each != LINE_SEPARATOR
                && each != PARAGRAPH_SEPARATOR
                && !(Character.isSurrogate(each) && isAlone(text, at));
    }

    private static boolean isBidiControl(char each) {
        return (each >= FIRST_OF_BIDI_EMBEDDINGS && each <= LAST_OF_BIDI_EMBEDDINGS)
                || (each >= FIRST_OF_BIDI_ISOLATES && each <= LAST_OF_BIDI_ISOLATES)
                || each == LEFT_TO_RIGHT_MARK
                || each == RIGHT_TO_LEFT_MARK
                || each == ARABIC_LETTER_MARK;
    }

    private static boolean isAlone(String text, int at) {
        return Character.isHighSurrogate(text.charAt(at))
                ? at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1))
                : at == 0 || !Character.isHighSurrogate(text.charAt(at - 1));
    }
}
