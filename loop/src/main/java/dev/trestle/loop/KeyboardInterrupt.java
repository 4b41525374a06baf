package dev.trestle.loop;

/**
 * Thrown by {@link Runner#run} and {@link EventLoop#run} when Ctrl-C (SIGINT) was pressed and the main coroutine ended
 * because of that. An {@link Error}, so that {@code catch (Exception e)} does not swallow it. If the program does not
 * catch it, the program ends with exit code 130, as a shell expects, and without a stack trace.
 */
public final class KeyboardInterrupt extends Error {

    private static final long serialVersionUID = 1;

    KeyboardInterrupt(CancelledError cause) {
        super("Ctrl-C was pressed: the main coroutine was cancelled, and has ended", cause);
    }
}
