package dev.trestle.testkit;

import dev.trestle.api.FutureExecutor;
import dev.trestle.api.Inventory;
import dev.trestle.loop.EventLoop;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A pool or a loop that was created since this class is used, and has not ended.
 *
 * @param thing the pool or the loop
 * @param site the place where it was created, as lines of text
 */
record Opened(Object thing, String site) {

    /** The number of callers that a site shows. */
    private static final int FRAMES = 4;

    private static final Object lock = new Object();

    // Guarded by lock
    private static final List<Opened> open = new ArrayList<>();

    /** The objects in that list that were reported. */
    private static final Set<Object> reported = Collections.newSetFromMap(new IdentityHashMap<>());

    static {
        Inventory.watch(Opened::add);
    }

    private static void add(Object thing) {
        String site = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .walk(frames -> frames.dropWhile(frame -> isOurs(frame.getDeclaringClass(), thing))
                        .takeWhile(frame -> !frame.getClassName().startsWith("org.junit."))
                        .limit(FRAMES)
                        .map(String::valueOf)
                        .collect(Collectors.joining("\n        by ", "\n    created at ", "")));
        synchronized (lock) {
            removeEnded();
            open.add(new Opened(thing, site));
        }
    }

    private static boolean isOurs(Class<?> type, Object thing) {
        Class<?> host = type.getNestHost();
        return host == Opened.class || host == Inventory.class || host == thing.getClass();
    }

    private boolean hasEnded() {
        return switch (thing) {
            case EventLoop loop -> loop.isClosed();
            case FutureExecutor pool -> pool.isTerminated();
            default -> true;
        };
    }

    /** Returns the open objects, the oldest first. */
    static List<Opened> all() {
        synchronized (lock) {
            removeEnded();
            return List.copyOf(open);
        }
    }

    private static void removeEnded() {
        open.removeIf(each -> {
            boolean ended = each.hasEnded();
            if (ended) {
                reported.remove(each.thing);
            }
            return ended;
        });
    }

    /** Records that this is about to be reported; returns false if it was reported before. */
    boolean report() {
        synchronized (lock) {
            return reported.add(thing);
        }
    }
}
