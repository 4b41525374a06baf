package dev.trestle.loop;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A detector of loops whose coroutines' stacks do not fit into the young generation, so that the garbage collector
 * copies them in each turn. Names, once, the flag that helps. Confined to the thread of the slow-callback detector.
 */
final class StackCopyDetector {

    /*
     * A suspended coroutine is a stack on the heap of about a kilobyte. When it is resumed in the old generation, its
     * next suspension makes a new object. If one turn of all coroutines makes more of these than the young generation
     * holds, they are promoted before they are resumed again, and each turn copies all stacks. If the young generation
     * holds them all, they stay there, are reused in place, and a turn allocates nothing. See ADR 442.
     *
     * The beans are opened when there are many tasks for the first time: few programs have so many, and the others do
     * not load the classes.
     */

    /** The heap that a suspended coroutine takes. */
    static final int BYTES_OF_A_STACK = 1024;

    /** The number of tasks below which nothing is looked at. */
    static final int MANY_TASKS = 10_000;

    /** The time over which pauses are counted: longer than it takes to create a million tasks. */
    static final long WINDOW_NANOS = 10_000_000_000L;

    /**
     * The memory of this JVM.
     *
     * @param youngBytes the present size of the young generation
     * @param pausedMillis the time for which the collector has paused the program so far
     */
    record Memory(LongSupplier youngBytes, LongSupplier pausedMillis) {}

    private final Supplier<@Nullable Memory> opening;
    private @Nullable Memory memory;
    private boolean isOver;

    /** True while a window is open: there were many tasks at all looks since {@code windowBegan}. */
    private boolean counting;

    private long windowBegan;
    private long pausedBefore;

    StackCopyDetector() {
        this(StackCopyDetector::open);
    }

    /** Creates a detector with another memory, which may be null, for tests. */
    StackCopyDetector(Supplier<@Nullable Memory> opening) {
        this.opening = opening;
    }

    /**
     * Looks at the tasks and the pauses of the collector since the last look.
     *
     * @param tasks the number of tasks of all running loops
     * @param now the time of {@code System.nanoTime}
     * @return the figures to log; null if there are none, or they were logged before
     */
    @Nullable
    Figures look(long tasks, long now) {
        if (isOver || tasks < MANY_TASKS) {
            counting = false;
            return null;
        }
        Memory mine = memory;
        if (mine == null) {
            mine = opening.get();
            memory = mine;
            isOver = mine == null;
        }
        if (mine == null) {
            return null;
        }
        if (!counting) {
            beginWindow(mine, now);
            return null;
        }
        long elapsed = now - windowBegan;
        if (elapsed < WINDOW_NANOS) {
            return null;
        }
        var figures = new Figures(
                tasks, mine.youngBytes.getAsLong(), mine.pausedMillis.getAsLong() - pausedBefore, elapsed / 1_000_000);
        beginWindow(mine, now);
        isOver = figures.areBad();
        return isOver ? figures : null;
    }

    private void beginWindow(Memory mine, long now) {
        counting = true;
        windowBegan = now;
        pausedBefore = mine.pausedMillis.getAsLong();
    }

    /**
     * The figures of a window of time.
     *
     * @param tasks the number of tasks
     * @param youngBytes the size of the young generation
     * @param pausedMillis the time for which the collector has paused the program
     * @param millis the length of the window
     */
    record Figures(long tasks, long youngBytes, long pausedMillis, long millis) {

        /** Returns whether the stacks do not fit, and the pauses take more than a tenth of the time. */
        boolean areBad() {
            return tasks * BYTES_OF_A_STACK > youngBytes && pausedMillis * 10 > millis;
        }

        String text() {
            return "The garbage collector has paused the program for " + pausedMillis + " of " + millis
                    + " ms. The stacks of the " + tasks + " tasks take about " + mebibytes(tasks * BYTES_OF_A_STACK)
                    + " MB, which is more than the " + mebibytes(youngBytes)
                    + " MB of the young generation, so they are copied whenever the coroutines run. Start java with"
                    + " -Xmn"
                    + mebibytes(2 * tasks * BYTES_OF_A_STACK)
                    + "m, which is 2 KB for each task, and with a heap (-Xmx) that is larger than that by half: then"
                    + " the stacks stay where they are.";
        }

        private static long mebibytes(long bytes) {
            return (bytes + (1 << 20) - 1) >> 20;
        }
    }

    /** Returns the memory of this JVM, or null without java.management or a young generation that can be set. */
    static @Nullable Memory open() {
        try {
            return Beans.open();
        } catch (LinkageError e) {
            return null;
        }
    }

    /** The JDK's view of its memory; apart, since the module of these types may be absent. */
    private record Beans(List<MemoryPoolMXBean> young, List<GarbageCollectorMXBean> pausing) {

        static @Nullable Memory open() {
            List<MemoryPoolMXBean> young = ManagementFactory.getMemoryPoolMXBeans().stream()
                    .filter(pool -> isYoung(pool.getName()))
                    .toList();
            if (young.isEmpty()) {
                return null; // a collector that does not pause, such as ZGC, or has no generations
            }
            var beans = new Beans(young, ManagementFactory.getGarbageCollectorMXBeans());
            var _ = beans.youngBytes() + beans.pausedMillis(); // now all of its classes are there
            return new Memory(beans::youngBytes, beans::pausedMillis);
        }

        private static boolean isYoung(String pool) {
            return pool.contains("Eden") || pool.contains("Survivor");
        }

        private long youngBytes() {
            long bytes = 0;
            for (MemoryPoolMXBean pool : young) {
                bytes += pool.getUsage().getCommitted();
            }
            return bytes;
        }

        private long pausedMillis() {
            long millis = 0;
            for (GarbageCollectorMXBean collector : pausing) {
                millis += Math.max(0, collector.getCollectionTime());
            }
            return millis;
        }
    }
}
