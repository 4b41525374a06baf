package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The reports of a loop to its exception handler: problems that its own code notices, and failures that are never
 * retrieved. Such a failure is reported when its future has become garbage or the loop is closed, whichever is first:
 * nothing is swallowed. For any thread.
 */
final class Reports {

    /** Made at the first failure; a program without one has no cleaner thread. */
    private static final class Garbage {
        static final Cleaner cleaner = Cleaner.create(
                Thread.ofPlatform().name("trestle-unretrieved").daemon().factory());
    }

    private final EventLoop loop;
    private final Baton baton;

    /** The reports of failures that have not been retrieved yet. */
    private final Set<Report> pending = ConcurrentHashMap.newKeySet();

    private volatile @Nullable ExceptionHandler handler;

    Reports(EventLoop loop, Baton baton) {
        this.loop = loop;
        this.baton = baton;
    }

    void setHandler(@Nullable ExceptionHandler newHandler) {
        handler = newHandler;
    }

    /**
     * Calls the handler, which may use the loop: in this callback or a later one; or now, if the loop does not run and
     * belongs to the calling thread.
     */
    void tell(ExceptionContext context) {
        boolean inCallback = loop.isRunningHere() && baton.current() == null;
        boolean betweenRuns = !baton.isRunning() && baton.isConfinedHere();
        if (inCallback || betweenRuns || !baton.send(Handle.ofCallback(() -> tellHere(context), null))) {
            tellHere(context);
        }
    }

    private static @Nullable Context contextOf(ExceptionContext context) {
        if (context.future() instanceof Task<?> task) {
            return task.contextOrNull();
        }
        return context.handle() == null ? null : context.handle().context();
    }

    /**
     * Calls the handler, on this thread, in the context of the task or callback that failed, if that is still there.
     */
    void tellHere(ExceptionContext context) {
        Context where = contextOf(context);
        if (where == null) {
            tellHandler(context);
        } else {
            where.run(() -> tellHandler(context));
        }
    }

    private void tellHandler(ExceptionContext context) {
        ExceptionHandler told = handler;
        if (told == null) {
            Log.log(ERROR, () -> context.message() + ", in " + loop, context.exception());
            return;
        }
        try {
            told.handle(loop, context);
        } catch (Throwable e) { // the last place where either can be seen
            Log.log(ERROR, () -> "The exception handler of " + loop + " failed", e);
            Log.log(ERROR, () -> "The report that the handler was given: " + context.message(), context.exception());
        }
    }

    /**
     * Reports the failure of a future when the future is garbage or the loop is closed, unless the failure is retrieved
     * before.
     */
    void watch(Failure failure, LoopFuture<?> future) {
        // Must not hold the future, or it would never be garbage; nor its context, whose values may hold it.
        var report = new Report(new Untold(this, failure.exception(), future.identity() + loop.createdText(future)));
        failure.reportUnlessRetrieved(report); // first, as the next steps may fail for lack of memory
        pending.add(report);
        var _ = Garbage.cleaner.register(future, report);
    }

    /** Reports all failures that have not been retrieved, because the loop ends. */
    void tellUnseen() {
        List.copyOf(pending).forEach(Report::run);
    }

    /**
     * A report that is made at most once, by whichever thread is first, or dropped.
     *
     * <p>The cleaner holds this object until the future is garbage. A dropped report is empty, because the exception,
     * or the loop, may reach the future, which would never be garbage then.
     */
    static final class Report implements Runnable {

        private final AtomicReference<@Nullable Untold> content;

        private Report(Untold content) {
            this.content = new AtomicReference<>(content);
        }

        @Override
        public void run() {
            Untold untold = take();
            if (untold != null) {
                untold.reports.tell(untold.inWords());
            }
        }

        /** Makes no report. */
        void drop() {
            take();
        }

        private @Nullable Untold take() {
            Untold untold = content.getAndSet(null);
            if (untold != null) {
                untold.reports.pending.remove(this);
            }
            return untold;
        }
    }

    /** The content of a report. */
    private record Untold(Reports reports, Throwable exception, String whose) {

        ExceptionContext inWords() {
            return new ExceptionContext(
                    "The exception of " + whose + " was never retrieved: no code awaited it or asked for its result"
                            + Stacks.coroutineOf(exception)
                                    .map(frame -> ". It left the coroutine at " + frame)
                                    .orElse(""),
                    exception,
                    null,
                    null);
        }
    }
}
