package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * An executor of foreign code that may never return: one step after the other, on a platform thread that is abandoned
 * together with a step that hangs. For the one thread that closes a loop; an interrupt of that thread is kept until
 * {@link #close}.
 */
final class BoundedSteps implements AutoCloseable {

    private final String name;
    private final Duration patience;
    private final Duration afterInterrupt;

    private @Nullable ExecutorService executor;
    private volatile @Nullable Thread thread;
    private boolean interrupted;

    /**
     * Creates the executor without a thread.
     *
     * @param name of the thread
     * @param patience the time after which a step is interrupted
     * @param afterInterrupt the time after the interrupt at which a step is abandoned
     */
    BoundedSteps(String name, Duration patience, Duration afterInterrupt) {
        this.name = name;
        this.patience = patience;
        this.afterInterrupt = afterInterrupt;
    }

    /** Runs a step. Returns null; or, if the step has been abandoned, the stack at which it hangs, as text. */
    @Nullable
    String run(Runnable step) {
        return run(step, false);
    }

    /** Runs a step, and interrupts it as soon as the calling thread is interrupted; see {@link #run}. */
    @Nullable
    String runInterruptibly(Runnable step) {
        return run(step, true);
    }

    private @Nullable String run(Runnable step, boolean interruptibly) {
        var begun = new FutureTask<@Nullable Void>(() -> {}, null);
        Future<?> end;
        try {
            end = submit(() -> {
                begun.run();
                step.run();
            });
        } catch (Error e) { // no memory for a thread: without bounds is better than not at all
            step.run();
            return null;
        }
        if (await(end, patience, interruptibly)) {
            return null;
        }
        Thread late = thread;
        // Not before the step begins: its pool would clear the interrupt.
        if (await(begun, afterInterrupt, false) && late != null) {
            late.interrupt();
        }
        if (await(end, afterInterrupt, false)) {
            return null;
        }
        String where = late == null ? "" : Stacks.text(List.of(late.getStackTrace()), "    at ");
        leaveThread();
        return where;
    }

    private Future<?> submit(Runnable step) {
        if (executor == null) {
            executor = Executors.newFixedThreadPool(1, work -> {
                Thread made = Thread.ofPlatform().name(name).daemon().unstarted(work);
                thread = made;
                return made;
            });
        }
        return executor.submit(step);
    }

    private boolean await(Future<?> end, Duration limit, boolean interruptibly) {
        long until = System.nanoTime() + TimeLimit.nanos(limit);
        while (true) {
            if (interruptibly && interrupted) {
                return end.isDone();
            }
            try {
                end.get(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
                return true;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (TimeoutException e) {
                return false;
            } catch (ExecutionException e) {
                throw LoopFuture.unchecked(requireNonNull(e.getCause()));
            }
        }
    }

    private void leaveThread() {
        if (executor != null) {
            executor.shutdown();
            executor = null;
        }
    }

    /** Ends the thread when its last step ends, and gives the calling thread its interrupt back. */
    @Override
    public void close() {
        leaveThread();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
