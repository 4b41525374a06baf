package dev.trestle.loop;

import org.jspecify.annotations.Nullable;

/**
 * A factory of a loop's tasks, for programs that change or watch all tasks. It may wrap the coroutine and change the
 * options, and leaves the rest to {@link #standard}. See {@link EventLoop#setTaskFactory}.
 */
public interface TaskFactory {

    /**
     * Creates a task; called where the task is created, in the loop.
     *
     * @param loop the loop
     * @param coroutine the code to run
     * @param options name, context, start
     * @param <T> the type of the result
     * @return the task
     */
    <T extends @Nullable Object> Task<T> create(EventLoop loop, Coroutine<T> coroutine, TaskOptions options);

    /**
     * Returns the factory that a loop uses if no other is set.
     *
     * @return the factory
     */
    static TaskFactory standard() {
        return EventLoop::newTask;
    }

    /**
     * Returns a factory of eager tasks, unless the options say otherwise: Python's {@code asyncio.eager_task_factory}.
     * See {@link TaskOptions#withEagerStart}.
     *
     * @return the factory
     */
    static TaskFactory eager() {
        return new TaskFactory() {
            @Override
            public <T extends @Nullable Object> Task<T> create(
                    EventLoop loop, Coroutine<T> coroutine, TaskOptions options) {
                return loop.newTask(
                        coroutine, options.eagerStart().isPresent() ? options : options.withEagerStart(true));
            }

            @Override
            public String toString() {
                return "TaskFactory.eager()";
            }
        };
    }
}
