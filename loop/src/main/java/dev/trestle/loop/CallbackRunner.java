package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;

import dev.trestle.api.ContextCarrier;
import org.jspecify.annotations.Nullable;

/**
 * The part of a loop that calls callbacks: runs one at a time, in its context, reports what it throws, and knows which
 * one is running and how long it may. The engine finds its loop through this. Confined to the holder of the baton,
 * except where another thread is named.
 */
final class CallbackRunner {

    private static final int MOST_FAILED_STEPS = 1_000;

    private final EventLoop loop;

    // any thread
    private volatile DebugMode debugMode = DebugMode.byDefault();

    /** The callback that is running. Any thread may read it, and may see an earlier one. */
    private @Nullable Handle running;

    /** The context of the callback that is running; null stands for an empty one. */
    private @Nullable Context context;

    /** The number of steps of the loop's own that have failed in a row. Each step is made again, up to a limit. */
    private int failedSteps;

    /** True if a callback of this turn of {@link EventLoop#runOnce} has left its thread interrupted. */
    private boolean interrupted;

    CallbackRunner(EventLoop loop) {
        this.loop = loop;
    }

    /** Returns the loop; may be called from any thread. */
    EventLoop loop() {
        return loop;
    }

    /** Returns the number of tasks of the loop that have not ended; from other threads it may be an old one. */
    int taskCount() {
        return loop.taskCount();
    }

    /** Returns the loop in words; may be called from any thread. */
    String loopText() {
        return loop.toString();
    }

    /** Runs a callback; what it throws is reported, and the loop goes on. */
    void run(Handle handle) {
        Runnable callback = handle.callback;
        if (callback == null) {
            return;
        }
        Handle runningBefore = running;
        Context contextBefore = context;
        running = handle;
        context = handle.context;
        Thread me = Thread.currentThread();
        ClassLoader classLoader = me.getContextClassLoader();
        ContextCarrier.@Nullable Scope scope = null;
        try {
            if (!handle.inline) {
                scope = handle.carried.restore();
            }
            handle.begun = true;
            callback.run();
            failedSteps = 0;
        } catch (Throwable e) {
            // An error in code that a pattern calls comes as a MatchException.
            boolean noRoom = e instanceof Error || e instanceof MatchException;
            if (handle.inline && noRoom && failedSteps < MOST_FAILED_STEPS) {
                failedSteps++;
                handle.begun = false; // a coroutine waits for this step, which may be made again
                loop.baton().ready(handle);
            } else {
                onFailure(handle, callback, e);
            }
        } finally {
            context = contextBefore;
            running = runningBefore;
            if (scope != null) {
                scope.close(); // throws nothing
            }
            if (!handle.inline) { // what the loop's own code finds on its thread belongs to a coroutine
                cleanUp(me, classLoader);
            }
        }
    }

    /** Takes away what the next callback must not see; on the driver. */
    private void cleanUp(Thread driver, @Nullable ClassLoader before) {
        if (driver.getContextClassLoader() != before) {
            driver.setContextClassLoader(before);
        }
        // The interrupt was meant for this callback, or for the thread that runs the loop, which gets it back after its
        // turn.
        interrupted |= Thread.interrupted() && !loop.isClosing();
    }

    /** Reports a callback that has failed. Never throws, so that the next one is called. */
    private void onFailure(Handle handle, Runnable callback, Throwable failure) {
        try {
            loop.callExceptionHandler(
                    new ExceptionContext("Exception in callback " + SafeToString.of(callback), failure, null, handle));
        } catch (Throwable e) {
            Log.log(
                    ERROR,
                    () -> "Callback " + SafeToString.of(callback) + " of " + loop
                            + " failed, and so did the report of that",
                    failure);
        }
    }

    /** Returns whether a callback has left its thread interrupted since the last call of this. */
    boolean takeInterrupt() {
        boolean taken = interrupted;
        interrupted = false;
        return taken;
    }

    /** Returns the callback that is running, if any. Any thread may call this, and may see an earlier one. */
    @Nullable
    Handle running() {
        return running;
    }

    /** Returns the context of the callback that is running; null stands for an empty one. */
    @Nullable
    Context context() {
        return context;
    }

    /** Makes a context that of the callback that is running. */
    void enter(@Nullable Context newContext) {
        context = newContext;
    }

    /** Returns the strictness of the loop; may be called from any thread. */
    DebugMode debugMode() {
        return debugMode;
    }

    /** Sets the strictness of the loop; may be called from any thread. */
    void setDebugMode(DebugMode newMode) {
        debugMode = newMode;
        SlowCallbackDetector.onLimitChanged();
    }
}
