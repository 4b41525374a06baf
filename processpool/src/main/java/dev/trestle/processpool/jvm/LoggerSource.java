package dev.trestle.processpool.jvm;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.helpers.NOPLoggerFactory;
import org.slf4j.helpers.SubstituteLogger;

/**
 * A logger by its name, looked up when it is needed. Thread-safe.
 *
 * <p>While another thread sets SLF4J up, SLF4J hands out substitutes. One that is asked for too late gets no logger
 * behind it: what it is told is kept in memory for good. So a substitute is used for one line, and never kept.
 */
final class LoggerSource {

    private final String name;
    private final Level lowest;
    private final Supplier<ILoggerFactory> factory;
    private volatile @Nullable Logger found;

    /**
     * @param lowest the lowest level that a program without a logging system shows; such lines go to
     * standard error
     */
    LoggerSource(String name, Level lowest) {
        this(name, lowest, LoggerFactory::getILoggerFactory);
    }

    LoggerSource(String name, Level lowest, Supplier<ILoggerFactory> factory) {
        this.name = name;
        this.lowest = lowest;
        this.factory = factory;
        var _ = get(); // while there is memory
    }

    /** Returns the logger, which may throw. */
    Logger get() {
        Logger known = found;
        if (known != null) {
            return known;
        }
        ILoggerFactory now = factory.get();
        Logger logger = now instanceof NOPLoggerFactory
                ? new StandardErrorLogger(() -> System.err, lowest)
                : now.getLogger(name);
        if (!(logger instanceof SubstituteLogger)) {
            found = logger;
        }
        return logger;
    }

    @Override
    public String toString() {
        return "LoggerSource[" + name + "]";
    }
}
