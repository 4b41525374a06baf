package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * A runner of several coroutines, one after the other, in one loop and one context, which it closes at the end:
 * Python's {@code asyncio.Runner}.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="runner"}
 *
 * <p>On the main thread of a program, and unless the program handles SIGINT itself, the first Ctrl-C cancels the
 * running coroutine, which may clean up; {@code run} then throws a {@link KeyboardInterrupt}. The second Ctrl-C ends
 * the program at once. Where the module {@code jdk.unsupported} is missing, the first one does.
 *
 * <p>Not thread-safe: for one thread.
 */
public final class Runner implements AutoCloseable {

    private final LoopOptions options;
    private @Nullable EventLoop loop;
    private @Nullable Context context;
    private boolean closed;

    /**
     * Creates a runner with a loop of the default options: the machine's clock, unless
     * {@link LoopOptions#runAsDefaults} says otherwise.
     */
    public Runner() {
        this(LoopOptions.defaults());
    }

    /**
     * Creates a runner. Its loop is created when it is needed.
     *
     * @param options the options of the loop
     */
    public Runner(LoopOptions options) {
        this.options = requireNonNull(options, "options");
    }

    /**
     * Returns the loop, which is created if this is its first use.
     *
     * @return the loop
     * @throws IllegalStateException if this runner is closed
     */
    public EventLoop loop() {
        refuseIfClosed();
        if (loop == null) {
            loop = new EventLoop(options);
        }
        return loop;
    }

    /**
     * Runs a coroutine, and waits for its end; tasks that it leaves go on with the next run. The first run copies the
     * current context, in which all of them run. Blocks the calling thread; interrupting it cancels the coroutine.
     *
     * @param main the coroutine
     * @param <T> the type of the result
     * @return its result
     * @throws CompletionException if the coroutine threw a checked exception; if this thread was interrupted, and the
     *     coroutine ended because of that
     * @throws KeyboardInterrupt if Ctrl-C was pressed, and the coroutine ended because of that
     * @throws IllegalStateException if this thread is running a loop already; if this runner is closed
     */
    public <T extends @Nullable Object> T run(Coroutine<T> main) {
        EventLoop.refuseInsideALoop("Runner.run");
        refuseIfClosed();
        if (context == null) {
            context = Context.copyContext();
        }
        return run(main, context);
    }

    /**
     * Runs a coroutine without a result; see {@link #run(Coroutine)}.
     *
     * @param main the coroutine
     */
    public void run(Action main) {
        run(Action.asCoroutine(main));
    }

    /**
     * Runs a coroutine in a given context; see {@link #run(Coroutine)}.
     *
     * @param main the coroutine
     * @param inContext the context, used as it is
     * @param <T> the type of the result
     * @return its result
     */
    public <T extends @Nullable Object> T run(Coroutine<T> main, Context inContext) {
        EventLoop.refuseInsideALoop("Runner.run");
        EventLoop mine = loop();
        Task<T> task = mine.createTask(main, new TaskOptions().withContext(inContext));
        try (var ctrlC = SigintHandler.cancels(task)) {
            try {
                return mine.runUntilComplete(task);
            } catch (CancelledError e) {
                if (ctrlC.hasCancelled() && task.uncancel() == 0) {
                    throw SigintHandler.endsProgram(new KeyboardInterrupt(e));
                }
                throw e;
            }
        }
    }

    /**
     * Cancels the tasks that are left, waits until they have ended, and closes the loop; see {@link EventLoop#close()}.
     * Idempotent.
     */
    @Override
    public void close() {
        if (loop != null) {
            loop.close();
        }
        closed = true;
    }

    private void refuseIfClosed() {
        if (closed) {
            throw new IllegalStateException(this + " is closed; create another one");
        }
    }

    @Override
    public String toString() {
        return "Runner[" + (closed ? "closed" : loop == null ? "no loop yet" : loop) + "]";
    }
}
