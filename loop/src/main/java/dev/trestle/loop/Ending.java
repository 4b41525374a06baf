package dev.trestle.loop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a loop that is closed ends its tasks: it cancels them, waits within bounds, and throws out those who stay. Confined to
 * the holder of the baton; while the loop does not run, to the thread that closes it.
 */
final class Ending {

    /** How long {@link EventLoop#close()} waits for coroutines that clean up. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** How many turns a closed loop gives the callbacks of what its last callbacks complete. */
    static final int LAST_TURNS = 1_000;

    /** How often a loop that ends throws where a coroutine wants to wait, before it holds the coroutine for good. */
    private static final int REFUSALS = 1_000;

    private final EventLoop loop;
    private final Baton baton;

    /** How many tasks up to `lastToEnd` the loop waits for. */
    private int awaitedEnds;

    private long lastToEnd;
    private boolean throwingOut;
    private int refusals;

    Ending(EventLoop loop, Baton baton) {
        this.loop = loop;
        this.baton = baton;
    }

    /** Ends all tasks; returns false if a coroutine does not give the baton back. */
    boolean endTasks(Duration patience) {
        var failed = new ArrayList<Task<?>>();
        boolean back = cancelTasks(patience, failed);
        if (back && loop.taskCount() > 0) {
            back = throwOut(patience);
        }
        if (!back) {
            Task<?> holder = baton.current();
            report(
                    "A coroutine does not give the baton back, so its loop cannot be closed properly: " + holder
                            + (holder == null ? "" : loop.createdText(holder)),
                    holder);
        }
        for (Task<?> task : failed) {
            loop.reports()
                    .tellHere(new ExceptionContext(
                            task.name() + loop.createdText(task) + " failed while its loop was closing",
                            task.exception().orElse(null),
                            task,
                            null));
        }
        return back;
    }

    /** Again for those that were created meanwhile: cleaning up may take tasks, so these get time before it is their turn. */
    private boolean cancelTasks(Duration patience, List<Task<?>> failed) {
        long until = System.nanoTime() + EventLoop.nanos(patience);
        boolean back = true;
        while (back && loop.taskCount() > 0 && System.nanoTime() < until) {
            List<Task<?>> cancelled = loop.allTasks();
            cancelled.forEach(Task::cancel);
            back = driveUntilEnded(Duration.ofNanos(until - System.nanoTime()));
            cancelled.stream().filter(LoopFuture::isFailed).forEach(failed::add);
        }
        return back;
    }

    private boolean throwOut(Duration patience) {
        List<Task<?>> refusing = loop.allTasks();
        refusing.forEach(task -> report(
                task + loop.createdText(task)
                        + " refused to end: it was cancelled because its loop is closed, and went on for " + patience
                        + ". Let CancelledError pass, and let blocking calls end when they are interrupted.",
                task));
        throwingOut = true;
        refusing.forEach(Task::throwOut);
        return driveUntilEnded(patience);
    }

    private void report(String message, @Nullable Task<?> task) {
        loop.reports().tellHere(new ExceptionContext(message, null, task, null));
    }

    /** Runs the loop until the tasks it has now have ended, or patience is over; returns false if it does not stop then. */
    private boolean driveUntilEnded(Duration patience) {
        awaitedEnds = loop.taskCount();
        lastToEnd = EventLoop.lastTaskNumber();
        var driving = new Driving(loop.name(), baton);
        boolean back = driving.joinFor(patience); // bounded, so an interrupt does not keep the loop from closing
        if (!back) {
            baton.stop();
            back = driving.joinFor(patience);
        }
        if (back) {
            awaitedEnds = 0;
            driving.finish();
        }
        return back;
    }

    /** Called when a task has ended. */
    void hasEnded(Task<?> task) {
        if (awaitedEnds > 0 && task.number() <= lastToEnd && --awaitedEnds == 0) {
            baton.stop();
        }
    }

    /** Called where a coroutine is about to wait, or has waited: a loop that ends throws out those who stay. */
    void refuseToWait(Task<?> task) {
        if (throwingOut) {
            refusals++;
            if (refusals > REFUSALS) {
                baton.strand();
            }
            throw endedWithout(task);
        }
    }

    IllegalStateException endedWithout(Task<?> task) {
        return new IllegalStateException(
                task.name() + " cannot go on: its loop is closed, and it refused to end when it was cancelled");
    }
}
