package dev.trestle.threadpool;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.CarriedContext;
import dev.trestle.api.ContextCarrier;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A call or task that a pool runs, and its place in the pool's queue. */
abstract sealed class Work permits Submission, Execution {

    /*
     * A work must end, and its thread must go on, whatever is thrown on the pool's thread, such as an OutOfMemoryError.
     * So `runOn` throws nothing, and allocates nothing after the user's code.
     */

    final ThreadPool pool;

    /** The context of the submitting thread; none when the call is over, since a context may hold anything. */
    private volatile CarriedContext context = CarriedContext.capture();

    // The links of the queue; guarded by the lock of WorkerThreads
    @Nullable
    Work earlier;

    @Nullable
    Work later;

    boolean queued;

    /** The thread to interrupt; guarded by this object, so that an interrupt cannot hit the thread's next work. */
    @GuardedBy("this")
    private @Nullable Thread runner;

    // Confined to the thread that accepts, runs or removes this
    private boolean running;
    private boolean hasPlace;

    // For the monitors of the pool, confined likewise; the times are of System.nanoTime
    private boolean monitored;
    private long submittedAt;
    private long begunAt; // 0: it has not
    private boolean hasFailed;

    Work(ThreadPool pool) {
        this.pool = pool;
    }

    /** Runs this on the thread of a worker, and ends it. Throws nothing. */
    final void runOn(Worker worker) {
        try {
            Throwable refusal = pool.prepare(worker);
            if (refusal == null) {
                perform(worker);
            } else {
                noteFailure();
                fail(refusal);
            }
        } catch (Throwable e) { // for lack of memory, before or after the user's code
            noteFailure();
            fail(e);
        } finally {
            endRun(worker);
            tellMonitors();
            freePlace();
            pool.over();
        }
    }

    /** Ends this, whose thread will never run it. */
    final void lose(Throwable why) {
        noteFailure();
        fail(why);
        tellMonitors();
        freePlace();
        pool.over();
    }

    /** Runs the user's code between {@link #beginRun} and {@link #endRun}. */
    abstract void perform(Worker worker);

    /** Ends this without running it. Does nothing if it has ended. */
    abstract void fail(Throwable why);

    /** Interrupts this if it runs, and ends its future. */
    abstract void stop();

    /** Ends this work, which will never run; returns its element in the result of {@code shutdownNow}. */
    abstract Runnable handBack();

    final void beginRun() {
        running = true;
        if (monitored) {
            begunAt = System.nanoTime();
        }
        pool.began();
        synchronized (this) {
            runner = Thread.currentThread();
        }
    }

    /**
     * Called before the future is done, so that statistics are right and the caller's next call finds a place.
     * Idempotent.
     */
    final void endRun(Worker worker) {
        if (running) {
            running = false;
            synchronized (this) {
                runner = null;
            }
            var _ = Thread.interrupted();
            pool.finished();
            tellMonitors();
            freePlace();
            worker.becomeFree();
        }
    }

    /** Measures this, for the monitors of the pool, from now on. */
    final void measure() {
        submittedAt = System.nanoTime();
        monitored = true;
    }

    /** Records that the user's code has failed. */
    final void noteFailure() {
        hasFailed = true;
    }

    /** Returns whether this was cancelled, or handed back without having run. */
    abstract boolean isCancelled();

    /** Tells the monitors of the pool that this has ended, if it was measured. Idempotent, and throws nothing. */
    final void tellMonitors() {
        if (!monitored) {
            return;
        }
        monitored = false;
        long now = System.nanoTime();
        boolean hasRun = begunAt != 0;
        Future.State outcome =
                isCancelled() ? Future.State.CANCELLED : hasFailed ? Future.State.FAILED : Future.State.SUCCESS;
        pool.monitors().onEnded(outcome, (hasRun ? begunAt : now) - submittedAt, hasRun ? now - begunAt : 0);
    }

    final void interrupt() {
        synchronized (this) {
            if (runner != null) {
                runner.interrupt();
            }
        }
    }

    /** Drops the links, so that a future that a caller keeps does not keep its neighbours in the queue. */
    final void unlink() {
        earlier = null;
        later = null;
    }

    /** Waits for a place in a bounded queue. */
    final void takePlace() {
        pool.takePlace();
        hasPlace = true;
    }

    /** Takes the context of the submitting thread for this thread, until the scope is closed. */
    final ContextCarrier.Scope enterContext() {
        CarriedContext mine = context;
        forgetContext();
        return mine.restore();
    }

    final void forgetContext() {
        context = CarriedContext.nothing();
    }

    /** Frees the place in a bounded queue. Idempotent. */
    final void freePlace() {
        if (hasPlace) {
            hasPlace = false;
            pool.freePlace();
        }
    }
}
