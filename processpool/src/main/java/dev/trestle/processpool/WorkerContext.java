package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.Reporter;
import org.jspecify.annotations.Nullable;

/**
 * The context of a running call: reports progress and messages to the caller, and shows whether the call was cancelled.
 *
 * <p>A call gets it with {@link #current()} and may hand it to threads of its own. The caller that wants its reports
 * submits it with {@link CallOptions#withListener}. The same code may run on any thread of any program, a thread pool's
 * for one: its reports are dropped then, and {@link #isCancelled()} is the thread's interrupt.
 *
 * <p>Reporting never blocks, costs next to nothing and may be done in every turn of a loop: reports that
 * follow each other faster than some fifty times a second are put together. All methods may be called from any thread;
 * after the end of the call they do nothing.
 *
 * {@snippet :
 * var future = pool.submit(
 *         () -> {
 *             var context = WorkerContext.current();
 *             for (int i = 0; i < 1_000_000 && !context.isCancelled(); i++) {
 *                 step(i);
 *                 context.progress(i / 1e6);
 *             }
 *             return "done";
 *         },
 *         CallOptions.DEFAULT.withListener((fraction, text) -> bar.set(fraction)));
 * }
 */
public final class WorkerContext {

    private static final WorkerContext WITHOUT_LISTENER = new WorkerContext(null, 0);

    private final @Nullable Reporter reporter;
    private final long call;

    private WorkerContext(@Nullable Reporter reporter, long call) {
        this.reporter = reporter;
        this.call = call;
    }

    /**
     * Returns the context of the call that this worker runs; outside of workers and of calls, a context whose reports
     * are dropped.
     *
     * @return the context
     */
    public static WorkerContext current() {
        Reporter installed = Reporter.installed();
        return installed == null ? WITHOUT_LISTENER : new WorkerContext(installed, installed.running());
    }

    /**
     * Says how far the call is. The listener learns the latest, not necessarily each.
     *
     * @param fraction from 0 to 1; what is outside counts as the nearer of the two
     */
    public void progress(double fraction) {
        progress(fraction, "");
    }

    /**
     * Says how far the call is, and with what it is busy. The listener learns the latest, not necessarily each.
     *
     * @param fraction from 0 to 1; what is outside counts as the nearer of the two
     * @param text what it is doing
     * @throws IllegalArgumentException if the fraction is NaN
     */
    public void progress(double fraction, String text) {
        requireNonNull(text, "text");
        if (Double.isNaN(fraction)) {
            throw new IllegalArgumentException("Progress must be a number from 0 to 1, not NaN; was 0 divided by 0?");
        }
        if (reporter != null) {
            reporter.progress(call, Math.clamp(fraction, 0.0, 1.0), text);
        }
    }

    /**
     * Sends a message. The listener gets all in their order, unless there are hundreds a second: then the latest.
     *
     * @param text the message; what is longer than some thousand characters is cut
     */
    public void message(String text) {
        requireNonNull(text, "text");
        if (reporter != null) {
            reporter.message(call, text);
        }
    }

    /**
     * Returns whether the result of the call is no longer wanted: it was cancelled, politely or by interrupt, or its
     * time is over.
     *
     * @return whether it should end
     */
    public boolean isCancelled() {
        return reporter == null ? Thread.currentThread().isInterrupted() : reporter.isCancelled(call);
    }

    @Override
    public String toString() {
        return reporter == null ? "WorkerContext[no call]" : "WorkerContext[call=" + call + "]";
    }
}
