package dev.trestle.api;

import java.time.Duration;
import java.util.concurrent.Future;

/**
 * A listener to the ends of a pool's calls, for metrics: it is told how each call ended, how long the call waited, and
 * how long it ran. A pool without monitors measures nothing.
 */
@FunctionalInterface
public interface CallMonitor {

    /**
     * Called once for each call that was submitted after this monitor was added, about when its future ends, and on the
     * thread that ends it. So this method must be fast, thread-safe, and must not wait. An exception that it throws is
     * logged, and changes nothing else.
     *
     * @param outcome the kind of its end: {@code SUCCESS}, {@code FAILED} or {@code CANCELLED}
     * @param waited the time from {@code submit} until the call began for the first time; until its end if it never
     *     began
     * @param ran the time for which the call ran; zero if it never began
     */
    void onEnded(Future.State outcome, Duration waited, Duration ran);
}
