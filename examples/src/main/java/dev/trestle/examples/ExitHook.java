package dev.trestle.examples;

/**
 * An action that runs if the JVM is told to end, by Ctrl-C or by a signal, before the work is done. The JVM then ends
 * with the exit code of the signal: 130 for Ctrl-C.
 */
final class ExitHook {

    private final Thread thread;

    private ExitHook(Thread thread) {
        this.thread = thread;
    }

    /** Arranges for an action, which should be short: the JVM's end waits for it. */
    static ExitHook of(Runnable action) {
        var thread = Thread.ofPlatform().name("trestle-examples-exit").unstarted(action);
        Runtime.getRuntime().addShutdownHook(thread);
        return new ExitHook(thread);
    }

    /** Cancels the action; returns whether that was in time. If not, the JVM is about to end. */
    boolean disarm() {
        try {
            return Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException alreadyEnding) {
            return false;
        }
    }
}
