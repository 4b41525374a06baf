package dev.trestle.testkit;

import dev.trestle.api.FutureExecutor;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.TaskGraph;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** A search for what is created from now on and is left when the search is closed. */
final class LeakSearch implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final long POLL_NANOS = 2_000_000;

    private static final Set<Long> reportedProcesses = ConcurrentHashMap.newKeySet();

    private final String subject;

    /** The things that were open when the search began, each with its number of calls or tasks. */
    private final IdentityHashMap<Object, Long> before = new IdentityHashMap<>();

    private final List<Long> processesBefore;

    LeakSearch(String subject) {
        this.subject = subject;
        Opened.all().forEach(each -> before.put(each.thing(), openWork(each.thing())));
        this.processesBefore =
                ProcessHandle.current().children().map(ProcessHandle::pid).toList();
    }

    /**
     * Ends the search.
     *
     * @throws LeakError if something is left
     */
    @Override
    public void close() {
        long until = System.nanoTime() + PATIENCE.toNanos();
        var leaks = new ArrayList<String>();
        boolean poolsAreOpen = false;
        for (Opened each : Opened.all()) {
            Object thing = each.thing();
            Long shared = before.get(thing);
            if (shared == null) {
                if (!hasEnded(thing, until) && each.report()) {
                    leaks.add(describe(thing) + each.site());
                }
            } else {
                long more = openWork(thing) - shared;
                while (more > 0 && System.nanoTime() < until) {
                    LockSupport.parkNanos(this, POLL_NANOS);
                    more = openWork(thing) - shared;
                }
                if (more > 0) {
                    leaks.add("calls or tasks, " + more + " more than before, in " + describe(thing) + each.site());
                }
            }
            poolsAreOpen |= thing instanceof ProcessPool pool && !pool.isTerminated();
        }
        if (!poolsAreOpen) {
            ProcessHandle.current()
                    .children()
                    .filter(child -> !processesBefore.contains(child.pid())
                            && !hasEnded(child, until)
                            && reportedProcesses.add(child.pid()))
                    .forEach(child -> leaks.add("the process " + child.pid()
                            + child.info()
                                    .commandLine()
                                    .or(() -> child.info().command())
                                    .map(command -> ", " + command)
                                    .orElse("")));
        }
        if (!leaks.isEmpty()) {
            throw new LeakError(leaks.stream()
                    .collect(Collectors.joining(
                            "\n- ",
                            subject + " left behind what must be closed, awaited or cancelled:\n- ",
                            "\nClose it in the test, by try-with-resources or @AutoClose. If the tests of the class"
                                    + " share it, create it in a @BeforeAll method or use"
                                    + " @NoLeaks(sharedByClass = true).")));
        }
    }

    private static boolean hasEnded(Object thing, long until) {
        return switch (thing) {
            case EventLoop loop -> loop.isClosed();
            case FutureExecutor pool -> pool.isShutdown() && hasTerminated(pool, until);
            default -> true;
        };
    }

    private static boolean hasTerminated(FutureExecutor pool, long until) {
        try {
            return pool.awaitTermination(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return pool.isTerminated();
        }
    }

    private static boolean hasEnded(ProcessHandle process, long until) {
        try {
            process.onExit().get(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return !process.isAlive();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return !process.isAlive();
        }
    }

    private static long openWork(Object thing) {
        return switch (thing) {
            case EventLoop loop ->
                loop.isClosed() ? 0 : loop.taskGraph().entries().size();
            case ThreadPool pool -> pool.callsInFlight();
            case ProcessPool pool -> {
                ProcessPool.Statistics now = pool.statistics();
                yield now.submitted() - now.completed() - now.cancelled() - now.timedOut() - now.lost();
            }
            default -> 0;
        };
    }

    private static String describe(Object thing) {
        return switch (thing) {
            case EventLoop loop -> {
                TaskGraph tasks = loop.taskGraph();
                yield tasks.entries().isEmpty() ? loop.toString() : tasks.toString();
            }
            case ProcessPool pool -> pool + ", processes " + pool.workerPids();
            default -> thing.toString();
        };
    }
}
