package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.jspecify.annotations.Nullable;

/**
 * The platform threads that carry virtual threads. Adds some while pinned virtual threads keep all of them and event
 * loops stand still, and takes them back afterwards. Confined to the thread of the slow-callback detector.
 */
final class Carriers {

    /*
     * A virtual thread that parks below a native frame, in a static initializer for instance, keeps its carrier, and
     * there are as many carriers as processors. The JDK adds none for that. If all are kept, no loop of the JVM runs
     * any more.
     *
     * The JDK does not tell whether a virtual thread is pinned. But a carrier that is kept uses no processor time. So
     * if virtual threads wait for a carrier, and all carriers have one, and some of those have used nearly no time over
     * several looks, carriers are added: one, then two, then four, up to what the JDK allows. A processor that computes
     * for long is not helped, as it would not be by more threads. The JDK starts a carrier when something is put into
     * an empty queue, and each thread that submits has a queue of its own, mostly; so parallelism is raised on a fresh
     * thread, whose queue is empty.
     */

    /** The number of looks in a row that must find carriers kept before some are added. */
    private static final int LOOKS = 3;

    /** The share of the time between two looks that a carrier computes, if it does. */
    private static final double COMPUTING = 0.1;

    /** The most tasks of a loop that are searched for pinned ones. */
    private static final int MOST_EXAMINED = 10_000;

    private static final int MOST_NAMED = 10;

    private final @Nullable Management management = Management.open();

    /** The parallelism that the program or the JDK has set. */
    private int base;

    /** The parallelism that this has set; zero if none. */
    private int raisedTo;

    private int step = 1;
    private int looksKept;
    private int looksFree;
    private long lastLook;

    /** The processor time of each carrier at the last look, by the number of its thread. */
    private Map<Long, Long> times = Map.of();

    /** Returns whether to look again soon. */
    boolean isActive() {
        return raisedTo > 0 || !times.isEmpty();
    }

    /**
     * Looks, and adds carriers or takes them back.
     *
     * @param stuck whether a loop that has something to do has not moved since the last look
     * @return the numbers before and after, if some were added
     */
    @Nullable
    Change look(boolean stuck) {
        if (management == null || (!stuck && !isActive())) {
            return null;
        }
        int parallelism = management.scheduler.getParallelism();
        if (parallelism != raisedTo) {
            base = parallelism;
            raisedTo = 0;
            step = 1;
        }
        int mounted = management.scheduler.getMountedVirtualThreadCount();
        boolean full = stuck && mounted >= parallelism && management.scheduler.getQueuedVirtualThreadCount() > 0;
        looksKept = full && isAnyKept() ? looksKept + 1 : 0;
        if (!full) {
            times = Map.of();
        }
        if (looksKept >= LOOKS) {
            looksKept = 0;
            return raise(parallelism);
        }
        looksFree = raisedTo > 0 && base + mounted < raisedTo ? looksFree + 1 : 0;
        if (looksFree >= LOOKS) {
            looksFree = 0;
            set(base + mounted);
        }
        return null;
    }

    /** Returns whether a carrier has computed nearly nothing since the last look; at the first one, that none has. */
    private boolean isAnyKept() {
        long now = System.nanoTime();
        Map<Long, Long> before = times;
        times = requireManagement().carrierTimes();
        long least = (long) ((now - lastLook) * COMPUTING);
        lastLook = now;
        return times.entrySet().stream().anyMatch(each -> {
            Long computed = before.get(each.getKey());
            return computed != null && each.getValue() - computed < least;
        });
    }

    private Change raise(int parallelism) {
        int target = Math.min(parallelism + step, Math.max(parallelism, most(base)));
        step *= 2;
        if (target > parallelism) {
            set(target);
        }
        return new Change(parallelism, target);
    }

