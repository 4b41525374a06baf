package dev.trestle.micrometer;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.loop.EventLoop;
import java.time.Duration;

/** A measurement of how long callbacks from other threads wait in one loop. Thread-safe. */
final class LagProbe {

    @GuardedBy("this")
    private boolean waiting;

    @GuardedBy("this")
    private long sentAt;

    @GuardedBy("this")
    private long last;

    /**
     * Returns the time for which the last probe waited, or the present one has waited if that is longer; zero if the
     * loop does not run. Sends the next probe.
     */
    Duration read(EventLoop loop) {
        if (!loop.isRunning()) {
            return forget();
        }
        if (isToBeSent()) {
            try {
                loop.callSoonThreadsafe(this::arrived);
            } catch (IllegalStateException e) { // it was closed in this moment
                return forget();
            }
        }
        return lag();
    }

    private synchronized boolean isToBeSent() {
        if (waiting) {
            return false;
        }
        waiting = true;
        sentAt = System.nanoTime();
        return true;
    }

    private synchronized void arrived() {
        if (waiting) {
            waiting = false;
            last = System.nanoTime() - sentAt;
        }
    }

    private synchronized Duration lag() {
        return Duration.ofNanos(waiting ? Math.max(last, System.nanoTime() - sentAt) : last);
    }

    private synchronized Duration forget() {
        waiting = false;
        last = 0;
        return Duration.ZERO;
    }
}
