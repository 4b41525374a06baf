package dev.trestle.processpool;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.LoggingEventAware;
import org.slf4j.spi.MDCAdapter;

/** A logging system that prints all that it is told, one event a line; chosen by {@code slf4j.provider}. */
public final class CapturingProvider extends MdcProvider {

    /** Creates the provider, for the service loader of SLF4J. */
    public CapturingProvider() {}

    @Override
    public ILoggerFactory getLoggerFactory() {
        return name -> new Capturing(name, getMDCAdapter());
    }

    private static final class Capturing extends LegacyAbstractLogger implements LoggingEventAware {
        private static final long serialVersionUID = 1;
        private final transient MDCAdapter mdc;

        Capturing(String name, MDCAdapter mdc) {
            this.name = name;
            this.mdc = mdc;
        }

        @Override
        public void log(LoggingEvent event) {
            print(
                    event.getLevel(),
                    String.valueOf(event.getMarkers()),
                    MessageFormatter.basicArrayFormat(event.getMessage(), event.getArgumentArray()),
                    String.valueOf(event.getKeyValuePairs()),
                    event.getThrowable());
        }

        @Override
        protected void handleNormalizedLoggingCall(
                Level level,
                @Nullable Marker marker,
                String format,
                @Nullable Object @Nullable [] arguments,
                @Nullable Throwable thrown) {
            print(level, marker + "", MessageFormatter.basicArrayFormat(format, arguments), "", thrown);
        }

        private void print(Level level, String markers, String message, String pairs, @Nullable Throwable thrown) {
            if (name.startsWith("dev.trestle") && level == Level.DEBUG) {
                return; // of the pool itself
            }
            var context = new TreeMap<>(Objects.requireNonNullElse(mdc.getCopyOfContextMap(), Map.of()));
            String line =
                    String.join("|", level.toString(), name, message, markers, context.toString(), pairs, text(thrown));
            System.out.println("EVENT " + line.replace("\n", "<newline>"));
        }

        private static String text(@Nullable Throwable thrown) {
            return thrown == null
                    ? ""
                    : thrown + " at " + thrown.getStackTrace()[0].getMethodName() + " by " + thrown.getCause()
                            + List.of(thrown.getSuppressed());
        }

        @Override
        protected @Nullable String getFullyQualifiedCallerName() {
            return null;
        }

        @Override
        public boolean isTraceEnabled() {
            return true;
        }

        @Override
        public boolean isDebugEnabled() {
            return true;
        }

        @Override
        public boolean isInfoEnabled() {
            return !name.equals("quiet");
        }

        @Override
        public boolean isWarnEnabled() {
            return true;
        }

        @Override
        public boolean isErrorEnabled() {
            return true;
        }
    }
}
