package dev.trestle.processpool;

import dev.trestle.api.CallMonitors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A measurement of one call for the monitors of its pool: when it was submitted, when it began, how long it ran. */
final class CallStopwatch {

    private final CallMonitors monitors;
    private final long submitted = System.nanoTime();

    // Written by the threads of the call's workers
    private volatile boolean hasBegun;
    private volatile long begun;
    private volatile long ran = -1;

    private CallStopwatch(CallMonitors monitors) {
        this.monitors = monitors;
    }

    /** Returns a measurement that begins now; null if there are no monitors. */
    static @Nullable CallStopwatch submitted(CallMonitors monitors) {
        return monitors.isEmpty() ? null : new CallStopwatch(monitors);
    }

    /** Called when the call begins, the first time if it is run again. */
    void started() {
        if (!hasBegun) {
            begun = System.nanoTime();
            hasBegun = true;
        }
    }

    /** Notes the time that the worker has measured. */
    void answered(long runNanos) {
        ran = runNanos;
    }

    /** Tells the monitors. Throws nothing. */
    void ended(Future<?> future) {
        long now = System.nanoTime();
        long waited = (hasBegun ? begun : now) - submitted;
        long untilNow = hasBegun ? now - begun : 0;
        monitors.onEnded(future.state(), waited, ran >= 0 ? ran : untilNow);
    }
}
