package dev.trestle.processpool.child;

import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.LogRecord;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.FormattingTuple;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.LoggingEventAware;
import org.slf4j.spi.MDCAdapter;

/**
 * A logger of a worker that forwards each line. Arguments become text here, where their classes are, on the thread that
 * logs; their methods may log, too.
 */
final class ForwardingLogger extends LegacyAbstractLogger implements LoggingEventAware {

    private static final long serialVersionUID = 1;

    private final transient LogLines lines;
    private final transient MDCAdapter mdc;

    ForwardingLogger(String name, LogLines lines, MDCAdapter mdc) {
        this.name = name;
        this.lines = lines;
        this.mdc = mdc;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            @Nullable String format,
            @Nullable Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        List<String> markers = marker == null ? List.of() : List.of(marker.getName());
        write(level, markers, format, arguments, thrown, Map.of());
    }

    @Override
    public void log(LoggingEvent event) {
        List<Marker> markers = event.getMarkers();
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        Map<String, String> keyValues = new LinkedHashMap<>();
        if (pairs != null) {
            for (KeyValuePair each : pairs) {
                // as an argument of a message: a value whose toString throws must not spoil the line
                String value = MessageFormatter.format("{}", each.value).getMessage();
                keyValues.put(String.valueOf(each.key), String.valueOf(value));
            }
        }
        write(
                event.getLevel(),
                markers == null
                        ? List.of()
                        : markers.stream().map(Marker::getName).toList(),
                event.getMessage(),
                event.getArgumentArray(),
                event.getThrowable(),
                keyValues);
    }

    private void write(
            Level level,
            List<String> markers,
            @Nullable String format,
            @Nullable Object @Nullable [] arguments,
            @Nullable Throwable thrown,
            Map<String, String> keyValues) {
        FormattingTuple text = thrown == null
                ? MessageFormatter.arrayFormat(format, arguments) // which looks for it among the arguments
                : MessageFormatter.arrayFormat(format, arguments, thrown);
        Throwable logged = thrown == null ? text.getThrowable() : thrown; // a text without arguments loses it
        lines.write(new LogRecord(
                level.toInt(),
                getName(),
                String.valueOf(text.getMessage()),
                markers,
                withoutNulls(mdc.getCopyOfContextMap()),
                keyValues,
                logged == null ? null : Failure.of(logged)));
    }

    private static Map<String, String> withoutNulls(@Nullable Map<String, String> entries) {
        if (entries == null || entries.isEmpty()) {
            return Map.of();
        }
        Map<String, String> some = new LinkedHashMap<>();
        entries.forEach((key, value) -> some.put(key, String.valueOf(value))); // MDC.put takes null
        return some;
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    public boolean isTraceEnabled() {
        return lines.takes(Level.TRACE.toInt());
    }

    @Override
    public boolean isDebugEnabled() {
        return lines.takes(Level.DEBUG.toInt());
    }

    @Override
    public boolean isInfoEnabled() {
        return lines.takes(Level.INFO.toInt());
    }

    @Override
    public boolean isWarnEnabled() {
        return lines.takes(Level.WARN.toInt());
    }

    @Override
    public boolean isErrorEnabled() {
        return lines.takes(Level.ERROR.toInt());
    }
}
