package dev.trestle.processpool.values;

/** Texts in messages. */
final class Text {

    private Text() {}

    /** Returns a text, or the beginning of one that is too long, with a word about the rest. */
    static String cut(String text, int longest) {
        return text.length() <= longest
                ? text
                : text.substring(0, longest) + "... (" + (text.length() - longest) + " more characters)";
    }
}
