package dev.trestle.processpool;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.CarriedContext;
import dev.trestle.api.ContextCarrier;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.PoolThreads;
import dev.trestle.processpool.wire.Frame;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/** Brings what a call reports to its listener, on a thread that exists only while there is something to bring. */
final class ListenerQueue {

    private static final Log logger = Log.of(ProcessPool.class);
    private static final int MOST_MESSAGES = 100;

    /** The limit of the characters of all messages that wait; a single one may be longer. */
    private static final int MOST_CHARS = 256 << 10;

    /** A listener may fail on each report, and each failure has a stack: so few of them are logged. */
    private static final long PAUSE_OF_FAILURES = TimeUnit.SECONDS.toNanos(1);

    private final CallListener listener;
    private final String name;
    private final CarriedContext context = CarriedContext.capture();

    private final Object lock = new Object();

    @GuardedBy("lock")
    private final ArrayDeque<Frame.Progress> messages = new ArrayDeque<>();

    @GuardedBy("lock")
    private int chars;

    @GuardedBy("lock")
    private Frame.@Nullable Progress latest;

    @GuardedBy("lock")
    private boolean bringing;

    // Confined to the thread that brings reports; one follows the other

    private long lastFailure = System.nanoTime() - PAUSE_OF_FAILURES;
    private long failuresNotLogged;

    ListenerQueue(CallListener listener, String name) {
        this.listener = listener;
        this.name = name;
    }

    /** Takes a report; does not wait. If there is no memory for it, it is dropped: it is not worth the worker. */
    void add(Frame.Progress report) {
        try {
            if (put(report)) {
                startThread();
            }
        } catch (Error e) {
            logger.failure(Level.DEBUG, "A report of {} to {} is dropped", name, listener, e);
        }
    }

    /** Takes a report; returns whether the caller is to start the thread that brings it. */
    private boolean put(Frame.Progress report) {
        synchronized (lock) {
            if (!isMessage(report)) {
                latest = report;
            } else {
                messages.addLast(report);
                chars += report.message().length();
                while (messages.size() > MOST_MESSAGES || (chars > MOST_CHARS && messages.size() > 1)) {
                    chars -= messages.removeFirst().message().length();
                }
            }
            boolean starts = !bringing;
            bringing = true;
            return starts;
        }
    }

    private void startThread() {
        try {
            PoolThreads.startVirtual(name, this::bring);
        } catch (Throwable e) {
            synchronized (lock) {
                bringing = false; // so that the next report starts one
            }
            throw e;
        }
    }

    private static boolean isMessage(Frame.Progress report) {
        return Double.isNaN(report.fraction());
    }

    private void bring() {
        for (Frame.Progress next = next(); next != null; next = next()) {
            ContextCarrier.Scope scope = context.restore(); // throws nothing
            try {
                if (isMessage(next)) {
                    listener.message(next.message());
                } else {
                    listener.progress(Math.clamp(next.fraction(), 0.0, 1.0), next.message());
                }
            } catch (Throwable e) {
                report(next, e);
            } finally {
                scope.close();
            }
        }
    }

    /**
     * Logs the failure of a listener. No caller waits for a listener, so its failure can be seen here for the last
     * time.
     */
    private void report(Frame.Progress heard, Throwable failure) {
        long now = System.nanoTime();
        if (now - lastFailure < PAUSE_OF_FAILURES) {
            failuresNotLogged++;
            return;
        }
        lastFailure = now;
        if (failuresNotLogged > 0) {
            logger.error("The listener {} failed {} times more within a second", listener, failuresNotLogged);
            failuresNotLogged = 0;
        }
        logger.failure(Level.ERROR, "The listener {} failed on {}", listener, heard, failure);
    }

    /** Messages come before progress: those that are here are older, or as old as makes no difference. */
    private Frame.@Nullable Progress next() {
        synchronized (lock) {
            Frame.Progress next = messages.pollFirst();
            if (next == null) {
                next = latest;
                latest = null;
            } else {
                chars -= next.message().length();
            }
            bringing = next != null;
            return next;
        }
    }
}
