package dev.trestle.loop;

/** Told of exceptions that nobody waits for; see {@link EventLoop#setExceptionHandler}. */
@FunctionalInterface
public interface ExceptionHandler {

    /**
     * Called by the loop as a callback, in the context of the task or the callback concerned, if the report names one; after the
     * loop was closed, on any thread. What it throws is logged, together with what it was told.
     *
     * @param loop the loop
     * @param context what happened
     */
    void handle(EventLoop loop, ExceptionContext context);
}
