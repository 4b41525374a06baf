package dev.trestle.threadpool;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Throws an error at one site of the code that {@link HookedClasses} has loaded, when its turn comes. Threads share it.
 */
public final class Hook {

    private static final boolean[] reached = new boolean[4096];
    private static final AtomicInteger left = new AtomicInteger();
    private static volatile int armed = -1;
    private static volatile Supplier<Error> kind = Error::new;

    private Hook() {}

    /** Called before each site. */
    public static void at(int site) {
        reached[site] = true;
        if (site == armed && left.decrementAndGet() == 0) {
            armed = -1;
            throw kind.get();
        }
    }

    /** Makes a site throw an error when it is reached for the n-th time. */
    static void arm(int site, int passage, Supplier<Error> error) {
        left.set(passage);
        kind = error;
        armed = site;
    }

    /** Returns whether a site was ever reached. */
    static boolean isReached(int site) {
        return reached[site];
    }

    /** Makes no site throw; returns whether the armed one has thrown. */
    public static boolean disarm() {
        armed = -1;
        return left.get() <= 0;
    }
}
