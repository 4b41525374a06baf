package dev.trestle.loop;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The log of this module, which never throws. The program chooses the logging system and its handlers, and neither a
 * bug in these, nor a {@code toString} of the program's, nor the end of the stack or the heap may keep the loop from
 * its next step.
 *
 * <p>A line that cannot be logged goes to the standard error stream, with the exception of the log, up to ten times in
 * the life of a program; a broken log would fill that stream as well. If that fails too, the line is lost.
 */
final class Log {

    private static final System.Logger logger = System.getLogger(EventLoop.class.getName());

    private static final int MOST_FAILURES = 10;

    /** The number of lines that could not be logged. */
    static final AtomicInteger failures = new AtomicInteger();

    private Log() {}

    /**
     * Logs a line.
     *
     * @param text makes the line; called only if the level is logged
     */
    static void log(System.Logger.Level level, Supplier<String> text, @Nullable Throwable thrown) {
        try {
            if (logger.isLoggable(level)) {
                logger.log(level, text.get(), thrown);
            }
        } catch (Throwable e) {
            logInstead(text, thrown, e);
        }
    }

    static void log(System.Logger.Level level, Supplier<String> text) {
        log(level, text, null);
    }

    /** Makes the logging system ready; for {@link Groundwork}. */
    static void initialize() {
        try {
            var _ = logger.isLoggable(System.Logger.Level.ERROR);
        } catch (Throwable e) {
            logInstead(() -> "nothing yet", null, e);
        }
    }

    private static void logInstead(Supplier<String> text, @Nullable Throwable thrown, Throwable failure) {
        try {
            int number = failures.incrementAndGet();
            if (number <= MOST_FAILURES) {
                System.err.println("The log of " + EventLoop.class.getName() + " has failed with "
                        + SafeToString.of(failure)
                        + ". The line that was lost: " + text.get()
                        + (thrown == null ? "" : ": " + SafeToString.of(thrown))
                        + (number == MOST_FAILURES ? ". Further failures are not shown." : ""));
            }
        } catch (Throwable e) {
            // No memory for a line, or a text that throws. No other place is left to report to, and the loop must go
            // on.
        }
    }
}
