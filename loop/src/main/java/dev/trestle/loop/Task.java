package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import dev.trestle.api.CarriedContext;
import dev.trestle.api.ContextCarrier;
import dev.trestle.api.StackRoom;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A coroutine that runs in an event loop, and the future of its result: Python's {@code asyncio.Task}.
 *
 * <p>It starts in a later turn of the loop, never inside {@code createTask}. Its coroutine runs on a virtual thread
 * with the context class loader that was current in {@code createTask}, and no inheritable thread locals; what is to be
 * inherited goes into a {@link ContextVar}, or along with the task by a {@link dev.trestle.api.ContextCarrier}, as the
 * MDC of SLF4J does. Like every {@link LoopFuture} it belongs to its loop and is not thread-safe.
 *
 * <p>The thread is the coroutine's own. If {@code java.base/java.lang} is opened to this module, it may also be that of
 * the coroutine that awaits the task, or of a task that has ended. No coroutine sees the thread locals or scoped values
 * of another. An interrupt of a shared thread cancels the coroutine that awaits, and what it awaits; to cancel a task
 * use {@link #cancel}. The system property {@code dev.trestle.loop.threadPerTask=true} gives each task a thread.
 *
 * @param <T> the type of the result
 */
public final class Task<T extends @Nullable Object> extends LoopFuture<T> {

    /** The most attempts to copy a list that changes. */
    private static final int SNAPSHOTS = 10;

    /** The message of a cancellation by an interrupt. */
    static final String INTERRUPTED = "its thread was interrupted";

    private final long number;
    private final CreationSite origin;
    private @Nullable String name;
    private @Nullable Coroutine<T> coroutine;
    private @Nullable Thread thread;

    /** The context of the coroutine; null stands for an empty one. */
    private @Nullable Context context;

    /** The context class loader of the thread that created this; null stands for the system class loader. */
    private final @Nullable ClassLoader classLoader;

    /** The context of the thread that created this task; none once the coroutine's thread has it. */
    private CarriedContext carried = CarriedContext.capture();

    /** The future that the coroutine awaits, if it is suspended in an await. */
    private @Nullable LoopFuture<?> awaited;

    /** The task that awaits this one, if this one runs on its thread, on top of its stack; else null. */
    private @Nullable Task<?> caller;

    /** True if this task was taken from the queue while another was on top of its stack: its loop ends. */
    boolean readyBelow;

    private int cancelRequests;

    /** True if a CancelledError is to be thrown when the coroutine goes on. */
    private boolean mustCancel;

    private @Nullable String cancelMessage;

    /** Neighbours in the loop's list of tasks that are not done: it costs no object per task. */
    private @Nullable Task<?> previous;

    private @Nullable Task<?> next;

    private boolean linked;

    Task(
            EventLoop loop,
            Coroutine<T> coroutine,
            CreationSite origin,
            @Nullable String name,
            @Nullable Context context,
            long number) {
        super(loop);
        this.origin = origin;
        this.coroutine = coroutine;
        this.name = name;
        this.context = context;
        this.number = number;
        ClassLoader here = Thread.currentThread().getContextClassLoader();
        this.classLoader = here == ClassLoader.getSystemClassLoader() ? null : here;
    }

    /**
     * Returns the name.
     *
     * @return the given name, or {@code Task-} and a number
     */
    public String name() {
        return name == null ? "Task-" + number : name;
    }

    /**
     * Changes the name.
     *
     * @param newName for logs and dumps
     */
    public void setName(String newName) {
        name = requireNonNull(newName, "newName");
    }

    /**
     * Asks the coroutine to end: a {@link CancelledError} is thrown where it awaits, or where it awaits next. It may
     * clean up, awaiting as it likes, and may even decide to go on. A task that has not started never runs.
     *
     * <p>The future that the coroutine awaits is cancelled too; see {@link Async#shield}.
     *
     * @param message the message of the error
     * @return false if the task is done already, true otherwise
     */
    @Override
    public boolean cancel(@Nullable String message) {
        return CancelTraversal.cancel(this, message);
    }

    /**
     * Cancels this task, which is not done, and what it awaits. If that ends in a gathering, it is left to do: returns
     * the task that awaits it; else null. If this throws, no request counts.
     */
    @Nullable
    Task<?> cancelDownToGathering(@Nullable String message) {
        // Down the chain of tasks that await each other, by a loop: it may be as long as the heap is large. `marker`
        // falls behind, twice as far each time, so that a circle meets it.
        Task<?> task = this;
        Task<?> marker = this;
        int steps = 0;
        int limit = 2;
        try {
            while (true) {
                task.cancelRequests++;
                if (!(task.awaited instanceof Task<?> inner) || inner.isDone()) {
                    if (task.awaited instanceof GatherFuture<?, ?> gathering && !gathering.isDone()) {
                        if (!gathering.isCancelling()) {
                            return task;
                        }
                        task.breakOut(gathering, message);
                    } else if (task.awaited == null || !task.awaited.cancel(message)) {
                        task.throwLater(message);
                    }
                    return null;
                }
                if (inner == marker) {
                    Task<?> top = task.topOfStack(); // of the circle too, since each task there awaits the next
                    top.breakOut(requireNonNull(top.awaited), message);
                    return null;
                }
                task = inner;
                if (++steps == limit) {
                    marker = task;
                    limit *= 2;
                }
            }
        } catch (Throwable e) {
            takeRequestsBack(steps + 1);
            throw e;
        }
    }

    /** Takes back one request to cancel this task and each task down the chain of those that await each other. */
    void takeRequestBack() {
        takeRequestsBack(Integer.MAX_VALUE);
    }

    private void takeRequestsBack(int tasks) {
        LoopFuture<?> each = this;
        for (int i = 0; i < tasks && each instanceof Task<?> task && task.cancelRequests > 0; i++) {
            task.cancelRequests--;
            each = task.awaited;
        }
    }

    /** Returns whether a CancelledError is to be thrown when the coroutine awaits next, or now. */
    boolean isToBeCancelled() {
        return mustCancel;
    }

    /** Throws no CancelledError that has not been thrown yet. */
    void forgetCancellation() {
        mustCancel = false;
    }

    void throwLater(@Nullable String message) {
        mustCancel = true;
        cancelMessage = message;
    }

    /** Ends a circle of tasks that await each other, and would never end. */
    private void breakOut(LoopFuture<?> inner, @Nullable String message) {
        throwLater(message);
        leave(inner);
    }

    /** Makes this task, which awaits a future, ready before the future is done. */
    private void leave(LoopFuture<?> inner) {
        boolean waits = back != null; // or it is ready already
        while (waits) {
            try {
                inner.forget(this);
                loop().baton().ready(this);
                waits = false;
            } catch (Throwable e) {
                Thread.onSpinWait(); // a task that neither waits nor is ready would never go on
            }
        }
    }

    /**
     * Returns the number of outstanding requests to cancel this task.
     *
     * @return calls of {@code cancel} less calls of {@code uncancel}
     */
    public int cancelling() {
        return cancelRequests;
    }

    /**
     * Takes one request to cancel back; for code that caught the {@link CancelledError} because it was meant for
     * itself. At zero, an error that has not been thrown yet is forgotten.
     *
     * @return the number of requests that are left
     */
    public int uncancel() {
        if (cancelRequests > 0) {
            cancelRequests--;
            if (cancelRequests == 0) {
                mustCancel = false;
            }
        }
        return cancelRequests;
    }

    /** Refused: the outcome of a task is its coroutine's. */
    @Override
    public void setResult(T result) {
        throw new UnsupportedOperationException("The result of " + this
                + " is what its coroutine returns; to set one by hand, use a future of loop.createFuture()");
    }

    /** Refused: the outcome of a task is its coroutine's. */
    @Override
    public void setException(Throwable exception) {
        throw new UnsupportedOperationException("The exception of " + this
                + " is what its coroutine throws; to set one by hand, use a future of loop.createFuture()");
    }

    /**
     * Returns the context in which the coroutine runs.
     *
     * @return the context itself
     */
    public Context context() {
        loop().checkHere("look at the context of");
        if (context == null) {
            context = new Context();
        }
        return context;
    }

    /**
     * Returns the stack of the coroutine, the innermost call first; without the frames that belong to the loop. May be
     * called from any thread.
     *
     * @return the stack; empty if the coroutine has not started, or has ended
     */
    public List<StackTraceElement> stack() {
        Thread mine = thread;
        if (mine == null || isDone()) {
            return List.of();
        }
        List<StackTraceElement> stack = Stacks.of(mine, depth());
        return isDone() ? List.of() : stack; // a thread goes on to another task when this one has ended
    }

    /**
     * Returns the stack at the creation of this task, the innermost call first. May be called from any thread.
     *
     * <p>In debug mode, see {@link EventLoop#setDebug}, that is the stack. Otherwise it is one place, noted when the
     * first task was created whose coroutine is of the same class. That is this task's own as well if the coroutine is
     * a lambda, which has a class of its own, unless one lambda is given to {@code createTask} in several places.
     * Messages say "created at" then; for a coroutine of a named class, or a lambda that came from elsewhere, they say
     * "the first of its kind was created at".
     *
     * @return the stack, or the place; empty if only the loop's own code can be seen there
     */
    public List<StackTraceElement> createdAt() {
        return loop().createdAt(this);
    }

    // The loop's side

    @Nullable
    Context contextOrNull() {
        return context;
    }

    CreationSite origin() {
        return origin;
    }

    void enter(@Nullable Context newContext) {
        context = newContext;
    }

    @Nullable
    LoopFuture<?> awaited() {
        return awaited;
    }

    @Nullable
    Thread thread() {
        return thread;
    }

    /** Gives the thread of the coroutine, which has not started, what it has from its creator. */
    void prepare(Thread newThread) {
        if (classLoader != null) {
            newThread.setContextClassLoader(classLoader);
        }
    }

    /** Returns the context class loader of the coroutine's thread at its beginning. */
    ClassLoader contextClassLoader() {
        return classLoader == null ? ClassLoader.getSystemClassLoader() : classLoader;
    }

    /** Returns whether the coroutine, which has not started, gets a context of its creator's in all carriers. */
    boolean bringsContext() {
        return !carried.isNothing();
    }

    void onStarted(@Nullable Thread newThread) {
        thread = newThread;
    }

    // Tasks that share a thread: each one but the outermost was called by the one below, which awaits it

    /**
     * Records that this task, which has not started, begins on top of the stack of one that awaits it. Calls nothing.
     */
    void onCalled(Task<?> by, Thread on) {
        caller = by;
        thread = on;
    }

    /** Records that this task is not on another's stack any more, or never was. Calls nothing. */
    void onCallOver() {
        caller = null;
        thread = null;
    }

    /** Returns whether another task runs on top of this one's stack; then this one cannot go on before that ends. */
    private boolean isCovered() {
        return awaited instanceof Task<?> inner && inner.caller == this;
    }

    /** Returns whether this task cannot go on yet, though it is ready; it is to be made ready again then. */
    boolean waitsForTaskAbove() {
        boolean waits = isCovered();
        if (waits) {
            readyBelow = true;
        }
        return waits;
    }

    private Task<?> topOfStack() {
        Task<?> top = this;
        while (top.awaited instanceof Task<?> inner && inner.caller == top) {
            top = inner;
        }
        return top;
    }

    /** Returns the task for which the thread of this one runs at all. */
    Task<?> bottomOfStack() {
        Task<?> bottom = this;
        for (Task<?> below = caller; below != null; below = below.caller) {
            bottom = below;
        }
        return bottom;
    }

    /** Returns the number of tasks below this one on the stack of its thread. Any thread may call this. */
    int depth() {
        int depth = 0;
        for (Task<?> below = caller; below != null; below = below.caller) {
            depth++;
        }
        return depth;
    }

    /** Ends this task if it was cancelled before its coroutine has started, which then never runs. */
    boolean endsBeforeItStarts() {
        if (thread != null || !mustCancel) {
            return false;
        }
        coroutine = null;
        carried = CarriedContext.nothing();
        end(cancellation(cancelMessage));
        return true;
    }

    /** Fails this task, whose coroutine will not run. Does not throw. */
    void failToStart(Throwable reason) {
        coroutine = null;
        carried = CarriedContext.nothing();
        Throwable failure;
        try {
            failure = new IllegalStateException("No thread could be started for " + name(), reason);
        } catch (Throwable e) {
            failure = reason;
        }
        end(failure(failure));
    }

    /** Ends this task, whatever goes wrong: no other code does. */
    private void end(Object outcome) {
        boolean unlinked = false;
        while (!unlinked) {
            try {
                if (!isDone()) {
                    complete(outcome);
                }
                loop().unlink(this);
                unlinked = true;
            } catch (Throwable e) {
                Log.log(ERROR, () -> "The end of " + name() + " failed; it is tried again", e);
            }
        }
    }

    /** Returns the code of a new thread for the coroutine. */
    Start<T> newStart() {
        return new Start<>(this);
    }

    /**
     * The body of a coroutine's new thread, which has the baton: runs the whole coroutine, or nothing if the start was
     * revoked before. Either the thread takes the task out of this or the detector does, which decides whether the
     * thread has the baton. Each suspended coroutine keeps this object and the frame of its method: so there is one
     * field and one method.
     */
    static final class Start<T extends @Nullable Object> implements Runnable {

        private static final VarHandle TASK;

        static {
            try {
                TASK = MethodHandles.lookup().findVarHandle(Start.class, "task", Task.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        /** The task; null once the thread has begun, or never will. */
        private volatile @Nullable Task<T> task;

        private Start(Task<T> task) {
            TASK.set(this, task); // plain: no other thread has this yet
        }

        /** Returns whether a thread is the one that is to run this, and it has not begun. */
        boolean isOn(Thread thread) {
            Task<T> mine = task;
            return mine != null && mine.thread == thread;
        }

        /** Returns whether the thread has not begun, and so never will. */
        boolean revoke() {
            return TASK.getAndSet(this, null) != null;
        }

        /** Takes the task out, if it is still there; without a race if the thread was there before. */
        private @Nullable Object take() {
            Task<T> given = task;
            if (given == null || given.caller == null) {
                return TASK.getAndSet(this, null);
            }
            TASK.set(this, null); // plain
            return given;
        }

        @Override
        @SuppressWarnings("unchecked") // what its coroutine returns is the result of each task
        public void run() {
            var mine = (Task<@Nullable Object>) take();
            if (mine == null) {
                return;
            }
            mine.loop().baton().onStarted();
            while (mine != null) {
                Object result = null;
                Throwable thrown = null;
                ContextCarrier.@Nullable Scope scope = null;
                try {
                    if (!mine.carried.isNothing()) { // else the thread has nothing either
                        scope = mine.carried.restore();
                        mine.carried = CarriedContext.nothing();
                    }
                    Coroutine<@Nullable Object> body = requireNonNull(mine.coroutine);
                    mine.coroutine = null; // what it captured is garbage as soon as it is no longer needed
                    result = body.run();
                } catch (Throwable e) { // every outcome is given to the coroutine that awaits the task
                    thrown = e;
                }
                if (scope != null) {
                    scope.close(); // throws nothing
                }
                Task<?> successor = null;
                boolean over = false;
                while (!over) {
                    try {
                        successor = mine.finish(result, thrown);
                        over = true;
                    } catch (Throwable e) {
                        Thread.onSpinWait(); // for lack of memory, most likely; a task that has ended and is not done
                        // would be lost
                    }
                }
                mine = (Task<@Nullable Object>) successor;
            }
        }
    }

    /**
     * Ends this task. Gives the baton away if this task is the last on its thread; returns the task that has the baton
     * then, if it is to begin on this thread, else null.
     */
    private @Nullable Task<?> finish(@Nullable T result, @Nullable Throwable thrown) {
        Task<?> successor = null;
        if (!isOrphan()) {
            if (!isDone()) {
                end(thrown != null ? failure(thrown) : mustCancel ? cancellation(cancelMessage) : success(result));
            }
            if (caller != null) {
                return null; // the caller goes on with the baton
            }
            successor = loop().baton().leave();
        } else if (thrown != null) {
            reportLate(thrown);
        }
        thread = null; // a task that is kept for its result keeps no more than that
        return successor;
    }

    /** Returns whether the loop was closed without this coroutine, which runs here: its outcome has been decided. */
    private boolean isOrphan() {
        return !loop().baton().isHeldHere();
    }

    /** Tells of what an orphan has thrown, unless that is why it has ended. */
    private void reportLate(Throwable thrown) {
        if (!(thrown instanceof CancelledError) && !(thrown instanceof LoopShutdown.Refused)) {
            loop().reports()
                    .tellHere(new ExceptionContext(
                            name() + loop().createdText(this) + " failed after its loop was closed",
                            thrown,
                            this,
                            null));
        }
    }

    /** Cancels this task because its loop ends; its coroutine will never have the baton again. */
    void endWithLoop() {
        if (!isCovered()) {
            awaited = null;
        }
        end(cancellation("its loop is closed"));
    }

    /** Ends all tasks of a list because their loop ends, the oldest first. Takes no memory. */
    static void endAllWithLoop(@Nullable Task<?> head) {
        Task<?> oldest = head;
        while (oldest != null && oldest.next != null) {
            oldest = oldest.next;
        }
        Task<?> task = oldest;
        while (task != null) {
            Task<?> newer = task.previous;
            task.endWithLoop();
            task = newer;
        }
    }

    /** Suspends the coroutine until a future is done, and returns its result; called on its thread, with the baton. */
    <R extends @Nullable Object> R await(LoopFuture<R> future) {
        if (future.isDone()) {
            throwIfInterrupted();
        } else {
            StackRoom.require(); // before anything is changed, for giving the baton away
            heedInterrupt();
            loop().shutdown().refuseToWait(this);
            if (mustCancel && future.cancel(cancelMessage)) {
                mustCancel = false;
            }
            Baton baton = loop().baton();
            awaited = future;
            try {
                future.wake(this);
                do { // a wake-up of a wait that has failed may come late
                    baton.suspend(this);
                } while (!future.isDone() && !mustCancel && !loop().shutdown().isThrowingOut());
            } catch (Throwable e) { // the baton is still here, or here again
                boolean forgotten = false;
                while (!forgotten) {
                    try {
                        future.forget(this);
                        forgotten = true;
                    } catch (Throwable again) {
                        Thread.onSpinWait(); // a task must not stand in the rings of two futures
                    }
                }
                throw e;
            } finally {
                awaited = null;
            }
            if (future.endsInCancelledError()) {
                mustCancel =
                        false; // its error is thrown, and is the first: a later request does not replace its message
            }
            throwIfCancelled();
        }
        return future.result();
    }

    /** Lets all ready coroutines and callbacks run once. */
    void yieldNow() {
        StackRoom.require();
        heedInterrupt();
        loop().shutdown().refuseToWait(this);
        Baton baton = loop().baton();
        baton.ready(this);
        boolean suspended = false;
        while (!suspended) {
            try {
                baton.suspend(this);
                suspended = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // it has not begun to, and this task stands in the queue already
            }
        }
        throwIfCancelled();
    }

    /** Runs a blocking call on this thread, without the baton. */
    <R extends @Nullable Object> R callBlocking(BlockingCall<R> call) {
        heedInterrupt();
        if (mustCancel) {
            yieldNow(); // throws, as an await would
        }
        loop().shutdown().refuseToWait(this);
        return leaveFor(call);
    }

    /**
     * Waits for the end of an executor on this thread, without the baton. The executor must be closed in any case: if
     * this task was cancelled, or its loop throws it out, the wait is made all the same, interrupted, and the error is
     * thrown afterwards.
     */
    <R extends @Nullable Object> R callEndWait(BlockingCall<R> call) {
        heedInterrupt();
        if (mustCancel) {
            mustCancel = false;
            call.cancel(cancelMessage);
        } else if (loop().shutdown().isThrowingOut()) {
            call.cancel("its loop is closed");
        }
        return leaveFor(call);
    }

    private <R extends @Nullable Object> R leaveFor(BlockingCall<R> call) {
        Baton baton = loop().baton();
        awaited = call;
        try {
            baton.goAway();
        } catch (Throwable e) {
            awaited = null;
            throw e;
        }
        Throwable failure = null;
        try {
            call.run();
        } catch (Throwable e) {
            failure = e; // thrown with the baton
        }
        boolean back = false;
        boolean decided = false;
        while (!decided) {
            try {
                back = baton.comeBack(this);
                decided = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // it has not begun to
            }
        }
        if (!back) {
            loop().shutdown().awaitOver(); // its callbacks may still run
            throw LoopShutdown.endedWithout(this, call.failure());
        }
        awaited = null;
        if (failure != null) {
            throw unchecked(failure);
        }
        throwIfCancelled();
        return call.outcomeOfCall();
    }

    long number() {
        return number;
    }

    /** Makes a suspended coroutine go on by throwing, because its loop ends. */
    void throwOut() {
        if (awaited instanceof BlockingCall<?> call) {
            call.cancel("its loop is closed");
        } else if (awaited != null && !isCovered()) { // else it goes on when the task on top of it is thrown out
            leave(awaited);
        }
    }

    /** Throws in a coroutine whose loop was closed while another task ran on top of its stack. */
    void goOnAsOrphan() {
        loop().shutdown().awaitOver(); // its callbacks may still run
        throw LoopShutdown.endedWithout(this, null);
    }

    /**
     * Cancels the outermost task of this thread, and so this task, if the thread was interrupted while the coroutine
     * was running. Called where the coroutine awaits, before it waits: one that always finds something ready never
     * parks, and would not notice.
     */
    private void heedInterrupt() {
        if (Thread.interrupted()) {
            bottomOfStack().cancel(INTERRUPTED);
        }
    }

    /** Does the same, and throws, for an await that need not wait. */
    void throwIfInterrupted() {
        if (Thread.interrupted()) {
            bottomOfStack().cancel(INTERRUPTED);
            throwIfCancelled();
        }
    }

    private void throwIfCancelled() {
        loop().shutdown().refuseToWait(this);
        if (mustCancel) {
            mustCancel = false;
            throw new CancelledError(cancelMessage);
        }
    }

    // The loop's list

    boolean isLinked() {
        return linked;
    }

    void linkBefore(@Nullable Task<?> head) {
        linked = true;
        next = head;
        if (head != null) {
            head.previous = this;
        }
    }

    /** Leaves the list, if it is there; returns its new head. */
    @Nullable
    Task<?> unlinkFrom(@Nullable Task<?> head) {
        linked = false;
        if (previous != null) {
            previous.next = next;
        }
        if (next != null) {
            next.previous = previous;
        }
        Task<?> newHead = head == this ? next : head;
        previous = null;
        next = null;
        return newHead;
    }

    /** Returns the list, the oldest task first. */
    static List<Task<?>> list(@Nullable Task<?> head) {
        var tasks = new ArrayList<Task<?>>();
        for (Task<?> task = head; task != null; task = task.next) {
            tasks.add(task);
        }
        return tasks.reversed();
    }

    /**
     * Returns the list as it can be seen from any thread, the oldest task first. While the loop runs, tasks leave it
     * while it is read; then the reader begins again, a few times.
     */
    static List<Task<?>> snapshot(Supplier<@Nullable Task<?>> head) {
        List<Task<?>> longest = List.of();
        for (int attempt = 0; attempt < SNAPSHOTS; attempt++) {
            var seen = new ArrayList<Task<?>>();
            boolean torn = false;
            for (Task<?> task = head.get(); task != null; task = task.next) {
                if (task.isDone()) {
                    torn = task.next == null;
                } else {
                    seen.add(task);
                }
            }
            if (seen.size() >= longest.size()) {
                longest = seen;
            }
            if (!torn) {
                break;
            }
        }
        return longest.reversed();
    }

    @Override
    String identity() {
        return "Task[" + name() + "]";
    }

    @Override
    public String toString() {
        return "Task[" + name() + ", " + outcomeText() + (awaited == null ? "" : ", awaiting " + awaited.identity())
                + "]";
    }
}
