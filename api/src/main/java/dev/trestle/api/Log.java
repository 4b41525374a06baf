package dev.trestle.api;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import org.jspecify.annotations.Nullable;

/** The log of this module. */
final class Log {

    private static final System.Logger logger = System.getLogger(Promise.class.getName());

    private Log() {}

    static void failed(String what, Object code, ConcurrentFuture<?> future, Throwable failure) {
        logger.log(ERROR, "A " + what + ", " + code.getClass().getName() + ", failed on " + future, failure);
    }

    static void carrierFailed(String step, @Nullable ContextCarrier carrier, Throwable failure) {
        String name = carrier == null ? "a context carrier" : carrier.getClass().getName();
        logger.log(
                WARNING,
                "The step '" + step + "' of " + name + " failed: code goes on without the context that the carrier"
                        + " carries. Repair the carrier, or take it out of META-INF/services/"
                        + ContextCarrier.class.getName(),
                failure);
    }

    static void failed(CallMonitor monitor, Throwable failure) {
        logger.log(ERROR, "A monitor of calls, " + monitor.getClass().getName() + ", failed", failure);
    }

    /** Returns whether failures are logged at all; for {@link Groundwork}, which wants the log to be there. */
    static boolean isOn() {
        return logger.isLoggable(ERROR);
    }
}
