package dev.trestle.testkit;

import static java.util.Objects.requireNonNull;

import dev.trestle.loop.Action;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopOptions;
import dev.trestle.loop.Task;
import dev.trestle.loop.VirtualClock;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * A runner of coroutines whose sleeps, timeouts and timers take no time.
 *
 * {@snippet class="dev.trestle.testkit.JavadocExamplesTest" region="virtual-time"}
 *
 * <p>The loop's time stands still while the loop has something to do, and jumps to the next timer when it has not. So a
 * test that sleeps for hours takes milliseconds, and what happens at which time is the same in each run.
 *
 * <p>Real work takes no virtual time, and virtual time waits for it: for {@code Async.blocking},
 * {@code Bridge.toThread} and {@code Bridge.runInExecutor}. If a coroutine waits for other threads by
 * {@code Bridge.wrapFuture} or {@code Bridge.iterate}, timers go on, but the run does not take itself for stuck. Other
 * threads that call into the loop, by {@code callSoonThreadsafe} or {@code Bridge.runCoroutineThreadsafe}, are not
 * known to the loop before they do: let the coroutine await their work.
 *
 * <p>If the coroutine waits and nothing can happen any more, the run fails with a {@link StuckException} that shows
 * which tasks wait where, and does not hang. A sleep of 73 years or more, such as {@code ChronoUnit.FOREVER}, never
 * ends.
 *
 * <p>A program that calls {@link EventLoop#run} itself runs in virtual time, without the search for a stuck run, in
 * {@link LoopOptions#runAsDefaults} with a {@link VirtualClock}.
 */
public final class VirtualTime {

    private VirtualTime() {}

    /**
     * Runs a coroutine in virtual time, in a loop of its own that is closed at the end. Blocks the calling thread for
     * the real work of the coroutine.
     *
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     * @throws StuckException if it can never end
     * @throws CompletionException if it threw a checked exception
     * @throws IllegalStateException if this thread is running a loop already
     */
    public static <T extends @Nullable Object> T run(Coroutine<T> main) {
        return run(new VirtualTimeOptions(), main);
    }

    /**
     * Runs a coroutine without a result in virtual time; see {@link #run(Coroutine)}.
     *
     * @param main the coroutine
     */
    public static void run(Action main) {
        run(new VirtualTimeOptions(), main);
    }

    /**
     * Runs a coroutine without a result in virtual time; see {@link #run(VirtualTimeOptions, Coroutine)}.
     *
     * @param options the order of what is ready, and the end of time
     * @param main the coroutine
     */
    public static void run(VirtualTimeOptions options, Action main) {
        requireNonNull(main, "main");
        run(options, () -> {
            main.run();
            return null;
        });
    }

    /**
     * Runs a coroutine in virtual time; see {@link #run(Coroutine)}.
     *
     * @param options the order of what is ready, and the end of time
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     * @throws StuckException if it can never end, or has not ended at the end of time that the options give
     * @throws CompletionException if it threw a checked exception
     * @throws IllegalStateException if this thread is running a loop already
     */
    public static <T extends @Nullable Object> T run(VirtualTimeOptions options, Coroutine<T> main) {
        requireNonNull(main, "main");
        var loopOptions = new LoopOptions().withClock(new VirtualClock());
        if (options.shuffleSeed().isPresent()) {
            loopOptions = loopOptions.withShuffle(options.shuffleSeed().getAsLong());
        }
        try (var loop = new EventLoop(loopOptions)) {
            var end = new End(loop, options.end());
            loop.callAt(options.end(), end);
            Task<T> task = loop.createTask(main);
            try {
                return loop.runUntilComplete(task);
            } catch (IllegalStateException e) {
                throw end.stuck == null || task.isDone() ? e : end.stuck;
            }
        }
    }

    /**
     * Runs a coroutine in virtual time several times, each time with what is ready in another order: code that relies
     * on an order that nothing guarantees fails. The orders are the same in each call.
     *
     * {@snippet class="dev.trestle.testkit.JavadocExamplesTest" region="shuffled"}
     *
     * @param seeds the number of orders; the seeds are 0, 1 and so on
     * @param main the coroutine, to be run once for each seed
     * @throws ShuffleFailure if the coroutine fails; the message names the seed
     * @throws IllegalArgumentException if the number is not positive
     */
    public static void runShuffled(int seeds, Action main) {
        requireNonNull(main, "main");
        if (seeds <= 0) {
            throw new IllegalArgumentException(
                    "The number of seeds must be positive, and is " + seeds + ": the coroutine would not be run.");
        }
        for (int seed = 0; seed < seeds; seed++) {
            try {
                run(new VirtualTimeOptions().withShuffle(seed), main);
            } catch (Throwable e) { // an AssertionError, as a rule
                throw new ShuffleFailure(
                        "With seed " + seed + ", after " + seed + " seeds of " + seeds + " without a failure: " + e
                                + "\nThis repeats the order: VirtualTime.run(new VirtualTimeOptions().withShuffle("
                                + seed + "), ...)",
                        e,
                        seed);
            }
        }
    }

    /** The end of virtual time: ends the run, and tells what waits. Confined to the loop. */
    private static final class End implements Runnable {

        private final EventLoop loop;
        private final Duration limit;

        private @Nullable StuckException stuck;

        End(EventLoop loop, Duration limit) {
            this.loop = loop;
            this.limit = limit;
        }

        @Override
        public void run() {
            stuck = new StuckException(text());
            loop.stop();
        }

        private String text() {
            boolean never = limit.equals(new VirtualTimeOptions().end());
            return (never
                            ? "The coroutine can never end: nothing is ready, no timer will be due, and no work runs on"
                                    + " another thread."
                            : "The coroutine has not ended at " + loop.time() + ", the end of virtual time in"
                                    + " VirtualTimeOptions.withEnd.")
                    + " A future is never completed, tasks await each other, or another thread was to wake this loop of"
                    + " which the loop does not know: await its work by Bridge.runInExecutor or Bridge.wrapFuture. The"
                    + " tasks that wait:\n" + loop.taskGraph();
        }
    }
}
