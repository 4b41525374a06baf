package dev.trestle.loop.differential;

import static dev.trestle.loop.Async.allTasks;
import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.gatherOutcomes;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.timeoutAt;
import static dev.trestle.loop.Async.waitFor;
import static dev.trestle.loop.Async.waitUntil;
import static java.util.Objects.requireNonNull;

import dev.trestle.api.DoneAndPending;
import dev.trestle.api.ReturnWhen;
import dev.trestle.loop.Action;
import dev.trestle.loop.CancelledError;
import dev.trestle.loop.ContextVar;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Handle;
import dev.trestle.loop.LoopCondition;
import dev.trestle.loop.LoopEvent;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopLock;
import dev.trestle.loop.LoopQueue;
import dev.trestle.loop.LoopSemaphore;
import dev.trestle.loop.Outcome;
import dev.trestle.loop.QueueShutDownException;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGroup;
import dev.trestle.loop.TaskGroupException;
import dev.trestle.loop.TaskOptions;
import dev.trestle.loop.Timeout;
import dev.trestle.loop.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a program on our event loop, in virtual time, and returns its trace. It is over 500 lines because it is the
 * language: {@code interpreter.py} says the same, statement by statement, on asyncio.
 */
final class Interpreter {

    /*
     * A program is a block: the body of task 0. Tasks, gathers and shields have numbers, which the statements that
     * create them carry; so what a number means does not depend on the order of execution, and a statement about a
     * number that no statement has created yet does nothing. Six plain futures are there from the beginning, and so are
     * two locks, a semaphore of two permits, two events, a condition with a count, three queues and a context variable.
     *
     * Every statement leaves a line when it ends: the time, the actor, the statement's name, and its outcome. A root
     * task that no statement can reach waits for task 0, then cancels what is left until nothing is, and tells how
     * everything ended.
     */

    static final List<Integer> FUTURES = List.of(100, 101, 102, 103, 104, 105);
    static final int LOCKS = 2;
    static final int EVENTS = 2;
    static final int QUEUES = 3;

    private static final ContextVar<String> VARIABLE = new ContextVar<>("variable", "unset");

    /**
     * The number of rounds in which remaining tasks are cancelled: each round ends a statement of each task, unless
     * tasks prevent each other.
     */
    private static final int ROUNDS = 300;

    private static final Duration PATIENCE = Duration.ofSeconds(1000);

    private final EventLoop loop;
    private final List<String> trace = new ArrayList<>();
    private final Map<Integer, LoopFuture<Object>> slots = new TreeMap<>();
    private final Map<Integer, Supplier<@Nullable Object>> drops = new HashMap<>();
    private final Map<Integer, Timeout> limits = new HashMap<>();
    private final Map<Integer, TaskGroup> groups = new HashMap<>();
    private final List<LoopLock> locks =
            IntStream.range(0, LOCKS).mapToObj(_ -> new LoopLock()).toList();
    private final LoopSemaphore semaphore = LoopSemaphore.bounded(2);
    private final LoopCondition condition = new LoopCondition();
    private final List<LoopQueue<Integer>> queues = List.of(LoopQueue.fifo(1), LoopQueue.lifo(), LoopQueue.priority(2));
    private final Set<String> busy = new HashSet<>();
    private int count;
    private final List<LoopEvent> events =
            IntStream.range(0, EVENTS).mapToObj(_ -> new LoopEvent()).toList();
    private boolean ended;

    private Interpreter(EventLoop loop) {
        this.loop = loop;
    }

    static List<String> trace(List<Statement> program) {
        try (var loop = new EventLoop(new VirtualClock())) {
            var interpreter = new Interpreter(loop);
            loop.setExceptionHandler((_, context) -> {
                if (context.message().startsWith("Exception in callback")) {
                    interpreter.log("loop", "callback " + described(context.exception()));
                }
            });
            loop.runUntilComplete(() -> interpreter.root(program));
            return List.copyOf(interpreter.trace);
        }
    }

    private void log(Object actor, String text) {
        if (!ended) {
            trace.add((loop.time().toSeconds() + " " + actor + " " + text).stripTrailing());
        }
    }

    private void root(List<Statement> program) {
        FUTURES.forEach(number -> slots.put(number, loop.createFuture()));
        Task<Object> main = createTask(task(0, program));
        slots.put(0, main);
        var _ = waitUntil(ReturnWhen.ALL_COMPLETED, List.of(main), PATIENCE);
        if (!alive().isEmpty()) {
            var _ = waitUntil(ReturnWhen.ALL_COMPLETED, alive(), PATIENCE);
        }
        for (int round = 0; round < ROUNDS && !alive().isEmpty(); round++) {
            List<Task<?>> alive = alive();
            log("root", "cancels " + alive.size());
            alive.forEach(Task::cancel);
            var _ = waitUntil(ReturnWhen.ALL_COMPLETED, alive, PATIENCE);
        }
        slots.forEach((number, _) -> log("root", number + " " + state(number)));
        ended = true;
    }

