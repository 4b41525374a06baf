package dev.trestle.loop;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The state of a loop that ends: which tasks the {@link LoopCloser} waits for, whether coroutines may still wait, and
 * the listeners that are told. Confined to the holder of the baton where nothing else is said; while the loop does not
 * run, to the closing thread.
 */
final class LoopShutdown {

    /** The number of waits that a loop that ends refuses to a coroutine by an exception, before it parks it forever. */
    private static final int REFUSALS = 1_000;

    private final Baton baton;

    // any thread
    private final Set<ClosingListener> listeners = ConcurrentHashMap.newKeySet();
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile boolean throwingOut;

    /** The number of tasks up to `lastToEnd` for which the loop waits. Lowered by the loop, which counts its tasks. */
    int awaitedEnds;

    private long lastToEnd;

    /**
     * The last of the tasks that were there when closing began. Only their ends renew patience, so it is over some day.
     */
    private long lastToRenew;

    private @Nullable Patience patience;
    private int refusals;

    LoopShutdown(Baton baton) {
        this.baton = baton;
    }

    /** A limit for the wait for the next task that ends. The closing thread waits; the loop's code renews the limit. */
    static final class Patience {
        private final Duration each;
        private volatile long until;
        private boolean over;

        Patience(Duration each) {
            this.each = each;
            renew();
        }

        void renew() {
            until = System.nanoTime() + TimeLimit.nanos(each);
        }

        /** Waits for the end of a run; returns false if this is over before. */
        boolean waitFor(LoopRun run) {
            boolean ended = false;
            while (!ended && !over) {
                Duration left = Duration.ofNanos(until - System.nanoTime());
                over = !left.isPositive();
                ended = !over && run.joinFor(left); // bounded, so an interrupt does not keep the loop from closing
            }
            return ended;
        }

        /** Returns whether a wait has lasted until the end of this. */
        boolean isOver() {
            return over;
        }
    }

    // Tasks

    /** Called when closing begins, and when a resource has run the loop once more. */
    void onClosingBegun() {
        lastToRenew = EventLoop.lastTaskNumber();
    }

    /** Makes the next run end when the tasks have ended that are there now. */
    void stopWhenEnded(int tasks, Patience left) {
        patience = left;
        awaitedEnds = tasks;
        lastToEnd = EventLoop.lastTaskNumber();
    }

    /** Called when the run has ended that was to make tasks end. */
    void onRunEnded() {
        awaitedEnds = 0;
    }

    /**
     * Called when a task has ended, until it succeeds: before the task counts as ended. Returns whether its end is
     * awaited.
     */
    boolean onTaskEnds(Task<?> task) {
        if (patience != null && task.number() <= lastToRenew) {
            patience.renew();
        }
        boolean isAwaited = awaitedEnds > 0 && task.number() <= lastToEnd;
        if (isAwaited && awaitedEnds == 1) {
            baton.stop();
        }
        return isAwaited;
    }

    /** Makes every wait of a coroutine throw from now on. Called on any thread. */
    void throwOut() {
        throwingOut = true;
    }

    /** Returns whether every wait of a coroutine throws. */
    boolean isThrowingOut() {
        return throwingOut;
    }

    /**
     * Called where a coroutine is about to wait, or has waited: a loop that ends throws in coroutines that go on
     * waiting.
     */
    void refuseToWait(Task<?> task) {
        if (throwingOut) {
            refusals++;
            if (refusals > REFUSALS) {
                baton.parkForever();
            }
            throw endedWithout(task, null);
        }
    }

    /** Returns the exception for a coroutine that its loop has ended without. */
    static IllegalStateException endedWithout(Task<?> task, @Nullable Throwable cause) {
        return new Refused(
                task.name() + " cannot go on: its loop is closed, and it refused to end when it was cancelled", cause);
    }

    /** The exception of a coroutine that goes on waiting after its loop has ended without it. */
    static final class Refused extends IllegalStateException {
        private static final long serialVersionUID = 1;

        private Refused(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    // Any thread

    void addListener(ClosingListener listener) {
        listeners.add(listener);
        if (over.getCount() == 0) {
            tellClosed(listener);
        }
    }

    void removeListener(ClosingListener listener) {
        listeners.remove(listener);
    }

    List<ClosingListener> listeners() {
        return List.copyOf(listeners);
    }

    /** Tells a listener, unless another thread has told it. */
    void tellClosed(ClosingListener listener) {
        if (listeners.remove(listener)) {
            listener.onClosed();
        }
    }

    /** Called when none of the loop's code will run any more. */
    void onOver() {
        over.countDown();
    }

    /** Waits until none of the loop's code will run any more. An interrupt is kept for afterwards. */
    void awaitOver() {
        boolean interrupted = false;
        while (true) {
            try {
                over.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
