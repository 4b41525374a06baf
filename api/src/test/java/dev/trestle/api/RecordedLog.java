package dev.trestle.api;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The log of promises, kept for a test instead of printed, from {@link #begin} to {@link #end}. */
final class RecordedLog extends Handler {

    private final Logger log = Logger.getLogger(Promise.class.getName());

    final List<LogRecord> lines = new ArrayList<>();

    void begin() {
        log.addHandler(this);
        log.setUseParentHandlers(false);
    }

    void end() {
        log.removeHandler(this);
        log.setUseParentHandlers(true);
    }

    @Override
    public void publish(LogRecord line) {
        lines.add(line);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
