package dev.trestle.bridge;

/**
 * A thread that makes a step which has met the end of the stack of the thread that made it first. The step crosses the
 * bridge, and no other code would make it.
 */
final class SecondAttempt extends Thread {

    private static final String NAME = "trestle-bridge-second-attempt";

    /** Initializes this class: where the stack ends, that would fail, and the class with it, for good. */
    static void prepare() {}

    /** Creates the thread; it inherits nothing, and does not keep the program alive. */
    SecondAttempt(Runnable step) {
        super(null, step, NAME, 0, false);
        setDaemon(true);
    }
}
