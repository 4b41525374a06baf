package dev.trestle.loop;

import static java.lang.System.Logger.Level.WARNING;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Logs the stack of a callback or coroutine that has run for too long without awaiting, while it still runs, and wakes
 * loops that are stuck: one thread for all loops, which looks at each of them now and then.
 */
final class SlowCallbackDetector implements Runnable {

    /*
     * A hand-over does nothing for this. The baton has a counter of the items that it has run, in the ready queue,
     * because the queue needs one; if neither the holder nor that counter has changed between two looks, the holder has
     * run all the time. Both reads may return earlier values: then the next look sees the change. Before the stack is
     * logged they are read again, so it is never the stack of another coroutine.
     *
     * Time counts by looks: a look that comes late, because the whole JVM or machine has stood still, counts as one
     * that came in time.
     *
     * Loops that are stuck depend on this thread, so nothing ends it: it runs no code of the program's, and asks for no
     * stack, which the JDK may never answer where a thread was lost. Warnings are put into words, perhaps by a toString
     * of the program's, and logged on another thread, which may fail or hang, and exists only while there are warnings.
     * Each look first unsticks loops and then judges them, and what fails at one loop is left out.
     */

    /** The longest time between two looks, in nanoseconds. */
    private static final long LONGEST = 250_000_000;

    /** The longest time between two looks while carriers are kept, or have been added, in nanoseconds. */
    private static final long LONGEST_WHILE_STUCK = 50_000_000;

    private static final long SHORTEST = 1_000_000;

    private static final SlowCallbackDetector detector = new SlowCallbackDetector();

    private final Warnings warnings = new Warnings();

    private @Nullable Thread thread;
    private volatile boolean asleep = true;

    /** Confined to the thread. */
    private final Map<Baton, Sight> sights = new HashMap<>();

    /** Confined to the thread. */
    private final StackCopyDetector stackCopyDetector = new StackCopyDetector();

    /** Made at the first look, as long as there is memory. Written by the thread alone. */
    private volatile @Nullable Carriers carriers;

    private SlowCallbackDetector() {}

    /** Called when a loop begins to run, after its baton was added to {@link Baton#running}. */
    static void onLoopStarted() {
        if (detector.asleep) {
            detector.wake();
        }
    }

    /** Called when the limit of a loop has changed: it may be shorter. */
    static void onLimitChanged() {
        LockSupport.unpark(detector.thread());
    }

    private synchronized @Nullable Thread thread() {
        return thread;
    }

    private synchronized void wake() {
        if (thread == null) {
            try {
                thread = Thread.ofPlatform().name("trestle-watch").daemon().start(this);
            } catch (Throwable e) { // no memory for a thread: the next loop that begins tries again, this one runs
                // unwatched
                Log.log(WARNING, () -> "Slow callbacks are not watched: no thread could be started", e);
                return;
            }
        }
        asleep = false;
        LockSupport.unpark(thread);
    }

    @Override
    public void run() {
        long last = System.nanoTime();
        boolean failed = false;
        while (true) {
            try {
                if (failed) {
                    LockSupport.parkNanos(this, SHORTEST);
                    failed = false;
                }
                long interval = interval();
                LockSupport.parkNanos(this, interval);
                long now = System.nanoTime();
                look(Math.min(now - last, interval));
                last = now;
                if (sights.isEmpty()) {
                    sleep();
                }
            } catch (Throwable e) { // no memory, most likely; this thread must not end
                failed = true;
            }
        }
    }

    private long interval() {
        long interval = carriers != null && carriers.isActive() ? LONGEST_WHILE_STUCK : LONGEST;
        for (Baton baton : Baton.running()) {
            interval = Math.min(interval, baton.slowNanos() / 4);
        }
        return Math.max(interval, SHORTEST);
    }

    private void sleep() {
        asleep = true;
        while (asleep && Baton.running().isEmpty()) {
            LockSupport.park(this);
        }
        asleep = false;
    }

