package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** The coroutine that runs an action. It gives access to the action, which has the class that the user wrote. */
record ActionCoroutine(Action action) implements Coroutine<@Nullable Void> {

    ActionCoroutine {
        requireNonNull(action, "action");
    }

    @Override
    public @Nullable Void run() throws Exception {
        action.run();
        return null;
    }
}
