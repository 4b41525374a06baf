package dev.trestle.format;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A line of a Java source that is longer than {@value #LIMIT} columns and could be wrapped.
 *
 * @param file the source, relative to the root
 * @param number the number of the line, from 1
 * @param length the number of its columns
 */
record LongLine(Path file, int number, int length) {

    /** The limit of `.editorconfig`, and of the formatter, which leaves comments and string literals as they are. */
    static final int LIMIT = 120;

    /**
     * Matches comments and literals, so that the three quotes of a text block are not looked for inside the others.
     * Every quantifier is possessive or applies to one character, since a repeated group would need stack for each
     * repetition.
     */
    private static final Pattern COMMENT_OR_LITERAL = Pattern.compile("""
        //[^\\n]*+\
        |/\\*[\\s\\S]*?\\*/\
        |\"""[\\s\\S]*?(?<!\\\\)\"""\
        |"[^"\\\\\\n]*+(?:\\\\.[^"\\\\\\n]*+)*+"\
        |'(?:\\\\.|[^'\\\\])[^']*+'\
        """);

    private static final Pattern IMPORT = Pattern.compile("(?:import|package) .*");

    /** Matches what precedes the words of a comment line. */
    private static final Pattern COMMENT_START = Pattern.compile("\\s*(?:/?\\*+|//)\\s*");

    /** Returns the lines of a source that are too long, in their order. */
    static List<LongLine> in(Path file, String source) {
        List<String> lines = source.lines().toList();
        List<LongLine> found = new ArrayList<>();
        BitSet ofTextBlocks = null;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.length() > LIMIT && canWrap(line)) {
                ofTextBlocks = ofTextBlocks == null ? textBlocks(source) : ofTextBlocks;
                if (!ofTextBlocks.get(i)) {
                    found.add(new LongLine(file, i + 1, line.length()));
                }
            }
        }
        return found;
    }

    /** Returns whether a line is neither an import nor a comment of one long word, such as a link. */
    private static boolean canWrap(String line) {
        boolean isOneWord = COMMENT_START.matcher(line).replaceFirst("").strip().indexOf(' ') < 0;
        boolean isComment = COMMENT_START.matcher(line).lookingAt();
        return !(isComment && isOneWord) && !IMPORT.matcher(line).matches();
    }

    /** Returns the indexes of the lines that are content of text blocks; the text of a program is not ours to wrap. */
    private static BitSet textBlocks(String source) {
        var lines = new BitSet();
        var matcher = COMMENT_OR_LITERAL.matcher(source);
        int line = 0;
        int at = 0;
        while (matcher.find()) {
            line += newlines(source, at, matcher.start());
            int last = line + newlines(source, matcher.start(), matcher.end());
            if (source.startsWith("\"\"\"", matcher.start())) {
                lines.set(line + 1, last + 1);
            }
            line = last;
            at = matcher.end();
        }
        return lines;
    }

    private static int newlines(String source, int from, int to) {
        return (int) source.substring(from, to).chars().filter(c -> c == '\n').count();
    }

    @Override
    public String toString() {
        return file + ":" + number + " has " + length + " columns";
    }
}
