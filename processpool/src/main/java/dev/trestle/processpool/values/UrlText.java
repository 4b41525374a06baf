package dev.trestle.processpool.values;

import java.net.MalformedURLException;
import java.net.URL;
import java.util.regex.Pattern;

/**
 * A URL as a text. A URL of a protocol that the JDK itself has is made without I/O; for another one, the JDK would look
 * for classes of a name that the sender chose.
 */
final class UrlText {

    private static final Pattern OF_JDK = Pattern.compile("(jar:)?(file|http|https|ftp|jrt|mailto|jmod):");

    private UrlText() {}

    /** Returns the text of a URL that can be made again. */
    static String checked(String text) {
        if (!OF_JDK.matcher(text).lookingAt()) {
            throw new RefusedException(
                    URL.class.getName(),
                    "has the protocol '" + text.substring(0, Math.max(0, text.indexOf(':')))
                            + "', and only a program that looks for a handler of it could make it",
                    "Pass java.net.URI or a text.");
        }
        return text;
    }

    /** Returns the URL with a text from the wire. */
    @SuppressWarnings("deprecation") // the constructor that is not deprecated needs a URI, and a URL need not be one
    static URL url(String text) {
        try {
            return new URL(checked(text));
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
