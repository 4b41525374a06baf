package dev.trestle.loop;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.ConcurrentModificationException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot of a loop's tasks: what each task awaits, where, and which task awaits which; Python's call graph. See
 * {@link EventLoop#taskGraph}. {@code toString()} draws it, each task below the one that awaits it.
 *
 * @param loop the loop, in its own words
 * @param entries the tasks that were not done, the oldest first
 */
public record TaskGraph(String loop, List<Entry> entries) {

    /** The number of tasks with a stack: each stack takes some microseconds and a kilobyte. */
    private static final int STACKS = 1_000;

    /** The depth of indentation in a drawing; deeper tasks begin again on the left. */
    private static final int DEEPEST = 20;

    /** The state of a task. */
    public enum State {
        /** The task has not begun to run. */
        NOT_STARTED,
        /** The task's coroutine was running. */
        RUNNING,
        /** The task was waiting, or ready to go on. */
        SUSPENDED
    }

    /**
     * A task in the graph.
     *
     * @param task the task
     * @param state the state of the task
     * @param awaiting the future that the task awaited, as text; empty if none
     * @param awaits the tasks that the task awaited, directly or through gather, shield, a group and the like
     * @param awaitedBy the tasks that awaited it so
     * @param stack the stack of the coroutine, the innermost call first; empty if the task had not started, and for all
     *     but the first thousand tasks
     * @param createdAt the place where the task was created; see {@link Task#createdAt}
     */
    public record Entry(
            Task<?> task,
            State state,
            Optional<String> awaiting,
            List<Task<?>> awaits,
            List<Task<?>> awaitedBy,
            List<StackTraceElement> stack,
            List<StackTraceElement> createdAt) {

        /** Keeps copies. */
        public Entry {
            awaits = List.copyOf(awaits);
            awaitedBy = List.copyOf(awaitedBy);
            stack = List.copyOf(stack);
            createdAt = List.copyOf(createdAt);
        }
    }

    /** Keeps a copy. */
    public TaskGraph {
        entries = List.copyOf(entries);
    }

    static TaskGraph of(EventLoop loop, @Nullable Task<?> running, Collection<Task<?>> tasks) {
        Map<Task<?>, List<Task<?>>> awaits = new HashMap<>();
        Map<Task<?>, List<Task<?>>> awaitedBy = new HashMap<>();
        Map<Task<?>, LoopFuture<?>> awaiting = new HashMap<>();
        for (Task<?> task : tasks) {
            LoopFuture<?> future = task.awaited();
            if (future != null) {
                awaiting.put(task, future);
                List<Task<?>> reached = tasksBehind(future);
                awaits.put(task, reached);
                reached.forEach(other ->
                        awaitedBy.computeIfAbsent(other, _ -> new ArrayList<>()).add(task));
            }
        }
        var entries = new ArrayList<Entry>(tasks.size());
        for (Task<?> task : tasks) {
            LoopFuture<?> future = awaiting.get(task);
            entries.add(new Entry(
                    task,
                    task == running ? State.RUNNING : task.thread() == null ? State.NOT_STARTED : State.SUSPENDED,
                    Optional.ofNullable(future).map(LoopFuture::identity),
                    awaits.getOrDefault(task, List.of()),
                    awaitedBy.getOrDefault(task, List.of()),
                    entries.size() < STACKS ? task.stack() : List.of(),
                    task.createdAt()));
        }
        return new TaskGraph(loop.toString(), entries);
    }

    private static List<Task<?>> tasksBehind(LoopFuture<?> future) {
        var found = new ArrayList<Task<?>>();
        Set<LoopFuture<?>> seen = new HashSet<>();
        var open = new ArrayDeque<LoopFuture<?>>();
        open.add(future);
        while (!open.isEmpty()) {
            LoopFuture<?> next = open.remove();
            if (!next.isDone() && seen.add(next)) {
                if (next instanceof Task<?> task) {
                    found.add(task);
                } else {
                    addParts(next, open);
                }
            }
        }
        return found;
    }

    private static void addParts(LoopFuture<?> future, Collection<LoopFuture<?>> to) {
        try {
            for (LoopFuture<?> part : future.parts()) {
                to.add(part);
            }
        } catch (ConcurrentModificationException e) {
            // The loop runs at the same time, so the snapshot may be inconsistent; that is good enough for a picture.
        }
    }

    /** Draws the picture. */
    @Override
    public String toString() {
        return new Drawing(this).draw();
    }

    /** The graph as text. It may have circles, and chains as long as the heap is large: no recursion. */
    private static final class Drawing {

        private record Line(Entry entry, int depth) {}

        private final TaskGraph graph;
        private final Map<Task<?>, Entry> entries = new HashMap<>();
        private final Set<Task<?>> drawn = new HashSet<>();
        private final StringBuilder text = new StringBuilder();

        Drawing(TaskGraph graph) {
            this.graph = graph;
            graph.entries.forEach(entry -> entries.put(entry.task(), entry));
        }

        String draw() {
            text.append(graph.loop);
            graph.entries.stream().filter(entry -> entry.awaitedBy().isEmpty()).forEach(this::drawFrom);
            // A task that is left is part of a circle, or awaited from one.
            graph.entries.stream()
                    .filter(entry -> !drawn.contains(entry.task()))
                    .forEach(this::drawCircle);
            return text.toString();
        }

        private void drawCircle(Entry entry) {
            if (drawn.contains(entry.task())) {
                return;
            }
            var names = new ArrayList<String>();
            Set<Task<?>> seen = new HashSet<>();
            Entry next = entry;
            while (next != null && seen.add(next.task())) {
                names.add(next.task().name());
                next = next.awaits().isEmpty()
                        ? null
                        : entries.get(next.awaits().getFirst());
            }
            if (next != null) {
                names.add(next.task().name());
                text.append("\nThese await each other, and will never end: ").append(String.join(" -> ", names));
            }
            drawFrom(entry);
        }

        private void drawFrom(Entry root) {
            var open = new ArrayDeque<Line>();
            open.push(new Line(root, 1));
            while (!open.isEmpty()) {
                Line line = open.pop();
                Entry entry = line.entry();
                boolean first = drawn.add(entry.task());
                String indent = "  ".repeat(line.depth());
                text.append('\n').append(indent).append(describe(entry));
                if (!first) {
                    text.append(" (see above)");
                    continue;
                }
                text.append(Stacks.text(entry.stack(), indent + "    at "));
                boolean exact = entry.task().loop().isCreatedThere(entry.task());
                text.append(Stacks.text(
                        entry.createdAt(),
                        indent + (exact ? "    created at " : "    the first of its kind was created at ")));
                int depth = line.depth() == DEEPEST ? 1 : line.depth() + 1;
                for (Task<?> awaited : entry.awaits().reversed()) {
                    Entry below = entries.get(awaited);
                    if (below != null) {
                        open.push(new Line(below, depth));
                    }
                }
            }
        }

        private static String describe(Entry entry) {
            String state = switch (entry.state()) {
                case NOT_STARTED -> "not started";
                case RUNNING -> "running";
                case SUSPENDED -> "suspended";
            };
            return entry.task().name() + ", "
                    + entry.awaiting().map(future -> "awaits " + future).orElse(state);
        }
    }
}