    private void look(long nanos) {
        for (var all = sights.entrySet().iterator(); all.hasNext(); ) {
            var seen = all.next();
            if (!Baton.running().contains(seen.getKey())) {
                judge(seen.getKey(), seen.getValue(), null, nanos);
                all.remove();
            }
        }
        boolean stuck = false;
        for (Baton baton : Baton.running()) {
            Sight sight = sights.computeIfAbsent(baton, _ -> new Sight());
            boolean unmoved = sight.isUnmoved(baton.holderOrPlaceholder(), baton.progress());
            if (unmoved) {
                attempt(baton::unstick);
                stuck |= baton.hasWork();
            }
            attempt(() -> sight.resubmission.look(baton, unmoved ? baton.overdue() : null, nanos));
        }
        boolean anyStuck = stuck;
        attempt(() -> lookAtCarriers(anyStuck));
        attempt(this::lookAtMemory);
        for (Baton baton : Baton.running()) {
            Sight sight = sights.computeIfAbsent(baton, _ -> new Sight());
            attempt(() -> judge(baton, sight, baton.holder(), nanos));
        }
    }

    private void lookAtCarriers(boolean stuck) {
        Carriers mine = carriers;
        if (mine == null) {
            mine = new Carriers();
            carriers = mine;
        }
        Carriers.Change change = mine.look(stuck);
        if (change != null) {
            warnings.add(change::text, null);
        }
    }

    private void lookAtMemory() {
        long tasks = 0;
        for (Baton baton : Baton.running()) {
            tasks += baton.callbacks().taskCount();
        }
        StackCopyDetector.Figures figures = stackCopyDetector.look(tasks, System.nanoTime());
        if (figures != null) {
            warnings.add(figures::text, null);
        }
    }

    /** Returns whether the detector has all it needs to add carriers. */
    static boolean isReady() {
        return detector.carriers != null;
    }

    /** Runs a step of a look. A step that fails is logged; the next look tries again. */
    private void attempt(Runnable step) {
        try {
            step.run();
        } catch (Throwable e) {
            warnings.add(() -> "A look at an event loop failed; the next one follows", e);
        }
    }

    private void judge(Baton baton, Sight sight, @Nullable Thread holder, long nanos) {
        Verdict verdict = sight.look(holder, baton.progress(), nanos, baton.slowNanos());
        baton.noteStep(sight.nanos);
        switch (verdict) {
            case QUIET -> {}
            case TOO_LONG -> {
                Running running = Running.in(baton);
                if (running == null || holder == null) {
                    sight.clear(); // it is over, or it is the loop itself, which the machine does not let run
                    return;
                }
                var accusation = new Accusation(baton, running, holder, sight.progress, sight.nanos);
                sight.accusation = accusation;
                warnings.add(accusation::text, null);
            }
            case GIVEN_AWAY -> {
                Accusation accusation = sight.accusation;
                if (accusation != null) {
                    long held = sight.toldAfter;
                    warnings.add(() -> accusation.endText(held), null);
                }
            }
        }
    }

    /**
     * The task, or else the callback, whose code runs in a loop; to be put into words where a {@code toString} may
     * hang.
     */
    private record Running(
            Baton baton, @Nullable Task<?> task, @Nullable Runnable callback) {

        /** Returns the program's code that runs, or that has run a moment ago; null if there is none. */
        static @Nullable Running in(Baton baton) {
            Task<?> task = baton.current();
            Handle handle = baton.callbacks().running();
            Runnable callback = handle == null ? null : handle.callback();
            return task == null && callback == null ? null : new Running(baton, task, callback);
        }

        @Override
        public String toString() {
            return task == null
                    ? "Callback " + SafeToString.of(callback)
                    : task.identity() + baton.callbacks().debugMode().createdText(task);
        }
    }

    /** A warning about a holder. Its methods look at the stack and run code of the program's, and so may hang. */
    private static final class Accusation {
        private final Baton baton;
        private final Running running;
        private final Thread holder;
        private final int progress;
        private final long nanos;
        private final boolean isCoroutine;
        private boolean told;

        Accusation(Baton baton, Running running, Thread holder, int progress, long nanos) {
            this.baton = baton;
            this.running = running;
            this.holder = holder;
            this.progress = progress;
            this.nanos = nanos;
            this.isCoroutine = running.task() != null;
        }

