package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.Reporter;
import org.jspecify.annotations.Nullable;

/**
 * The context of a running call: reports progress and messages to the caller, and shows whether the call was cancelled.
 *
 * <p>A call gets its context with {@link #current()} and may hand the context to threads of its own. A caller that
 * wants reports submits the call with {@link CallOptions#withListener}. The same code may run on any thread of any
 * program, such as a thread of a thread pool: there its reports are dropped, and {@link #isCancelled()} returns whether
 * the thread is interrupted.
 *
 * <p>Reporting never blocks, costs next to nothing and may be done in every turn of a loop: reports that follow each
 * other faster than some fifty times a second are put together. All methods may be called from any thread; after the
 * end of the call they do nothing.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="worker-context"}
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
     * are dropped. In a worker that runs several calls at a time it is that of the call on this thread, or of the call
     * that has started this thread.
     *
     * @return the context
     */
    public static WorkerContext current() {
        Reporter installed = Reporter.installed();
        return installed == null ? WITHOUT_LISTENER : new WorkerContext(installed, installed.running());
    }

    /**
     * Reports the progress of the call. The listener gets the latest report, and not necessarily each.
     *
     * @param fraction from 0 to 1; a number outside counts as the nearer of the two
     */
    public void progress(double fraction) {
        progress(fraction, "");
    }

    /**
     * Reports the progress of the call, and its present work. The listener gets the latest report, and not necessarily
     * each.
     *
     * @param fraction from 0 to 1; a number outside counts as the nearer of the two
     * @param text the present work of the call
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
     * Sends a message. The listener gets all messages in their order, or only the latest ones if there are hundreds a
     * second.
     *
     * @param text the message; cut after some thousand characters
     */
    public void message(String text) {
        requireNonNull(text, "text");
        if (reporter != null) {
            reporter.message(call, text);
        }
    }

    /**
     * Returns whether the call was cancelled, with or without an interrupt, or has exceeded its time limit.
     *
     * @return whether the call should end
     */
    public boolean isCancelled() {
        return reporter == null ? Thread.currentThread().isInterrupted() : reporter.isCancelled(call);
    }

    @Override
    public String toString() {
        return reporter == null ? "WorkerContext[no call]" : "WorkerContext[call=" + call + "]";
    }
}
