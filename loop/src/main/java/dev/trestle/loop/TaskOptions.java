package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * How a task is created.
 *
 * @param name for logs and dumps; {@code Task-} and a number if empty
 * @param context in which the coroutine runs, as it is; a copy of the current one if empty
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

    /** A name with a number, a copy of the current context, and a start as the loop has it. */
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
     * @param newContext in which the coroutine runs; what it sets, stays in it
     * @return the options
     */
    public TaskOptions withContext(Context newContext) {
        return new TaskOptions(name, Optional.of(newContext), eagerStart);
    }

    /**
     * Returns these options with a start at once, or in a later turn. A coroutine that starts at once runs while its creator
     * waits, in the same turn, until it suspends for the first time or ends; the task may be done when it is returned. It is no
     * longer true then that nothing else runs between two awaits of the creator. A loop that does not run starts it later.
     *
     * @param newEagerStart whether it starts at once
     * @return the options
     */
    public TaskOptions withEagerStart(boolean newEagerStart) {
        return new TaskOptions(name, context, Optional.of(newEagerStart));
    }
}