        @Nullable
        String text() {
            boolean waits = Stacks.isWaitingForTheBaton(holder);
            Task<?> task = running.task();
            List<StackTraceElement> stack = task == null ? Stacks.of(holder) : task.stack();
            if (baton.holder() != holder || baton.progress() != progress) {
                return null; // it is over
            }
            if (waits) {
                return running + " is next to run in " + baton.loopText() + ", and its thread has not run for "
                        + millis(nanos)
                        + ", so nothing else runs there. All carriers of virtual threads are busy, or kept by pinned"
                        + " threads.";
            }
            told = true;
            return running + " has run for " + millis(nanos) + (isCoroutine ? " without awaiting" : "")
                    + " and still does, so nothing else runs in " + baton.loopText()
                    + ". If it waits for something, put that into"
                    + " blocking(() -> ...); if it computes, call yieldNow() now and then, or give the work to a"
                    + " pool."
                    + Stacks.text(stack, "    at ");
        }

        @Nullable
        String endText(long held) {
            return told
                    ? running + (isCoroutine ? " has awaited or ended" : " has ended") + " after about " + millis(held)
                            + " in " + baton.loopText()
                    : null;
        }
    }

    private static String millis(long nanos) {
        return nanos / 1_000_000 + " ms";
    }

    /** The lines to be logged, one after the other, on a thread that may fail or hang without harm. */
    private static final class Warnings {

        /** The most lines that wait for a log that is slow or hangs. Further lines are dropped, and counted. */
        private static final int MOST_WAITING = 64;

        private final AtomicInteger dropped = new AtomicInteger();
        private final ThreadPoolExecutor thread = new ThreadPoolExecutor(
                1,
                1,
                1,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MOST_WAITING),
                Thread.ofPlatform().name("trestle-watch-log").daemon().factory(),
                (_, _) -> dropped.incrementAndGet());

        Warnings() {
            thread.allowCoreThreadTimeOut(true);
        }

        /** Adds a line; or nothing, if the text turns out to be null. */
        void add(Supplier<@Nullable String> text, @Nullable Throwable thrown) {
            thread.execute(() -> {
                String line = inWords(text);
                if (line == null) {
                    return;
                }
                int missing = dropped.getAndSet(0);
                String note = missing == 0
                        ? ""
                        : "\n(" + missing + " warnings before this one were dropped: the log is slow)";
                Log.log(WARNING, () -> line + note, thrown);
            });
        }

        private static @Nullable String inWords(Supplier<@Nullable String> text) {
            try {
                return text.get();
            } catch (Throwable e) {
                return "A warning could not be put into words: " + SafeToString.of(e);
            }
        }
    }

    enum Verdict {
        QUIET,
        TOO_LONG,
        GIVEN_AWAY
    }

    /** The last sight of a baton. */
    static final class Sight {
        private @Nullable Thread holder;
        private int progress;
        private @Nullable Thread lastHolder;
        private int lastProgress;
        private long nanos;
        private boolean told;
        private long toldAfter;
        private @Nullable Accusation accusation;
        private final Resubmission resubmission = new Resubmission();

        /** Compares a look with the one before. */
        Verdict look(@Nullable Thread newHolder, int newProgress, long elapsed, long limit) {
            if (isSame(newHolder, newProgress)) {
                nanos += elapsed;
                if (told || nanos < limit) {
                    return Verdict.QUIET;
                }
                told = true;
                return Verdict.TOO_LONG;
            }
            Verdict verdict = told ? Verdict.GIVEN_AWAY : Verdict.QUIET;
            toldAfter = nanos;
            clear();
            holder = newHolder;
            progress = newProgress;
            return verdict;
        }

        /** Returns whether nothing has happened since the look before: the holder is the same, and nothing was run. */
        boolean isUnmoved(@Nullable Thread holderOrPlaceholder, int nowProgress) {
            boolean unmoved = holderOrPlaceholder == lastHolder && nowProgress == lastProgress;
            lastHolder = holderOrPlaceholder;
            lastProgress = nowProgress;
            return unmoved;
        }

        private boolean isSame(@Nullable Thread newHolder, int newProgress) {
            return newHolder != null && newHolder == holder && newProgress == progress;
        }

        private void clear() {
            holder = null;
            nanos = 0;
            told = false;
        }
    }
}