    private void set(int parallelism) {
        Management beans = requireManagement();
        Thread thread = Thread.ofPlatform()
                .name("trestle-carriers")
                .daemon()
                .start(() -> beans.scheduler.setParallelism(parallelism));
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // of the program: no code of the loop interrupts this thread
        }
        raisedTo = parallelism == base ? 0 : parallelism;
    }

    private Management requireManagement() {
        return requireNonNull(management);
    }

    /** Returns the largest number of carriers that the JDK makes. */
    private static int most(int parallelism) {
        return Integer.getInteger("jdk.virtualThreadScheduler.maxPoolSize", Math.max(parallelism, 256));
    }

    /**
     * Carriers that were added.
     *
     * @param before the number before
     * @param now the number now; the same, if there may not be more
     */
    record Change(int before, int now) {

        /** Returns the text of the warning. Walks the stacks of coroutines, which takes time. */
        String text() {
            String help = now > before
                    ? now + " carriers are allowed until they go on"
                    : "the JDK allows no more carriers (jdk.virtualThreadScheduler.maxPoolSize), so these loops stand"
                            + " still until one of them goes on";
            return "All " + before
                    + " carriers of virtual threads are kept by threads that wait, so event loops stood still; " + help
                    + ". A virtual thread that waits in a static initializer, or is called by native code, keeps its"
                    + " carrier: initialize such classes before, or on a platform thread. " + pinned();
        }

        private static String pinned() {
            List<String> pinned = Baton.running().stream()
                    .flatMap(baton ->
                            baton.callbacks().loop().tasksRacily().stream().limit(MOST_EXAMINED))
                    .flatMap(task -> pinned(task).stream())
                    .toList();
            if (pinned.isEmpty()) {
                return "No coroutine is pinned: look at the other virtual threads, with jcmd "
                        + ProcessHandle.current().pid() + " Thread.dump_to_file FILE.";
            }
            String more = pinned.size() > MOST_NAMED ? "\nand " + (pinned.size() - MOST_NAMED) + " others" : "";
            return "Pinned coroutines:" + pinned.stream().limit(MOST_NAMED).collect(Collectors.joining()) + more;
        }

        private static List<String> pinned(Task<?> task) {
            Thread thread = task.thread();
            if (thread == null) {
                return List.of();
            }
            StackTraceElement[] frames = thread.getStackTrace();
            boolean parkedOnCarrier =
                    Stream.of(frames).anyMatch(frame -> frame.getMethodName().equals("parkOnCarrierThread"));
            if (!parkedOnCarrier) {
                return List.of();
            }
            String where = Stream.of(frames)
                    .filter(frame -> frame.getMethodName().equals("<clinit>"))
                    .findFirst()
                    .map(frame -> " in the static initializer of " + frame.getClassName())
                    .orElse("");
            return List.of("\n" + task.identity() + task.loop().createdText(task) + " of " + task.loop() + where
                    + Stacks.text(task.stack(), "    at "));
        }
    }

    /** The JDK's view of its carriers; apart, since the modules of these types may be absent. */
    private record Management(VirtualThreadSchedulerMXBean scheduler, ThreadMXBean threads) {

        static @Nullable Management open() {
            try {
                VirtualThreadSchedulerMXBean scheduler =
                        ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
                ThreadMXBean threads = ManagementFactory.getThreadMXBean();
                if (scheduler == null || !threads.isThreadCpuTimeEnabled()) {
                    return null;
                }
                var management = new Management(scheduler, threads);
                var _ = scheduler.getMountedVirtualThreadCount() + scheduler.getQueuedVirtualThreadCount();
                var _ = management.carrierTimes(); // now all of its classes are there
                return management;
            } catch (LinkageError | UnsupportedOperationException | IllegalArgumentException e) {
                return null; // without jdk.management, or on a JVM that does not count
            }
        }

        /** Returns the nanoseconds that each carrier has computed, by its number. */
        Map<Long, Long> carrierTimes() {
            var times = new HashMap<Long, Long>();
            for (Thread thread : platformThreads()) {
                if (thread != null && thread.getClass().getSimpleName().equals("CarrierThread")) {
                    times.put(thread.threadId(), threads.getThreadCpuTime(thread.threadId()));
                }
            }
            return times;
        }

        private static @Nullable Thread[] platformThreads() {
            ThreadGroup root = requireNonNull(Thread.currentThread().getThreadGroup());
            while (root.getParent() != null) {
                root = root.getParent();
            }
            var threads = new @Nullable Thread[root.activeCount() + 100];
            root.enumerate(threads, true);
            return threads;
        }
    }
}
