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

    /** How long {@link EventLoop#close()} waits for coroutines that clean up, from one end to the next. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** How long a coroutine has at least to give the baton back: with no patience at all, still the time it takes to await. */
    private static final Duration LEAST = Duration.ofSeconds(1);

    /** How many turns a closed loop gives the callbacks of what its last callbacks complete. */
    static final int LAST_TURNS = 1_000;

    /** How often a loop that ends throws where a coroutine wants to wait, before it holds the coroutine for good. */
    private static final int REFUSALS = 1_000;

    private final EventLoop loop;
    private final Baton baton;

    /** How many tasks up to `lastToEnd` the loop waits for. */
    private int awaitedEnds;

    private long lastToEnd;

    /** The last of the tasks that were there when closing began. Only their ends renew patience, so it is over some day. */
    private long lastToRenew;

    private @Nullable Patience patience;
    private boolean throwingOut;
    private int refusals;

    Ending(EventLoop loop, Baton baton) {
        this.loop = loop;
        this.baton = baton;
    }

    /** How long to wait for the next task that ends. Whoever closes the loop waits; the loop's code renews it. */
    private static final class Patience {
        private final Duration each;
        private volatile long until;
        private boolean over;

        Patience(Duration each) {
            this.each = each;
            renew();
        }

        void renew() {
            until = System.nanoTime() + EventLoop.nanos(each);
        }

        /** Waits for the end of a run; returns false if this is over before. */
        boolean waitFor(Driving driving) {
            boolean ended = false;
            while (!ended && !over) {
                Duration left = Duration.ofNanos(until - System.nanoTime());
                over = !left.isPositive();
                ended = !over && driving.joinFor(left); // bounded, so an interrupt does not keep the loop from closing
            }
            return ended;
        }

        /** Returns whether somebody has waited as long as this lasts. */
        boolean isOver() {
            return over;
        }
    }

    /** Ends all tasks; returns false if a coroutine does not give the baton back. */
    boolean endTasks(Duration each) {
        var failed = new ArrayList<Task<?>>();
        lastToRenew = EventLoop.lastTaskNumber();
        boolean back = cancelTasks(each, failed);
        if (back && loop.taskCount() > 0) {
            back = throwOut(each);
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
    private boolean cancelTasks(Duration each, List<Task<?>> failed) {
        var left = new Patience(each);
        boolean back = true;
        while (back && loop.taskCount() > 0 && !left.isOver()) {
            List<Task<?>> cancelled = loop.allTasks();
            cancelled.forEach(Task::cancel);
            back = driveUntilEnded(left);
            cancelled.stream().filter(LoopFuture::isFailed).forEach(failed::add);
        }
        return back;
    }

    private boolean throwOut(Duration each) {
        List<Task<?>> refusing = loop.allTasks();
        refusing.forEach(task -> report(
                task + loop.createdText(task)
                        + " refused to end: it was cancelled because its loop is closed, and went on for " + each
                        + " in which no other task ended. Let CancelledError pass, and let blocking calls end when"
                        + " they are interrupted.",
                task));
        throwingOut = true;
        refusing.forEach(Task::throwOut);
        return driveUntilEnded(new Patience(each));
    }

    private void report(String message, @Nullable Task<?> task) {
        loop.reports().tellHere(new ExceptionContext(message, null, task, null));
    }

    /** Runs the loop until the tasks it has now have ended, or patience is over; returns false if it does not stop then. */
    private boolean driveUntilEnded(Patience left) {
        patience = left;
        awaitedEnds = loop.taskCount();
        lastToEnd = EventLoop.lastTaskNumber();
        var driving = new Driving(loop.name(), baton);
        boolean back = left.waitFor(driving);
        if (!back) {
            baton.stop();
            back = driving.joinFor(left.each.compareTo(LEAST) < 0 ? LEAST : left.each);
        }
        if (back) {
            awaitedEnds = 0;
            driving.finish();
        }
        return back;
    }

    /** Called when a task has ended. */
    void hasEnded(Task<?> task) {
        if (patience != null && task.number() <= lastToRenew) {
            patience.renew();
        }
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
