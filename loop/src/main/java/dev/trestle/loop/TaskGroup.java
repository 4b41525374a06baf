package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.StackRoom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A group of tasks that end together: Python's {@code asyncio.TaskGroup}. {@link #run} returns when all tasks have
 * ended. The first failure cancels the other tasks and the body; every failure is kept and thrown in one
 * {@link TaskGroupException}. If there is no memory to wait, the tasks are cancelled, and the error is thrown.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="group"}
 *
 * <p>Belongs to the loop and to the task that runs it.
 */
public final class TaskGroup {

    /*
     * The group cancels its parent to end the body, and takes that request back at the end. A request that came from
     * elsewhere is left over then, and is thrown. So a cancellation of the task that runs a group takes effect, and a
     * failure of the group never looks like a cancellation.
     */

    /**
     * The body of a group, with a result.
     *
     * @param <T> the type of the result
     */
    @FunctionalInterface
    public interface Body<T extends @Nullable Object> {
        /**
         * Runs the body, in the task that called {@code run}.
         *
         * @param group creates the tasks
         * @return the result
         * @throws Exception any exception of the code
         */
        T run(TaskGroup group) throws Exception;
    }

    /** A {@link Body} without a result. */
    @FunctionalInterface
    public interface ActionBody {
        /**
         * Runs the body, in the task that called {@code run}.
         *
         * @param group creates the tasks
         * @throws Exception any exception of the code
         */
        void run(TaskGroup group) throws Exception;
    }

    /** The most attempts to cancel the tasks, if the group cannot wait for them. */
    private static final int MOST_ATTEMPTS = 1_000;

    private final Task<?> parent;
    private final int requestsBefore;

    /** True if a cancellation of the parent was still to be thrown when the group began. */
    private final boolean pendingBefore;

    private final Set<Task<?>> unfinished = new LinkedHashSet<>();

    /** The failures of tasks, in the order in which they failed; by task, as the step may be repeated. */
    private final Map<Task<?>, Throwable> failures = new LinkedHashMap<>();

    /** The error because of which the failure of a task is not among {@code failures}. */
    private @Nullable Throwable lostFailure;

    /** The tasks that are cancelled because the group ends early; the first {@code cancelled} of them have been. */
    private List<Task<?>> toCancel = List.of();

    private int cancelled;

    /** True if the parent is still to be cancelled. */
    private boolean parentIsNext;

    private @Nullable LoopFuture<@Nullable Void> allEnded;
    private boolean aborting;
    private boolean inBody = true;
    private boolean parentCancelRequested;

    private TaskGroup(Task<?> parent) {
        this.parent = parent;
        this.requestsBefore = parent.cancelling();
        this.pendingBefore = parent.isToBeCancelled();
    }

    /**
     * Runs a body with a group, and waits until all tasks of the group have ended. {@link #call} is the same for a body
     * with a result.
     *
     * @param body creates tasks; runs in the current task
     * @throws TaskGroupException if the body or a task failed, with all failures
     * @throws CancelledError if the current task was cancelled, and nothing failed
     */
    public static void run(ActionBody body) {
        requireNonNull(body, "body");
        TaskGroup.<@Nullable Void>call(group -> {
            body.run(group);
            return null;
        });
    }

    /**
     * Runs a body with a group, waits until all tasks of the group have ended, and returns the result of the body.
     *
     * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="group-call"}
     *
     * @param body creates tasks; runs in the current task
     * @param <T> the type of the result
     * @return the result of the body; null if the group was cancelled before the body had returned
     * @throws TaskGroupException if the body or a task failed, with all failures
     * @throws CancelledError if the current task was cancelled, and nothing failed
     */
    public static <T extends @Nullable Object> @Nullable T call(Body<T> body) {
        return new TaskGroup(Async.currentTask()).execute(requireNonNull(body, "body"));
    }

