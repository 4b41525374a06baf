package dev.trestle.loop;

import java.lang.ref.Cleaner;

/**
 * What a future failed with, and whether anybody has seen it. If the future becomes garbage before, or its loop is closed,
 * the exception is reported: nothing is swallowed.
 */
final class Failure {

    /** Made at the first failure; a program without one has no cleaner thread. */
    private static final class Reports {
        static final Cleaner cleaner = Cleaner.create(
                Thread.ofPlatform().name("trestle-unretrieved").daemon().factory());
    }

    private final Throwable exception;
    private volatile boolean retrieved;

    Failure(Throwable exception) {
        this.exception = exception;
    }

    Throwable exception() {
        return exception;
    }

    /** Returns the exception to somebody who deals with it. */
    Throwable retrieve() {
        retrieved = true;
        return exception;
    }

    /** Sees to it that this is reported if nobody retrieves it. */
    void watch(LoopFuture<?> future) {
        EventLoop loop = future.loop();
        String name = future.identity() + loop.createdText(future);
        loop.addUnseen(this, name);
        // Must not hold the future, or it would never be garbage.
        var _ = Reports.cleaner.register(future, () -> report(loop, name));
    }

    /** Reports the exception, unless somebody has seen it; at most once. */
    void report(EventLoop loop, String name) {
        if (loop.removeUnseen(this) && !retrieved) {
            retrieved = true;
            loop.callExceptionHandler(new ExceptionContext(
                    "The exception of " + name + " was never retrieved: nobody awaited it, nor asked for its result"
                            + Stacks.coroutineOf(exception)
                                    .map(frame -> ". It left the coroutine at " + frame)
                                    .orElse(""),
                    exception,
                    null,
                    null));
        }
    }
}
