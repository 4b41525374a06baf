package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/**
 * The monitors of one executor. For code that implements executors: it asks {@link #isEmpty} at each {@code submit},
 * which costs one read, and takes the time only if there are monitors.
 *
 * <p>All methods may be called from any thread.
 */
public final class CallMonitors {

    /** Replaced as a whole, under the lock of this object. */
    private volatile List<CallMonitor> monitors = List.of();

    /** Creates a set without monitors. */
    public CallMonitors() {}

    /**
     * Adds a monitor.
     *
     * @param monitor the monitor
     */
    public synchronized void add(CallMonitor monitor) {
        var more = new ArrayList<>(monitors);
        more.add(requireNonNull(monitor, "monitor"));
        monitors = List.copyOf(more);
    }

    /**
     * Removes a monitor. Does nothing if it is not there.
     *
     * @param monitor the monitor that was added
     */
    public synchronized void remove(CallMonitor monitor) {
        var fewer = new ArrayList<>(monitors);
        fewer.remove(monitor);
        monitors = List.copyOf(fewer);
    }

    /**
     * Returns whether there are no monitors, so that no times are needed.
     *
     * @return whether there are none
     */
    public boolean isEmpty() {
        return monitors.isEmpty();
    }

    /**
     * Tells all monitors that a call has ended. Never throws: what a monitor throws is logged.
     *
     * @param outcome the kind of its end
     * @param waitedNanos the time for which it waited
     * @param ranNanos the time for which it ran
     */
    public void onEnded(Future.State outcome, long waitedNanos, long ranNanos) {
        for (CallMonitor each : monitors) {
            try {
                each.onEnded(outcome, Duration.ofNanos(waitedNanos), Duration.ofNanos(ranNanos));
            } catch (Throwable e) { // the call has ended, whatever happens here
                logFailure(each, e);
            }
        }
    }

    private static void logFailure(CallMonitor monitor, Throwable failure) {
        try {
            Log.failed(monitor, failure);
        } catch (Throwable e) {
            // The log fails too, for lack of memory perhaps, and the thread that is here must go on.
        }
    }
}