    /**
     * Starts a coroutine in this group, in a later turn.
     *
     * @param coroutine the code to run
     * @param <T> the type of the result
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine) {
        return createTask(coroutine, new TaskOptions());
    }

    /**
     * Starts a coroutine without a result in this group, in a later turn.
     *
     * @param action the code to run
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public Task<@Nullable Void> createTask(Action action) {
        return createTask(Action.asCoroutine(action));
    }

    /**
     * Starts a coroutine in this group under a name.
     *
     * @param coroutine the code to run
     * @param name for logs and dumps
     * @param <T> the type of the result
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, String name) {
        return createTask(coroutine, new TaskOptions().withName(name));
    }

    /**
     * Starts a coroutine without a result in this group under a name.
     *
     * @param action the code to run
     * @param name for logs and dumps
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public Task<@Nullable Void> createTask(Action action, String name) {
        return createTask(Action.asCoroutine(action), name);
    }

    /**
     * Starts a coroutine in this group.
     *
     * @param coroutine the code to run
     * @param options name, context
     * @param <T> the type of the result
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, TaskOptions options) {
        requireNonNull(coroutine, "coroutine");
        if (hasEnded()) {
            throw new IllegalStateException("A task cannot be added to a group that has ended: " + this
                    + ". Create tasks in the body of TaskGroup.run, or in tasks of the group.");
        }
        if (aborting) {
            throw new IllegalStateException("A task cannot be added to a group that is shutting down"
                    + (failures.isEmpty()
                            ? ": it was cancelled"
                            : ", because of " + failures.values().iterator().next()));
        }
        Task<T> task = parent.loop().createTask(coroutine, options);
        try {
            unfinished.add(task);
            task.listen(new LoopFuture.Listener() {
                @Override
                public void done(LoopFuture<?> done) {
                    ended(task);
                }

                @Override
                public void failed(Throwable failure) {
                    endedWithout(task, failure);
                }
            });
        } catch (Throwable e) { // the caller has no task, so the group does not wait for one
            boolean removed = false;
            while (!removed) {
                try {
                    unfinished.remove(task);
                    removed = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // the group would wait forever for a task that does not tell of its end
                }
            }
            task.cancel();
            throw e;
        }
        if (aborting && !task.isDone()) {
            task.cancel(); // it started eagerly, and has cancelled this group before it was one of its tasks
        }
        return task;
    }

    /**
     * Starts a coroutine without a result in this group.
     *
     * @param action the code to run
     * @param options name, context
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public Task<@Nullable Void> createTask(Action action, TaskOptions options) {
        return createTask(Action.asCoroutine(action), options);
    }

    /** Cancels all tasks of the group and its body. {@link #run} then ends without an error. Idempotent. */
    public void cancel() {
        parent.loop().checkHere("cancel a task group of");
        if (!hasEnded()) {
            abortWithParent();
        }
    }

    /**
     * Returns true as soon as no task is left to wait for. A task that is added between then and the parent's turn is
     * too late.
     */
    private boolean hasEnded() {
        return !inBody && unfinished.isEmpty();
    }

    /** Notes the end of a task. May be called again if it fails. */
    private void ended(Task<?> task) {
        unfinished.remove(task);
        if (task.isFailed()) {
            task.exception().ifPresent(failure -> failures.put(task, failure));
            abortWithParent();
        }
        endIfAllHave();
    }

    /** Notes the end of a task after {@link #ended} has failed, perhaps before it had noted the failure of the task. */
    private void endedWithout(Task<?> task, Throwable error) {
        unfinished.remove(task);
        if (task.isFailed()) {
            if (!failures.containsKey(task)) {
                lostFailure = error;
            }
            abortWithParent();
        }
        endIfAllHave();
    }

    private void endIfAllHave() {
        if (unfinished.isEmpty() && allEnded != null && !allEnded.isDone()) {
            allEnded.setResult(null);
        }
    }

    /**
     * Ends the tasks, and the body if that is running; a parent that waits already takes one more turn, as in asyncio.
     */
    private void abortWithParent() {
        if (!aborting) {
            toCancel = List.copyOf(unfinished);
            aborting = true;
            parentIsNext = true;
        }
        goOnAborting();
    }

    /** Ends the tasks. */
    private void abort() {
        if (!aborting) {
            toCancel = List.copyOf(unfinished);
            aborting = true;
        }
        goOnAborting();
    }

