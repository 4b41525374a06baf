package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The debug settings of a loop: the limit for slow code, and the stacks where tasks were created.
 *
 * @param slowNanos the time that a coroutine or a callback may run without awaiting
 * @param origins the stack at which each task was created; null outside of debug mode
 */
record DebugMode(long slowNanos, @Nullable Map<Task<?>, List<StackTraceElement>> origins) {

    private static final boolean BY_PROPERTY = Boolean.getBoolean("dev.trestle.loop.debug");

    static DebugMode byDefault() {
        return of(BY_PROPERTY);
    }

    static DebugMode of(boolean on) {
        return on
                ? new DebugMode(100_000_000, Collections.synchronizedMap(new WeakHashMap<>()))
                : new DebugMode(1_000_000_000, null);
    }

    DebugMode withLimit(Duration limit) {
        if (requireNonNull(limit, "limit").compareTo(Duration.ofMillis(1)) < 0) {
            throw new IllegalArgumentException("The limit is shorter than a millisecond: " + limit);
        }
        return new DebugMode(TimeLimit.nanos(limit), origins);
    }

    boolean isOn() {
        return origins != null;
    }

    void onTaskCreated(Task<?> task) {
        if (origins != null) {
            origins.put(task, Stacks.ofCreation());
        }
    }

    private List<StackTraceElement> noted(Task<?> task) {
        return origins == null ? List.of() : origins.getOrDefault(task, List.of());
    }

    List<StackTraceElement> createdAt(Task<?> task) {
        List<StackTraceElement> noted = noted(task);
        return noted.isEmpty() ? task.origin().frames() : noted;
    }

    boolean isExact(Task<?> task) {
        return !noted(task).isEmpty() || task.origin().isExact();
    }

    String createdText(Task<?> task) {
        List<StackTraceElement> noted = noted(task);
        return noted.isEmpty() ? task.origin().toString() : " (created at " + noted.getFirst() + ")";
    }
}
