package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.LogRecord;
import dev.trestle.processpool.wire.ShownText;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.MDC;
import org.slf4j.MarkerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Logs again, by the logging system of the program, what calls have logged in a worker: under the same logger, with
 * level, MDC, markers and pairs. The worker is not trusted with more than text: control characters are shown, and a
 * program gets a bounded number of loggers by the names that workers send. Thread-safe.
 */
final class ForwardedLog {

    /** The most loggers of a program that have got their names from workers. Logging systems keep loggers for good. */
    static final int MOST_LOGGERS = 4096;

    private static final ConcurrentMap<String, LoggerSource> loggers = new ConcurrentHashMap<>();

    private final String worker;
    private final LoggerSource otherwise;

    /**
     * @param worker the name of the worker, for lines whose logger cannot be had
     * @param otherwise takes these lines
     */
    ForwardedLog(String worker, LoggerSource otherwise) {
        this.worker = worker;
        this.otherwise = otherwise;
    }

    /** Logs a record. May be slow, may throw, as the program's logging system may. */
    void log(LogRecord line) {
        Level level = level(line.level());
        String name = ShownText.line(line.logger());
        String message = ShownText.indented(line.message());
        LoggerSource source = source(name);
        Logger logger = source == null ? otherwise.get() : source.get();
        if (source == null || logger instanceof StandardErrorLogger) {
            message = "[" + worker + "] " + level + " " + name + " - " + message;
        }
        LoggingEventBuilder event = logger.atLevel(level);
        for (String each : line.markers()) {
            event = event.addMarker(MarkerFactory.getDetachedMarker(ShownText.line(each))); // others are kept for good
        }
        for (Map.Entry<String, String> each : line.keyValues().entrySet()) {
            event = event.addKeyValue(ShownText.line(each.getKey()), ShownText.indented(each.getValue()));
        }
        if (line.thrown() != null) {
            event = event.setCause(new LoggedException(line.thrown()));
        }
        logWithMdc(event, message, line.mdc());
    }

    private static void logWithMdc(LoggingEventBuilder event, String message, Map<String, String> mdc) {
        try {
            for (Map.Entry<String, String> each : mdc.entrySet()) {
                MDC.put(ShownText.line(each.getKey()), ShownText.line(each.getValue()));
            }
            event.log(message);
        } finally {
            if (!mdc.isEmpty()) {
                MDC.clear();
            }
        }
    }

    private static Level level(int number) {
        for (Level each : Level.values()) { // from ERROR on
            if (number >= each.toInt()) {
                return each;
            }
        }
        return Level.TRACE;
    }

    /** Returns the logger of a name; null if there are too many. */
    private static @Nullable LoggerSource source(String name) {
        LoggerSource known = loggers.get(name);
        return known != null || loggers.size() >= MOST_LOGGERS
                ? known
                : loggers.computeIfAbsent(name, each -> new LoggerSource(each, Level.INFO));
    }
}
