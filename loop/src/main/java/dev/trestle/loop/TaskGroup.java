package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that end together: Python's {@code asyncio.TaskGroup}. {@link #run} returns when all of them have ended. The first
 * failure cancels the others and the body; every failure is kept and thrown in one {@link TaskGroupException}.
 *
 * {@snippet :
 * TaskGroup.run(group -> {
 *     group.createTask(() -> fetch(1));
 *     group.createTask(() -> fetch(2));
 * });
 * }
 *
 * <p>Belongs to the loop and to the task that runs it.
 */
@SuppressWarnings("overloads") // bodies with and without a result: only one that just throws is ambiguous
public final class TaskGroup {

    /*
     * The group cancels its parent to get it out of the body, and takes that request back at the end; a request that came
     * from elsewhere is left over then, and goes on. So who cancels the task that runs a group is obeyed, and a failure of
     * the group never looks like a cancellation.
     */

    /**
     * What runs in a group.
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
         * @throws Exception whatever it throws
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
         * @throws Exception whatever it throws
         */
        void run(TaskGroup group) throws Exception;
    }

    private final Task<?> parent;
    private final int requestsBefore;
    private final Set<Task<?>> unfinished = new LinkedHashSet<>();
    private final List<Throwable> failures = new ArrayList<>();
    private @Nullable LoopFuture<@Nullable Void> allEnded;
    private boolean aborting;
    private boolean inBody = true;
    private boolean parentCancelRequested;
    private boolean finished;

    private TaskGroup(Task<?> parent) {
        this.parent = parent;
        this.requestsBefore = parent.cancelling();
    }

    /**
     * Runs a body with a group, and waits until all tasks of the group have ended.
     *
     * @param body creates tasks; runs in the current task
     * @param <T> the type of the result
     * @return what the body returned; null if the group was cancelled before it did
     * @throws TaskGroupException if the body or a task failed, with all failures
     * @throws CancelledError if the current task was cancelled, and nothing failed
     */
    public static <T extends @Nullable Object> @Nullable T run(Body<T> body) {
        return new TaskGroup(Async.currentTask()).execute(requireNonNull(body, "body"));
    }

    /**
     * Runs a body without a result; see {@link #run(Body)}.
     *
     * @param body creates tasks; runs in the current task
     */
    public static void run(ActionBody body) {
        requireNonNull(body, "body");
        TaskGroup.<@Nullable Void>run(group -> {
            body.run(group);
            return null;
        });
    }

    /**
     * Starts a coroutine in this group, in a later turn.
     *
     * @param coroutine what to run
     * @param <T> the type of the result
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine) {
        return createNamed(coroutine, null);
    }

    /**
     * Starts a coroutine without a result in this group.
     *
     * @param action what to run
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public Task<@Nullable Void> createTask(Action action) {
        return createNamed(Action.asCoroutine(action), null);
    }

    /**
     * Starts a coroutine in this group under a name.
     *
     * @param coroutine what to run
     * @param name for logs and dumps
     * @param <T> the type of the result
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public <T extends @Nullable Object> Task<T> createTask(Coroutine<T> coroutine, String name) {
        return createNamed(coroutine, requireNonNull(name, "name"));
    }

    /**
     * Starts a coroutine without a result in this group under a name.
     *
     * @param action what to run
     * @param name for logs and dumps
     * @return its task
     * @throws IllegalStateException if the group has ended, or is ending because of a failure
     */
    public Task<@Nullable Void> createTask(Action action, String name) {
        return createNamed(Action.asCoroutine(action), requireNonNull(name, "name"));
    }

    private <T extends @Nullable Object> Task<T> createNamed(Coroutine<T> coroutine, @Nullable String name) {
        requireNonNull(coroutine, "coroutine");
        if (finished) {
            throw new IllegalStateException("A task cannot be added to a group that has ended: " + this
                    + ". Create tasks in the body of TaskGroup.run, or in tasks of the group.");
        }
        if (aborting) {
            throw new IllegalStateException("A task cannot be added to a group that is shutting down"
                    + (failures.isEmpty() ? ": it was cancelled" : ", because of " + failures.getFirst()));
        }
        Task<T> task = parent.loop().createTask(coroutine, name);
        unfinished.add(task);
        task.listen(_ -> ended(task));
        return task;
    }

    /** Cancels all tasks of the group and its body. {@link #run} then ends without an error. Again is without effect. */
    public void cancel() {
        parent.loop().checkHere("cancel a task group of");
        if (!finished) {
            abort();
        }
    }

    private void ended(Task<?> task) {
        unfinished.remove(task);
        if (!task.isCancelled()) {
            task.exception().ifPresent(failure -> {
                failures.add(failure);
                abort();
            });
        }
        if (unfinished.isEmpty() && allEnded != null && !allEnded.isDone()) {
            allEnded.setResult(null);
        }
    }

    private void abort() {
        if (aborting) {
            return;
        }
        aborting = true;
        List.copyOf(unfinished).forEach(Task::cancel);
        if (inBody) {
            parentCancelRequested = true;
            parent.cancel();
        }
    }

    private <T extends @Nullable Object> @Nullable T execute(Body<T> body) {
        T result = null;
        Throwable thrown = null;
        try {
            result = body.run(this);
        } catch (Throwable e) {
            thrown = e;
        }
        inBody = false;
        CancelledError cancellation = thrown instanceof CancelledError error ? error : null;
        if (thrown != null) {
            abort();
        }
        cancellation = waitForTasks(cancellation);
        finished = true;
        if (thrown != null && !(thrown instanceof CancelledError)) {
            failures.add(thrown);
        }
        end(cancellation);
        return result;
    }

    /** Waits for all tasks, whoever cancels meanwhile; returns the cancellation that is to go on. */
    private @Nullable CancelledError waitForTasks(@Nullable CancelledError cancellation) {
        CancelledError toGoOn = cancellation;
        while (!unfinished.isEmpty()) {
            allEnded = parent.loop().createFuture();
            try {
                Async.await(allEnded);
            } catch (CancelledError e) {
                if (toGoOn == null || parentCancelRequested) { // the one before may have been the group's own
                    toGoOn = e;
                }
                abort();
            } catch (IllegalStateException loopEnds) {
                failures.forEach(loopEnds::addSuppressed);
                throw loopEnds;
            }
        }
        return toGoOn;
    }

    private void end(@Nullable CancelledError cancellation) {
        boolean cancelledFromOutside =
                parentCancelRequested ? parent.uncancel() > requestsBefore : cancellation != null;
        if (!failures.isEmpty()) {
            if (cancelledFromOutside && parent.cancelling() > requestsBefore) {
                // The failures are told first; the cancellation is not lost, the next await throws it.
                parent.uncancel();
                parent.cancel();
            }
            throw new TaskGroupException(failures);
        }
        if (cancelledFromOutside && cancellation != null) {
            throw cancellation;
        }
    }

    @Override
    public String toString() {
        String state = finished ? "ended" : aborting ? "shutting down" : "active";
        return "TaskGroup[" + state + ", tasks=" + unfinished.size() + ", failures=" + failures.size() + "]";
    }
}
