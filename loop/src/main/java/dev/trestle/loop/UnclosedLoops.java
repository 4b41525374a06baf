package dev.trestle.loop;

import static java.lang.System.Logger.Level.WARNING;

/**
 * A counter of the loops that have tasks and are neither running nor closed. Logs a warning when there are many: the
 * program may have dropped these loops, and they are never garbage. For any thread.
 *
 * <p>Loops that are driven by {@link EventLoop#runOnce} do not count.
 */
final class UnclosedLoops {

    static final int FIRST_WARNING = 100;

    static final UnclosedLoops OF_THIS_JVM = new UnclosedLoops();

    private long count;
    private long nextWarning = FIRST_WARNING;

    UnclosedLoops() {}

    /** Adds a loop at the end of its run. */
    void add(EventLoop loop) {
        long reached = increment();
        if (reached > 0) {
            Log.log(
                    WARNING,
                    () -> reached + " event loops have tasks that are not done, and are neither running nor closed."
                            + " The last of them is " + loop + ", with " + loop.oldestTaskText()
                            + ". A loop that is dropped without close() is never garbage, and its coroutines never end."
                            + " Call close(), or use EventLoop.run(...) or try (var runner = new Runner()).");
        }
    }

    /** Returns the count if it has reached the next warning, or 0. */
    private synchronized long increment() {
        count++;
        if (count < nextWarning) {
            return 0;
        }
        nextWarning *= 10;
        return count;
    }

    /** Takes back {@link #add}: the loop runs again, or is closed. */
    synchronized void remove() {
        count--;
    }
}
