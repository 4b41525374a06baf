package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.ShownText;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/**
 * Prints what a program without a logging system would never see: what calls print, and what goes wrong with workers.
 * Of the rest it prints nothing. Control characters in what was thrown are shown. Thread-safe; blocks as the stream
 * does.
 */
final class StandardErrorLogger extends LegacyAbstractLogger {

    private final transient Supplier<PrintStream> stream;
    private final Level lowest;

    /**
     * @param stream asked for each line, since a program may set another
     * @param lowest below this level nothing is printed
     */
    StandardErrorLogger(Supplier<PrintStream> stream, Level lowest) {
        this.stream = stream;
        this.lowest = lowest;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            String format,
            @Nullable Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        PrintStream to = stream.get();
        synchronized (to) { // a line and the stack of what was thrown belong together
            to.println(MessageFormatter.basicArrayFormat(format, arguments));
            if (thrown != null) {
                to.print(ShownText.text(stackTrace(thrown)));
            }
        }
    }

    private static String stackTrace(Throwable thrown) {
        var text = new StringWriter();
        var printer = new PrintWriter(text);
        thrown.printStackTrace(printer);
        printer.flush();
        return text.toString();
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    public boolean isTraceEnabled() {
        return isPrinted(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return isPrinted(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return isPrinted(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return isPrinted(Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return isPrinted(Level.ERROR);
    }

    private boolean isPrinted(Level level) {
        return level.toInt() >= lowest.toInt();
    }
}