    private List<Task<?>> alive() {
        var alive = new ArrayList<Task<?>>();
        for (LoopFuture<?> future : slots.values()) {
            if (future instanceof Task<?> task && !task.isDone()) {
                alive.add(task);
            }
        }
        return alive;
    }

    private Coroutine<Object> task(int number, List<Statement> body) {
        return () -> {
            log(number, "starts");
            run(number, body);
            return number;
        };
    }

    private Runnable callback(int number, List<Statement> body) {
        return () -> {
            String actor = "c" + number;
            log(actor, "is called");
            for (Statement statement : body) {
                try {
                    log(actor, statement.name() + " " + described(now(actor, statement)));
                } catch (RuntimeException | CancelledError e) {
                    log(actor, statement.name() + " ! " + described(e));
                    throw e;
                }
            }
        };
    }

    private void run(Object actor, List<Statement> block) throws Exception {
        for (Statement statement : block) {
            Object result;
            try {
                result = later(actor, statement);
            } catch (Throwable e) {
                log(actor, statement.name() + " ! " + described(e));
                throw e;
            }
            log(actor, statement.name() + " " + described(result));
        }
    }

    // Statements that wait

    private @Nullable Object later(Object actor, Statement it) throws Exception {
        switch (it.name()) {
            case "sleep" -> sleep(Duration.ofSeconds(it.number(1)));
            case "await" -> {
                return with(it.number(1), future -> await(future));
            }
            case "wait" -> {
                return waitForMany(present(it.numbers(1)), it.number(2), limit(it.number(3)));
            }
            case "completed" -> takeCompleted(actor, pending(it.numbers(1)), limit(it.number(2)));
            case "waitfor" -> {
                LoopFuture<Object> future = slots.get(it.number(1));
                return future == null ? "absent" : waitFor(future, limit(it.number(2)));
            }
            case "waitforbody" -> waitFor((Action) () -> run(actor, it.block(2)), limit(it.number(1)));
            case "within" -> {
                timeout(limit(it.number(2)), limit -> {
                    limits.put(it.number(1), limit);
                    run(actor, it.block(3));
                });
                return requireNonNull(limits.get(it.number(1))).expired() ? "late" : "";
            }
            case "withinat" -> {
                timeoutAt(limit(it.number(2)), limit -> {
                    limits.put(it.number(1), limit);
                    run(actor, it.block(3));
                });
                return requireNonNull(limits.get(it.number(1))).expired() ? "late" : "";
            }
            case "group" -> {
                // Requests from before count for a group of asyncio, and not for ours: ADR-0115.
                if (currentTask().cancelling() > 0) {
                    return "absent";
                }
                TaskGroup.run(group -> {
                    groups.put(it.number(1), group);
                    run(actor, it.block(2));
                });
            }
            case "lock" -> {
                LoopLock lock = locks.get(it.number(1));
                lock.acquire();
                try {
                    log(actor, "has the lock");
                    run(actor, it.block(2));
                } finally {
                    lock.release();
                }
            }
            case "semaphore" -> {
                semaphore.acquire();
                try {
                    log(actor, "has a permit");
                    run(actor, it.block(1));
                } finally {
                    semaphore.release();
                }
            }
            case "waitevent" -> events.get(it.number(1)).await();
            case "condition" -> {
                condition.acquire();
                try {
                    log(actor, "has the condition");
                    run(actor, it.block(1));
                } finally {
                    condition.release();
                }
            }
            case "waitcondition" -> condition.await();
            case "until" -> condition.waitFor(() -> count >= it.number(1));
            case "put" -> {
                return alone(it.number(1) + " put", () -> {
                    queues.get(it.number(1)).put(it.number(2));
                    return null;
                });
            }
            case "get" -> {
                return alone(
                        it.number(1) + " get", () -> queues.get(it.number(1)).get());
            }
            case "join" -> queues.get(it.number(1)).join();
            case "try" -> tryCatchFinally(actor, it);
            default -> {
                return now(actor, it);
            }
        }
        return null;
    }

