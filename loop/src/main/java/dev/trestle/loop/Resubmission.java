package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * The remedy for a thread of an event loop that the JDK's scheduler has lost. Belongs to one loop; confined to the
 * detector's thread.
 */
final class Resubmission {

    /*
     * The problem: a carrier of the JDK's (a worker of a ForkJoinPool) takes a virtual thread from a queue, and then
     * may start another carrier, before it runs the thread. If there is no memory for that carrier, the error ends the
     * worker, and what it has taken is lost. A queue that cannot grow loses a thread too. The thread is marked as
     * unparked forever, so to unpark it again does nothing.
     *
     * The mechanism: Thread.getStackTrace of a virtual thread that no carrier runs keeps it from being run for a
     * moment, and submits it to its scheduler afterwards if it is unparked, because a carrier may have tried to run it
     * in that moment. A thread that was not lost is submitted twice, which is harmless: to continue a virtual thread
     * that runs, or is not to run, does nothing. A new thread that has never run is not submitted by that. Its start is
     * revoked, and its coroutine is started on another.
     *
     * This is safe: getStackTrace does not return for a thread that was lost while it changed its state. Only a park
     * with a time limit can be interrupted there, by the lack of memory for its timer, and threads that wait for the
     * baton park without a limit. So `Baton.overdue` names only such threads, and getStackTrace is called on a thread
     * of its own. See ADR 148.
     */

    private static final long LONGEST_FIRST = 250_000_000;
    private static final long LONGEST = 4_000_000_000L;

    private @Nullable Thread seen;
    private long overdue;
    private long limit;
    private @Nullable Thread asking;

    /**
     * Returns the time for which a thread may be overdue at first, in nanoseconds. The limit doubles each time, as a
     * carrier may just be late.
     */
    static long firstLimit(long slowNanos) {
        return Math.min(LONGEST_FIRST, slowNanos / 4);
    }

    /**
     * Submits a thread again if it has been overdue for long.
     *
     * @param thread the thread that was woken and has not run since; null if there is none
     * @param elapsed the time to count since the last look
     */
    void look(Baton baton, @Nullable Thread thread, long elapsed) {
        if (thread == null || thread != seen) {
            seen = thread;
            overdue = 0;
            limit = firstLimit(baton.slowNanos());
            return;
        }
        overdue += elapsed;
        if (overdue >= limit && thread.getState() == Thread.State.RUNNABLE && (asking == null || !asking.isAlive())) {
            baton.revokeStart(thread);
            asking = Thread.ofPlatform().name("trestle-resubmission").daemon().start(() -> resubmit(thread));
            overdue = 0;
            limit = Math.min(2 * limit, LONGEST);
        }
    }

    private static void resubmit(Thread thread) {
        try {
            var _ = thread.getStackTrace();
        } catch (OutOfMemoryError e) {
            // The thread is as overdue as before, and a later look tries again.
        }
    }
}