    /** Cancels each task that is to be cancelled, once. A step that fails is called again, and goes on where it was. */
    private void goOnAborting() {
        while (cancelled < toCancel.size()) {
            toCancel.get(cancelled).cancel();
            cancelled++;
        }
        if (parentIsNext) {
            parent.cancel();
            parentCancelRequested = true;
            parentIsNext = false;
        }
    }

    /** Ends the tasks of a group that cannot wait for them. */
    private void abortBeforeLeaving() {
        for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
            try {
                abort();
                takeRequestBack();
                return;
            } catch (Throwable e) {
                Thread.onSpinWait(); // a task that is not cancelled might never end
            }
        }
    }

    private <T extends @Nullable Object> @Nullable T execute(Body<T> body) {
        StackRoom.requireForLinkage(); // for waiting for the tasks, and for cancelling them
        T result = null;
        Throwable thrown = null;
        try {
            result = body.run(this);
        } catch (Throwable e) {
            thrown = e;
        }
        boolean orphaned = false; // the loop was closed without this coroutine, and with the tasks
        try {
            orphaned = !parent.loop().isRunningHere();
            if (!orphaned) {
                inBody = false;
                CancelledError cancellation = waitForTasks(thrown);
                end(thrown instanceof CancelledError ? null : thrown, cancellation);
            }
        } catch (IllegalStateException loopEnds) {
            failures.values().forEach(loopEnds::addSuppressed);
            throw loopEnds;
        } catch (Throwable e) {
            if (!unfinished.isEmpty() || parentCancelRequested) { // there is no memory to wait, most likely
                abortBeforeLeaving();
                failures.values().stream().filter(failure -> failure != e).forEach(e::addSuppressed);
            }
            throw e;
        }
        if (orphaned) {
            throw thrown == null ? LoopShutdown.endedWithout(parent, null) : LoopFuture.unchecked(thrown);
        }
        return result;
    }

    /**
     * Waits for the ends of all tasks. Returns the cancellation that has ended the group, else the latest one; null if
     * there was none.
     *
     * @param thrown the exception that has ended the body; null if there is none
     */
    private @Nullable CancelledError waitForTasks(@Nullable Throwable thrown) {
        CancelledError cancellation = thrown instanceof CancelledError error ? error : null;
        if (thrown != null || aborting) {
            abort();
        }
        CancelledError latest = null;
        while (!unfinished.isEmpty()) {
            allEnded = new CompositeFuture(parent.loop(), "the tasks of its group", unfinished);
            try {
                Async.await(allEnded);
            } catch (CancelledError e) { // a cancelled parent waits for the tasks, too
                latest = e;
                if (!aborting) {
                    cancellation = e;
                    abort();
                }
            }
        }
        return cancellation == null ? latest : cancellation;
    }

    /** Takes back the request to cancel the parent. Returns whether there was one, and none from elsewhere. */
    private boolean takeRequestBack() {
        boolean alone = parentCancelRequested && parent.uncancel() <= requestsBefore;
        parentCancelRequested = false;
        if (alone && !pendingBefore) {
            parent.forgetCancellation(); // a body that awaited nothing has not met it
        }
        return alone;
    }

    private void end(@Nullable Throwable thrown, @Nullable CancelledError cancellation) {
        boolean cancelledByGroupAlone = takeRequestBack();
        List<Throwable> all = new ArrayList<>(failures.values());
        if (thrown != null) {
            all.add(thrown);
        }
        if (lostFailure != null) {
            all.add(lostFailure);
        }
        if (!all.isEmpty()) {
            if (parent.cancelling() > requestsBefore) {
                // The failures are thrown first; the cancellation is not lost, the next await throws it.
                parent.uncancel();
                parent.cancel();
            }
            throw new TaskGroupException(all);
        }
        if (cancellation != null && !cancelledByGroupAlone) {
            throw cancellation;
        }
    }

    @Override
    public String toString() {
        String state = hasEnded() ? "ended" : aborting ? "shutting down" : "active";
        return "TaskGroup[" + state + ", tasks=" + unfinished.size() + ", failures=" + failures.size() + "]";
    }
}
