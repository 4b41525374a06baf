package dev.trestle.processpool.jvm;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.helpers.NOPLoggerFactory;
import org.slf4j.spi.LocationAwareLogger;

/**
 * A logger that never throws: the program chooses the logging system and its appenders, and neither a bug in them nor
 * an exhausted heap may keep a worker from ending. Thread-safe.
 */
public final class Log {

    /** The class whose caller a logging system names as the origin of a line. */
    private static final String BOUNDARY = Log.class.getName();

    private final Logger logger;

    Log(Logger logger) {
        this.logger = logger;
    }

    public static Log of(Class<?> origin) {
        return new Log(logger(origin.getName(), Level.WARN));
    }

    /**
     * Returns a logger that may throw.
     *
     * @param lowest what is below this level is not seen if the program has no logging system; the rest goes to
     * standard error
     */
    static Logger logger(String name, Level lowest) {
        return LoggerFactory.getILoggerFactory() instanceof NOPLoggerFactory
                ? new StandardErrorLogger(() -> System.err, lowest)
                : LoggerFactory.getLogger(name);
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
            if (!logger.isEnabledForLevel(level)) {
                return;
            }
            if (logger instanceof LocationAwareLogger aware) {
                aware.log(null, BOUNDARY, level.toInt(), format, arguments, thrown(arguments));
            } else {
                logger.atLevel(level).log(format, arguments);
            }
        } catch (Throwable e) {
            // The log itself is broken, or there is no memory for a line: this is no reason to stop, and cannot be
            // logged.
        }
    }

    private static @Nullable Throwable thrown(@Nullable Object[] arguments) {
        return arguments.length > 0 && arguments[arguments.length - 1] instanceof Throwable last ? last : null;
    }
}
