package dev.trestle.loop;

/** A handler of exceptions that no code waits for; see {@link EventLoop#setExceptionHandler}. */
@FunctionalInterface
public interface ExceptionHandler {

    /**
     * Called by the loop as a callback, in the context of the task or the callback concerned, if the report names one;
     * after the loop was closed, on any thread. An exception of the handler is logged, together with the report.
     *
     * @param loop the loop
     * @param context the report
     */
    void handle(EventLoop loop, ExceptionContext context);
}
