package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * The options of a new task.
 *
 * @param name the name for logs and dumps; {@code Task-} and a number if empty
 * @param context the context in which the coroutine runs, as it is; a copy of the current context if empty
 * @param eagerStart whether the coroutine runs at once until it suspends for the first time; as the loop's
 *     {@link TaskFactory} has it if empty, which is in a later turn if there is none
 */
public record TaskOptions(Optional<String> name, Optional<Context> context, Optional<Boolean> eagerStart) {

    /** Checks the values. */
    public TaskOptions {
        requireNonNull(name, "name");
        requireNonNull(context, "context");
        requireNonNull(eagerStart, "eagerStart");
    }

    /**
     * Creates the defaults: a name with a number, a copy of the current context, and the start that the loop's factory
     * chooses.
     */
    public TaskOptions() {
        this(Optional.empty(), Optional.empty(), Optional.empty());
    }

    /**
     * Returns these options with a name.
     *
     * @param newName for logs and dumps
     * @return the options
     */
    public TaskOptions withName(String newName) {
        return new TaskOptions(Optional.of(newName), context, eagerStart);
    }

    /**
     * Returns these options with a context.
     *
     * @param newContext the context in which the coroutine runs; values that the coroutine sets stay there
     * @return the options
     */
    public TaskOptions withContext(Context newContext) {
        return new TaskOptions(name, Optional.of(newContext), eagerStart);
    }

    /**
     * Returns these options with a start at once, or in a later turn. A coroutine that starts at once runs while its
     * creator waits, in the same turn, until it suspends for the first time or ends; the task may be done when it is
     * returned. So other code may run between two awaits of the creator. A loop that does not run starts the coroutine
     * later.
     *
     * @param newEagerStart whether it starts at once
     * @return the options
     */
    public TaskOptions withEagerStart(boolean newEagerStart) {
        return new TaskOptions(name, context, Optional.of(newEagerStart));
    }
}
