package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One line that a call in a worker logs by SLF4J, as data: the worker writes it to its standard error, the program logs
 * it again. Always small enough for {@link #MOST_CHARS}.
 *
 * @param level the number of the level, as SLF4J has it
 * @param logger the name of the logger
 * @param message the message, with its arguments
 * @param markers the names of its markers
 * @param mdc the MDC of the thread
 * @param keyValues the pairs of the event, as text
 * @param thrown the exception that was logged with it, or null
 */
public record LogRecord(
        int level,
        String logger,
        String message,
        List<String> markers,
        Map<String, String> mdc,
        Map<String, String> keyValues,
        @Nullable Failure thrown) {

    /*
     * A record travels over standard error and not over the connection of the results. The output of a process into a
     * pipe is read though the process is dead, in order with what it has printed; and a slow logging system of the
     * program holds up the thread that reads this pipe, and no result. A record begins with a character that no text
     * has and the mark of its worker, so a call prints none by accident, and stands in the middle of a line if a call
     * has printed a part of one. The rest is Base64: a line.
     */

    /** The system property that tells a worker which lines to forward: the number of the lowest level. */
    public static final String PROPERTY = "trestle.forwarded.logs";

    /** The system property by which SLF4J is told its provider, since 2.0.9. */
    public static final String PROVIDER_PROPERTY = "slf4j.provider";

    /** The class that a worker's SLF4J takes for its logging system then. */
    public static final String PROVIDER = "dev.trestle.processpool.child.ForwardingProvider";

    /** The most characters of a record in Base64. */
    public static final int MOST_CHARS = 64 << 10;

    private static final int MOST_BYTES = MOST_CHARS / 4 * 3;
    private static final int MOST_OF_MESSAGE = 16 << 10;
    private static final int MOST_WITH_STACK = 8 << 10;
    private static final int MOST_OF_NAME = 256;
    private static final int MOST_OF_VALUE = 1 << 10;
    private static final int MOST_ENTRIES = 32;

    /** The character "record separator" of ASCII. */
    private static final char BEGINNING = 0x1E;

    /** Copies the collections. */
    public LogRecord {
        markers = List.copyOf(markers);
        mdc = Map.copyOf(mdc);
        keyValues = Map.copyOf(keyValues);
    }

    /**
     * Returns the beginning of each record of a worker.
     *
     * @param mark the mark of the worker
     * @return characters of ASCII
     */
    public static byte[] prefix(String mark) {
        return (BEGINNING + mark + " ").getBytes(ISO_8859_1);
    }

    /**
     * Returns this record in Base64. A record that is too long is cut: a message, a stack trace, then everything else.
     *
     * @return at most {@link #MOST_CHARS} characters
     */
    public byte[] encode() {
        byte[] bytes = bytes(MOST_OF_MESSAGE, thrown);
        if (bytes.length > MOST_BYTES && thrown != null) {
            bytes = new LogRecord(level, logger, withStack(), markers, mdc, keyValues, null)
                    .bytes(MOST_WITH_STACK, null);
        }
        if (bytes.length > MOST_BYTES) {
            bytes = new LogRecord(level, logger, withStack(), List.of(), Map.of(), Map.of(), null)
                    .bytes(MOST_WITH_STACK, null);
        }
        return Base64.getEncoder().encode(bytes);
    }

    private String withStack() {
        return thrown == null ? message : message + "\n" + thrown.stackTraceText();
    }

    private byte[] bytes(int mostOfMessage, @Nullable Failure failure) {
        var to = new BodyWriter();
        to.number(level);
        to.string(ShownText.cut(logger, MOST_OF_NAME));
        to.string(ShownText.cut(message, mostOfMessage));
        List<String> some = markers.subList(0, Math.min(markers.size(), MOST_ENTRIES));
        to.number(some.size());
        for (String each : some) {
            to.string(ShownText.cut(each, MOST_OF_NAME));
        }
        write(mdc, to);
        write(keyValues, to);
        to.flag(failure != null);
        if (failure != null) {
            FailureCodec.write(failure, to);
        }
        return to.toArray();
    }

    private static void write(Map<String, String> entries, BodyWriter to) {
        int left = Math.min(entries.size(), MOST_ENTRIES);
        to.number(left);
        for (Map.Entry<String, String> each : entries.entrySet()) {
            if (left > 0) {
                to.string(ShownText.cut(each.getKey(), MOST_OF_NAME));
                to.string(ShownText.cut(each.getValue(), MOST_OF_VALUE));
                left--;
            }
        }
    }

    /**
     * Reads a record.
     *
     * @param base64 from {@link #encode}
     * @return the record, with whatever characters its sender has put into it
     * @throws ProtocolException if it is none
     */
    public static LogRecord decode(byte[] base64) throws ProtocolException {
        try {
            var from = new BodyReader(ByteBuffer.wrap(Base64.getDecoder().decode(base64)));
            int level = from.number();
            String logger = from.string();
            String message = from.string();
            int count = from.count(Integer.BYTES);
            var markers = new ArrayList<String>();
            for (int i = 0; i < count; i++) {
                markers.add(from.string());
            }
            Map<String, String> mdc = map(from);
            Map<String, String> keyValues = map(from);
            Failure thrown = from.flag() ? FailureCodec.read(from) : null;
            from.end();
            return new LogRecord(level, logger, message, markers, mdc, keyValues, thrown);
        } catch (IllegalArgumentException e) {
            throw new ProtocolException("A record of the log is no Base64: " + e.getMessage());
        }
    }

    private static Map<String, String> map(BodyReader from) throws ProtocolException {
        int count = from.count(2 * Integer.BYTES);
        var entries = new LinkedHashMap<String, String>();
        for (int i = 0; i < count; i++) {
            entries.put(from.string(), from.string());
        }
        return entries;
    }
}
