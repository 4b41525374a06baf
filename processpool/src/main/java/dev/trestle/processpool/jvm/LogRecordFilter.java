package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.LogRecord;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * A reader of the standard error of a worker whose log is forwarded: takes the records out, and leaves the rest to an
 * {@link OutputLog}. A record may stand in the middle of a line.
 *
 * <p>Written by one thread, the pump of that output. Never throws, as {@link OutputLog}.
 */
final class LogRecordFilter extends OutputStream {

    private enum State {
        /** The bytes are text, or the first ones of a record as far as they match. */
        TEXT,
        RECORD,
        /** A record that is too long is left out. */
        TOO_LONG
    }

    private final byte[] prefix;
    private final OutputLog text;
    private final Consumer<LogRecord> log;
    private final LongAdder lost;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private State state = State.TEXT;
    private int matched;

    /**
     * @param prefix from {@link LogRecord#prefix}
     * @param text takes what is no record
     * @param log takes each record that the worker may log; may be slow, may throw
     * @param lost counts the records that the log did not take
     */
    LogRecordFilter(byte[] prefix, OutputLog text, Consumer<LogRecord> log, LongAdder lost) {
        this.prefix = prefix;
        this.text = text;
        this.log = log;
        this.lost = lost;
    }

    @Override
    public void write(byte[] bytes, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            write(bytes[i]);
        }
    }

    @Override
    public void write(int octet) {
        if (state == State.TEXT) {
            writeText((byte) octet);
        } else if (octet == '\n') {
            end();
        } else if (state == State.RECORD) {
            add(octet);
        }
    }

    private void writeText(byte octet) {
        if (octet == prefix[matched]) {
            matched++;
            if (matched == prefix.length) {
                matched = 0;
                state = State.RECORD;
            }
        } else if (matched > 0) {
            giveBack();
            writeText(octet);
        } else {
            text.write(octet);
        }
    }

    /** Leaves to the text what looked like the beginning of a record. That begins with a byte that it has only once. */
    private void giveBack() {
        int count = matched;
        matched = 0;
        text.write(prefix, 0, count);
    }

    private void add(int octet) {
        try {
            if (line.size() == LogRecord.MOST_CHARS) {
                state = State.TOO_LONG;
            } else {
                line.write(octet);
            }
        } catch (OutOfMemoryError e) {
            state = State.TOO_LONG;
        }
    }

    private void end() {
        boolean whole = state == State.RECORD;
        state = State.TEXT;
        try {
            LogRecord decoded = whole ? LogRecord.decode(line.toByteArray()) : null;
            if (decoded == null) {
                lost.increment();
            } else if (text.takes(line.size(), decoded.logger() + " - " + decoded.message())) {
                log.accept(decoded);
            }
        } catch (Throwable e) {
            // The log itself is broken, there is no memory, or the worker has sent something else; the statistics show
            // it.
            lost.increment();
        } finally {
            line.reset();
        }
    }

    /** Ends the text; the pump calls this at the end. Half a record is lost. */
    @Override
    public void close() {
        giveBack();
        if (state != State.TEXT) {
            state = State.TEXT;
            line.reset();
            lost.increment();
        }
        text.close();
    }
}