    private String waitForMany(List<LoopFuture<Object>> futures, int when, @Nullable Duration limit) {
        if (futures.isEmpty()) {
            return "absent";
        }
        ReturnWhen condition = List.of(ReturnWhen.FIRST_COMPLETED, ReturnWhen.FIRST_EXCEPTION, ReturnWhen.ALL_COMPLETED)
                .get(when);
        DoneAndPending<LoopFuture<Object>> result = waitUntil(condition, futures, limit);
        return numbers(result.done()) + " " + numbers(result.pending());
    }

    private void takeCompleted(Object actor, List<LoopFuture<Object>> futures, @Nullable Duration limit) {
        for (LoopFuture<Object> future : asCompleted(futures, limit)) {
            try {
                log(actor, "next " + described(await(future)));
            } catch (Raised e) {
                log(actor, "next ! " + described(e));
            }
        }
    }

    private void tryCatchFinally(Object actor, Statement it) throws Exception {
        try {
            try {
                run(actor, it.block(1));
            } catch (Throwable e) {
                boolean mine = switch (it.number(2)) {
                    case 0 -> e instanceof CancelledError;
                    case 1 -> e instanceof Exception;
                    default -> true;
                };
                if (!mine) {
                    throw e;
                }
                log(actor, "catches " + described(e));
                run(actor, it.block(3));
                if (it.number(4) == 1) {
                    throw e;
                }
            }
        } finally {
            run(actor, it.block(5));
        }
    }

    /** Runs an action in which other tasks could overtake asyncio's waiters, but not ours: so it runs alone. */
    private @Nullable Object alone(String place, Coroutine<@Nullable Object> action) throws Exception {
        if (!busy.add(place)) {
            return "busy";
        }
        try {
            return action.run();
        } finally {
            busy.remove(place);
        }
    }

    // Statements that do not wait, which callbacks know too

    private @Nullable Object now(Object actor, Statement it) {
        int number = it.items().size() > 1 ? it.number(1) : 0;
        switch (it.name()) {
            case "spawn" -> slots.put(number, createTask(task(number, it.block(2))));
            case "eager" ->
                slots.put(number, createTask(task(number, it.block(2)), new TaskOptions().withEagerStart(true)));
            case "spawnin" -> {
                TaskGroup group = groups.get(number);
                if (group == null) {
                    return "absent";
                }
                slots.put(it.number(2), group.createTask(task(it.number(2), it.block(3))));
            }
            case "gather" -> slots.put(number, gathered(present(it.numbers(2)), it.number(3) == 1));
            case "shield" -> {
                LoopFuture<Object> inner = slots.get(it.number(2));
                if (inner == null) {
                    return "absent";
                }
                slots.put(number, shield(inner));
            }
            case "cancel" -> {
                String message = it.number(2) == 0 ? null : "m" + it.number(2);
                return with(number, future -> future.cancel(message));
            }
            case "uncancel" -> {
                return with(number, task -> ((Task<?>) task).uncancel());
            }
            case "look" -> {
                return state(number);
            }
            case "set" -> {
                return with(number, future -> {
                    future.setResult(it.number(2));
                    return "";
                });
            }
            case "fail" -> {
                return with(number, future -> {
                    future.setException(new Raised(it.number(2)));
                    return "";
                });
            }
            case "raise" -> throw new Raised(number);
            case "giveup" -> throw new CancelledError();
            case "tasks" -> {
                return allTasks().size();
            }
            case "cancelgroup" -> {
                TaskGroup group = groups.get(number);
                if (group == null) {
                    return "absent";
                }
                group.cancel();
            }
            case "reschedule" -> {
                Timeout limit = limits.get(number);
                if (limit == null) {
                    return "absent";
                }
                Duration delay = limit(it.number(2));
                limit.reschedule(delay == null ? null : loop.time().plus(delay));
            }
            case "setevent" -> events.get(number).set();
            case "clearevent" -> events.get(number).clear();
            case "setvariable" -> VARIABLE.set(Integer.toString(number));
            case "variable" -> {
                return VARIABLE.get();
            }
            case "unlock" -> locks.get(number).release();
            case "release" -> semaphore.release();
            case "notify" -> condition.signal(number);
            case "count" -> count++;
            case "tryput" -> {
                if (busy.contains(number + " put") || !queues.get(number).tryPut(it.number(2))) {
                    return "no";
                }
            }
            case "tryget" -> {
                Optional<Integer> item = busy.contains(number + " get")
                        ? Optional.empty()
                        : queues.get(number).tryGet();
                return item.isPresent() ? item.get() : "no";
            }
            case "taskdone" -> queues.get(number).taskDone();
            case "shutdown" -> {
                if (it.number(2) == 0) {
                    queues.get(number).shutdown();
                } else {
                    var _ = queues.get(number).shutdownNow();
                }
            }
            case "queue" -> {
                return queues.get(number).size();
            }
            case "soon" -> dropBy(number, loop.callSoon(callback(number, it.block(2))));
            case "later" ->
                dropBy(number, loop.callLater(Duration.ofSeconds(it.number(2)), callback(number, it.block(3))));
            case "whendone" -> {
                LoopFuture<Object> future = slots.get(it.number(2));
                if (future == null) {
                    return "absent";
                }
                Runnable run = callback(number, it.block(3));
                Consumer<LoopFuture<Object>> callback = _ -> run.run();
                future.addDoneCallback(callback);
                drops.put(number, () -> future.removeDoneCallback(callback));
            }
            case "drop" -> {
                Supplier<@Nullable Object> drop = drops.get(number);
                return drop == null ? "absent" : drop.get();
            }
            default -> throw new IllegalArgumentException("No such statement: " + it + " of " + actor);
        }
        return null;
    }

