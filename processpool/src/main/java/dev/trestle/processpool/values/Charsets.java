package dev.trestle.processpool.values;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Charsets by their names. For a name that it does not know, the JDK would read the class path each time; so it is
 * asked once for all that there are.
 */
final class Charsets {

    private Charsets() {}

    /** The usual ones, to know which takes no time. */
    private static final Map<String, Charset> usual = Map.of(
            StandardCharsets.UTF_8.name(), StandardCharsets.UTF_8,
            StandardCharsets.ISO_8859_1.name(), StandardCharsets.ISO_8859_1,
            StandardCharsets.US_ASCII.name(), StandardCharsets.US_ASCII,
            StandardCharsets.UTF_16.name(), StandardCharsets.UTF_16);

    /** Loaded when it is first needed. */
    private static final class All {
        static final Map<String, Charset> byName = Charset.availableCharsets();
    }

    /**
     * Returns the charset with a {@linkplain Charset#name() name}.
     *
     * @throws UnsupportedCharsetException as {@link Charset#forName} does
     */
    static Charset named(String name) {
        @Nullable Charset found = usual.get(name);
        if (found == null) {
            found = All.byName.get(name);
        }
        if (found == null) {
            throw new UnsupportedCharsetException(name);
        }
        return found;
    }
}
