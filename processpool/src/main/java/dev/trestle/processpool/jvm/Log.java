package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.ShownText;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.spi.LocationAwareLogger;

/**
 * A logger that never throws: the program chooses the logging system and its appenders, and neither a bug in them nor
 * an exhausted heap may keep a worker from ending. Arguments may come from a worker, so control characters in them are
 * shown, and lines after the first are indented. Thread-safe.
 */
public final class Log {

    /** The class whose caller a logging system names as the origin of a line. */
    private static final String BOUNDARY = Log.class.getName();

    /** The most characters of an argument that are logged. */
    private static final int MOST_CHARS = 64 << 10;

    private final Supplier<Logger> source;

    Log(Logger logger) {
        this(() -> logger);
    }

    Log(Supplier<Logger> source) {
        this.source = source;
    }

    public static Log of(Class<?> origin) {
        return new Log(new LoggerSource(origin.getName(), Level.WARN)::get);
    }

    public void debug(String format, @Nullable Object... arguments) {
        log(Level.DEBUG, format, arguments);
    }

    public void info(String format, @Nullable Object... arguments) {
        log(Level.INFO, format, arguments);
    }

    public void warn(String format, @Nullable Object... arguments) {
        log(Level.WARN, format, arguments);
    }

    public void error(String format, @Nullable Object... arguments) {
        log(Level.ERROR, format, arguments);
    }

    /**
     * Logs a failure after which the caller must go on, on a line that names two things. Needs no memory, unlike the
     * other methods, whose arguments are gathered in an array by the caller.
     */
    public void failure(Level level, String format, @Nullable Object first, @Nullable Object second, Throwable thrown) {
        try {
            log(level, format, new @Nullable Object[] {first, second, thrown});
        } catch (Throwable e) {
            // No memory for the arguments of a line: what the caller does next matters more.
        }
    }

    private void log(Level level, String format, @Nullable Object[] arguments) {
        try {
            Logger logger = source.get();
            if (!logger.isEnabledForLevel(level)) {
                return;
            }
            Throwable thrown = thrown(arguments);
            show(arguments, thrown == null ? arguments.length : arguments.length - 1);
            if (logger instanceof LocationAwareLogger aware) {
                aware.log(null, BOUNDARY, level.toInt(), format, arguments, thrown);
            } else {
                logger.atLevel(level).log(format, arguments);
            }
        } catch (Throwable e) {
            // The log itself is broken, or there is no memory for a line: this is no reason to stop, and cannot be
            // logged.
        }
    }

    /** Puts in the place of each argument its text, in which control characters are shown. */
    private static void show(@Nullable Object[] arguments, int count) {
        for (int i = 0; i < count; i++) {
            Object each = arguments[i];
            if (each != null && !(each instanceof Number) && !each.getClass().isArray()) {
                arguments[i] = ShownText.indented(ShownText.cut(String.valueOf(each), MOST_CHARS));
            }
        }
    }

    private static @Nullable Throwable thrown(@Nullable Object[] arguments) {
        return arguments.length > 0 && arguments[arguments.length - 1] instanceof Throwable last ? last : null;
    }
}
