package dev.trestle.loop.faults;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The plan of errors: transformed code asks at each of its sites, calls and allocations, whether to throw an error
 * there. For any thread.
 */
public final class Faults {

    /** The kinds of errors. */
    enum Kind {
        OUT_OF_MEMORY(new OutOfMemoryError("injected")),
        STACK_OVERFLOW(new StackOverflowError("injected")),
        DEATH(new Death());

        @SuppressWarnings("ImmutableEnumChecker") // never changed
        private final Error error;

        Kind(Error error) {
            this.error = error;
        }
    }

    /** An error of no known type, such as the one that Thread.stop threw. */
    private static final class Death extends Error {
        private static final long serialVersionUID = 1;

        Death() {
            super("injected", null, false, false);
        }
    }

    private static final List<String> sites = Collections.synchronizedList(new ArrayList<>());

    /** The only site that throws, once it has been come to so often; -1 for none. */
    private static volatile int target = -1;

    /** The site that throws after that one has, when it is come to next; -1 for none. */
    private static volatile int following = -1;

    // No locks: the loop's scheduler runs transformed code on the carriers, and on the thread of the JDK's that wakes
    // virtual threads which wait for a monitor. A monitor here would be taken by a virtual thread that only they can
    // wake.
    private static final AtomicInteger visitsLeft = new AtomicInteger();
    private static final AtomicInteger thrown = new AtomicInteger();
    private static volatile Kind kind = Kind.OUT_OF_MEMORY;
    private static volatile @Nullable Random random;
    private static volatile int oneIn;

    /** The number of passages of each site since counting began; null while nothing is counted. */
    private static volatile @Nullable AtomicIntegerArray visits;

    private Faults() {}

    static void beginCounting() {
        visits = new AtomicIntegerArray(siteCount());
    }

    /** Returns how often each site was come to. */
    static int[] endCounting() {
        AtomicIntegerArray counted = visits;
        visits = null;
        return IntStream.range(0, counted == null ? 0 : counted.length())
                .map(counted == null ? _ -> 0 : counted::get)
                .toArray();
    }

    /** Registers a site of the transformed code; returns its number. */
    static int register(String site) {
        synchronized (sites) {
            sites.add(site);
            return sites.size() - 1;
        }
    }

    static int siteCount() {
        return sites.size();
    }

    static String site(int number) {
        return sites.get(number);
    }

    /** Makes one site throw, once. */
    static void arm(int site, int visit, Kind error) {
        arm(site, visit, error, -1);
    }

    /** Makes one site throw, and then another one. */
    static void arm(int site, int visit, Kind error, int next) {
        kind = error;
        following = next;
        visitsLeft.set(visit);
        thrown.set(0);
        target = site;
    }

    /** Makes each site throw, one time in so many. */
    static void arm(Random seeded, int oneTimeIn) {
        oneIn = oneTimeIn;
        thrown.set(0);
        random = seeded;
    }

    /** Ends both; returns how many errors were thrown. */
    public static int disarm() {
        target = -1;
        following = -1;
        random = null;
        return thrown.get();
    }

    private static final int USERS = register("the user's code");

    /** Called by code that stands for the user's. */
    public static void atUsers() {
        at(USERS);
    }

    /** Called by the transformed code. */
    public static void at(int site) {
        if (site == target) {
            throwIfItsTurn();
        } else if (random != null) {
            throwByChance();
        } else {
            AtomicIntegerArray counting = visits;
            if (counting != null && site < counting.length()) {
                counting.incrementAndGet(site);
            }
        }
    }

    private static void throwIfItsTurn() {
        Kind due = kind;
        if (visitsLeft.decrementAndGet() == 0) {
            visitsLeft.set(1);
            target = following;
            following = -1;
            thrown.incrementAndGet();
            throw due.error;
        }
    }

    private static void throwByChance() {
        Random dice = random;
        if (dice != null && dice.nextInt(oneIn) == 0) {
            thrown.incrementAndGet();
            throw Kind.values()[dice.nextInt(Kind.values().length)].error;
        }
    }
}
