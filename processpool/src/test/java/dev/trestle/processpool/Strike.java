package dev.trestle.processpool;

import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An error that is thrown at one place of a program's code, which calls this class at many; see {@link StruckClasses}.
 * It may be followed by others wherever threads come next, as when memory is out for a while.
 */
public final class Strike {

    private static final int NOWHERE = -1;
    private static final int ANYWHERE = -2;

    private static volatile int target = NOWHERE;
    private static volatile Supplier<Error> errors = Error::new;
    private static final AtomicInteger passesLeft = new AtomicInteger();
    private static final AtomicInteger errorsLeft = new AtomicInteger();
    private static final AtomicReference<@Nullable Throwable> first = new AtomicReference<>();
    private static volatile boolean noting;
    private static final BitSet passed = new BitSet();

    private Strike() {}

    /** Called by struck classes where memory is allocated. */
    public static void pass(int place) {
        int where = target;
        if (where == ANYWHERE || (where == place && passesLeft.decrementAndGet() == 0)) {
            target = errorsLeft.decrementAndGet() > 0 ? ANYWHERE : NOWHERE;
            Error error = errors.get();
            first.compareAndSet(null, error);
            throw error;
        }
        if (noting) {
            synchronized (passed) {
                passed.set(place);
            }
        }
    }

    /**
     * Called by struck classes where a method of ours is called: only the first error is thrown there, for which memory
     * is not the reason.
     */
    public static void passCall(int place) {
        if (target == place || noting) {
            pass(place);
        }
    }

    /**
     * Throws errors from now on.
     *
     * @param place where the first is thrown
     * @param times when it is passed for the n-th time
     * @param errors how many are thrown in all; the others at the next places, whatever these are
     * @param error makes an error
     */
    static void arm(int place, int times, int errors, Supplier<Error> error) {
        first.set(null);
        Strike.errors = error;
        passesLeft.set(times);
        errorsLeft.set(errors);
        target = place;
    }

    /** Throws nothing any more. */
    static void disarm() {
        target = NOWHERE;
    }

    /** Returns the first error that was thrown since this was armed last; null if none was. */
    static @Nullable Throwable thrown() {
        return first.get();
    }

    /** Notes from now on which places are passed, or not any more. */
    static void note(boolean on) {
        noting = on;
    }

    /** Returns the places that were passed while that was noted. */
    static int[] passed() {
        synchronized (passed) {
            return passed.stream().toArray();
        }
    }
}
