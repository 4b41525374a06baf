package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.ShownText;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A reader of one output of a worker: writes it to the log, line by line, and keeps its tail for exceptions. Control
 * characters are shown, long lines are cut into pieces, and what exceeds the worker's {@link LogAllowance} is counted
 * instead of logged.
 *
 * <p>Written by one thread, the pump of that output; the tail may be read by any. It never throws, because a pump that
 * dies lets the pipe fill up, and then the worker blocks when it prints. It keeps no queue: if logging is slow,
 * printing is, and memory stays bounded.
 */
final class OutputLog extends OutputStream {

    private static final int MAX_LINE = 16 << 10;
    private static final int TAIL_CHARS = 8 << 10;

    private final Consumer<String> log;
    private final LogAllowance allowance;
    private final LongAdder lost;
    private final byte[] line = new byte[MAX_LINE];
    private int length;

    private final ArrayDeque<String> tail = new ArrayDeque<>(); // guarded by itself, as is tailChars
    private int tailChars;

    /**
     * @param log takes each line; may be slow, may throw
     * @param allowance limits what the worker may log, with both of its outputs
     * @param lost counts the lines that the log did not take, and those beyond the allowance
     */
    OutputLog(Consumer<String> log, LogAllowance allowance, LongAdder lost) {
        this.log = log;
        this.allowance = allowance;
        this.lost = lost;
    }

    @Override
    public void write(int octet) {
        if (octet == '\n') {
            endLine();
        } else {
            if (length == MAX_LINE) {
                endLine(); // a program that prints no newline must not fill our memory
            }
            line[length++] = (byte) octet;
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            write(bytes[i]);
        }
    }

    /** Logs what came after the last newline, and what has been dropped; the pump calls this at the end. */
    @Override
    public void close() {
        if (length > 0) {
            endLine();
        }
        try {
            tell(allowance.note());
        } catch (Throwable e) { // as in endLine
            lost.increment();
        }
    }

    private void endLine() {
        int end = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
        length = 0;
        try {
            String text = ShownText.line(new String(line, 0, end, StandardCharsets.UTF_8));
            remember(text);
            tell(allowance.noteInNextSecond());
            if (allowance.take(Math.max(end, text.length()))) {
                log.accept(text);
            } else {
                lost.increment();
            }
        } catch (Throwable e) {
            // The log itself is broken, or there is no memory, so this cannot be logged; the statistics show it.
            lost.increment();
        }
    }

    /**
     * Returns whether the worker may log something of a size now; if not, it counts as lost. The text is for the tail.
     */
    boolean takes(int size, String text) {
        remember(ShownText.line(text));
        tell(allowance.noteInNextSecond());
        boolean taken = allowance.take(size);
        if (!taken) {
            lost.increment();
        }
        return taken;
    }

    private void tell(@Nullable String note) {
        if (note != null) {
            log.accept(note);
        }
    }

    private void remember(String text) {
        String end = text.substring(Math.max(0, text.length() - TAIL_CHARS));
        synchronized (tail) {
            tail.addLast(end);
            tailChars += end.length() + 1;
            while (tailChars > TAIL_CHARS && tail.size() > 1) {
                tailChars -= tail.removeFirst().length() + 1;
            }
        }
    }

    /** Returns the last lines, 8192 characters of them at most. */
    String tail() {
        synchronized (tail) {
            return String.join("\n", tail);
        }
    }
}
