package dev.trestle.processpool.wire;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Text in letters that every encoding has, for command lines: everything but ASCII is written as in Java's sources. */
public final class AsciiText {

    private static final char ESCAPE = '\\';
    private static final Pattern ESCAPED = Pattern.compile("\\\\u([0-9a-f]{4})");

    private AsciiText() {}

    /**
     * Writes a text in ASCII.
     *
     * @param text any text, unpaired surrogates included
     * @return the text for {@link #decode}
     */
    public static String encode(String text) {
        var ascii = new StringBuilder();
        text.chars().forEach(each -> {
            if (each < ' ' || each > '~' || each == ESCAPE) {
                ascii.append(String.format("\\u%04x", each));
            } else {
                ascii.append((char) each);
            }
        });
        return ascii.toString();
    }

    /**
     * Reads a text.
     *
     * @param ascii the result of {@link #encode}
     * @return the text
     */
    public static String decode(String ascii) {
        return ESCAPED.matcher(ascii)
                .replaceAll(
                        found -> Matcher.quoteReplacement(String.valueOf((char) Integer.parseInt(found.group(1), 16))));
    }
}