    private @Nullable Object with(int number, Function<LoopFuture<Object>, Object> action) {
        LoopFuture<Object> future = slots.get(number);
        return future == null ? "absent" : action.apply(future);
    }

    @SuppressWarnings("unchecked") // results are only described
    private static LoopFuture<Object> gathered(List<LoopFuture<Object>> parts, boolean keep) {
        LoopFuture<?> gathered = keep ? gatherOutcomes(parts) : gather(parts);
        return (LoopFuture<Object>) gathered;
    }

    private void dropBy(int number, Handle handle) {
        drops.put(number, () -> {
            handle.cancel();
            return null;
        });
    }

    // Descriptions

    private static @Nullable Duration limit(int seconds) {
        return seconds < 0 ? null : Duration.ofSeconds(seconds);
    }

    private List<LoopFuture<Object>> present(List<Integer> numbers) {
        return numbers.stream()
                .filter(slots::containsKey)
                .map(number -> requireNonNull(slots.get(number)))
                .toList();
    }

    /** Returns the futures that are not done: in asyncio, those that are done come in any order. */
    private List<LoopFuture<Object>> pending(List<Integer> numbers) {
        return present(numbers).stream().filter(future -> !future.isDone()).toList();
    }

    private List<Integer> numbers(Collection<LoopFuture<Object>> futures) {
        return slots.keySet().stream()
                .filter(number -> futures.contains(slots.get(number)))
                .toList();
    }

    private String state(int number) {
        LoopFuture<Object> future = slots.get(number);
        if (future == null) {
            return "absent";
        }
        String text;
        if (!future.isDone()) {
            text = "pending";
        } else if (future.isCancelled()) {
            text = "cancelled";
        } else {
            text = future.exception()
                    // A gather that was cancelled is cancelled here, and has failed in asyncio.
                    .map(error -> error instanceof CancelledError ? "cancelled" : described(error))
                    .orElseGet(() -> "result " + described(future.result()));
        }
        return future instanceof Task<?> task ? text + ", " + task.cancelling() : text;
    }

    private static String described(@Nullable Object outcome) {
        return switch (outcome) {
            case null -> "";
            // Time limits and interrupts have messages of their own.
            case CancelledError error ->
                error.getMessage() != null && error.getMessage().matches("m\\d")
                        ? "cancelled " + error.getMessage()
                        : "cancelled";
            case CompletionException wrapper
            when wrapper.getCause() instanceof TimeoutException cause -> described(cause);
            case TimeoutException _ -> "timeout";
            case TaskGroupException group ->
                group.exceptions().stream()
                        .map(Interpreter::described)
                        .collect(Collectors.joining(", ", "group(", ")"));
            case Raised error -> requireNonNull(error.getMessage());
            case QueueShutDownException _ -> "shut down";
            case IllegalStateException _, UnsupportedOperationException _ -> "misuse";
            case Throwable unknown -> throw new AssertionError("The interpreter is wrong", unknown);
            case Outcome.Cancelled<?> _ -> "cancelled";
            case Outcome.Failure<?> failure -> described(failure.exception());
            case Outcome.Success<?> success -> described(success.result());
            case List<?> list ->
                list.stream()
                        .map(each -> each instanceof CancelledError ? "cancelled" : described(each))
                        .collect(Collectors.joining(", ", "[", "]"));
            default -> outcome.toString();
        };
    }

    /** The exception that {@code raise} throws. */
    private static final class Raised extends RuntimeException {
        private static final long serialVersionUID = 1;

        Raised(int number) {
            super("E" + number);
        }
    }
}
