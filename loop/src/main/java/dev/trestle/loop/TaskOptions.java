package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * How a task is created.
 *
 * @param name for logs and dumps; {@code Task-} and a number if empty
 * @param context in which the coroutine runs, as it is; a copy of the current one if empty
 */
public record TaskOptions(Optional<String> name, Optional<Context> context) {

    /** Checks the values. */
    public TaskOptions {
        requireNonNull(name, "name");
        requireNonNull(context, "context");
    }

    /** A name with a number, and a copy of the current context. */
    public TaskOptions() {
        this(Optional.empty(), Optional.empty());
    }

    /**
     * Returns these options with a name.
     *
     * @param newName for logs and dumps
     * @return the options
     */
    public TaskOptions withName(String newName) {
        return new TaskOptions(Optional.of(newName), context);
    }

    /**
     * Returns these options with a context.
     *
     * @param newContext in which the coroutine runs; what it sets, stays in it
     * @return the options
     */
    public TaskOptions withContext(Context newContext) {
        return new TaskOptions(name, Optional.of(newContext));
    }
}
