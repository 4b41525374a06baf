package dev.trestle.loop;

import java.lang.invoke.MethodHandles;
import java.util.List;

/** Initializes everything that loops use, once, before the first loop is made. */
final class Groundwork {

    /*
     * The JVM initializes a class when it is first used. Where that meets the end of the stack or of memory, the class
     * fails for good, for the whole program. A foreign thread may come to a loop in a deep recursion, with an outcome
     * of a kind that did not occur before. So these classes are initialized while enough stack is left; if too little
     * is left, the caller gets the StackOverflowError and the next caller tries again.
     */

    private static final List<Class<?>> CLASSES = List.of(
            Baton.Giver.class,
            Baton.Passed.class,
            Log.class,
            Failure.class,
            Task.Start.class,
            ThreadState.class,
            Handle.class,
            TimerHandle.class,
            Inbox.class,
            LoopPromise.Arrival.class,
            Reports.class,
            SafeToString.class,
            Context.class,
            CancelledError.class);

    private static final int FRAMES = 500;

    /** Read without synchronization. A thread that reads an old value does the work again, which changes nothing. */
    private static boolean laid;

    private Groundwork() {}

    static void ensure() {
        if (!laid) {
            requireStack();
            CLASSES.forEach(Groundwork::initialize);
            LoopFuture.initialize();
            Log.initialize();
            laid = true;
        }
    }

    /**
     * Requires enough stack for code that may have to be linked, or classes to be initialized, or throws the
     * StackOverflowError. The check uses 64 KiB, also when it is compiled: a value that is live across a call needs a
     * place in the frame.
     */
    static void requireStack() {
        if (descend(FRAMES, 1, 2, 3, 4, 5, 6, 7, 8) == 0) {
            throw new IllegalStateException("Sums of numbers above zero are zero");
        }
    }

    private static long descend(int frames, long a, long b, long c, long d, long e, long f, long g, long h) {
        if (frames == 0) {
            return a;
        }
        long below = descend(frames - 1, b, c, d, e, f, g, h, a);
        return (below & 1) + a + b + c + d + e + f + g + h;
    }

    private static void initialize(Class<?> type) {
        try {
            MethodHandles.lookup().ensureInitialized(type);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("A class of this package is not accessible: " + type, e);
        }
    }
}
