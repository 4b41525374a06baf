package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ReturnWhen;
import dev.trestle.loop.TaskGraph.Entry;
import dev.trestle.loop.TaskGraph.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The graph of a loop's tasks: which task awaits which, and where, as an object and as text. */
@Timeout(30)
class TaskGraphTest {

    private final EventLoop loop = new EventLoop(new VirtualClock());

    @AfterEach
    void close() {
        loop.close();
    }

    private static Entry entry(TaskGraph graph, String name) {
        return graph.entries().stream()
                .filter(entry -> entry.task().name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static List<String> names(List<Task<?>> tasks) {
        return tasks.stream().map(Task::name).toList();
    }

    private Task<?> sleeper(String name) {
        return createTask(() -> sleep(ofHours(1)), name);
    }

    private TaskGraph graphAfterATurn() {
        yieldNow();
        yieldNow();
        return loop.taskGraph();
    }

    @Test
    void theGraphSeesThroughFuturesThatCombineFutures() {
        loop.runUntilComplete(() -> {
            Task<?> a = sleeper("a");
            Task<?> b = sleeper("b");
            createTask(() -> await(gather(List.of(a, shield(b)))), "gathers");
            createTask(() -> waitUntil(ReturnWhen.ALL_COMPLETED, List.of(a, b)), "waits");
            createTask(
                    () -> TaskGroup.run(group -> {
                        group.createTask(() -> sleep(ofHours(1)));
                    }),
                    "group");
            TaskGraph graph = graphAfterATurn();

            assertThat(names(entry(graph, "gathers").awaits())).containsExactly("a", "b");
            assertThat(names(entry(graph, "waits").awaits())).containsExactly("a", "b");
            assertThat(entry(graph, "group").awaits()).hasSize(1);
            assertThat(names(entry(graph, "a").awaitedBy())).containsExactly("gathers", "waits");
            assertThat(entry(graph, "gathers").awaiting()).contains("gather(2 futures)");
            assertThat(entry(graph, "waits").awaiting()).contains("waitUntil(ALL_COMPLETED)");
            assertThat(entry(graph, "group").awaiting()).contains("the tasks of its group");
        });
    }

    @Test
    void everyTaskHasItsState() throws Exception {
        var goOn = new CountDownLatch(1);
        loop.runUntilComplete(() -> {
            currentTask().setName("main");
            createTask(() -> blocking(() -> goOn.await()), "away");
            sleeper("sleeps");
            yieldNow();
            createTask(() -> {}, "new");
            TaskGraph graph = loop.taskGraph();
            goOn.countDown();

            assertThat(entry(graph, "main").state()).isEqualTo(State.RUNNING);
            assertThat(entry(graph, "sleeps").state()).isEqualTo(State.SUSPENDED);
            assertThat(entry(graph, "away").state()).isEqualTo(State.SUSPENDED);
            assertThat(entry(graph, "away").awaiting()).contains("blocking call");
            assertThat(entry(graph, "new").state()).isEqualTo(State.NOT_STARTED);
            assertThat(entry(graph, "new").stack()).isEmpty();
        });
    }

    @Test
    void theStackOfASuspendedTaskBeginsWhereItAwaits() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(this::outer);
            yieldNow();

            assertThat(task.stack())
                    .extracting(StackTraceElement::getMethodName)
                    .containsExactly("sleep", "inner", "outer");
            task.cancel();
            yieldNow();
            assertThat(task.stack()).isEmpty();
        });
    }

    private void outer() {
        inner();
    }

    private void inner() {
        sleep(ofHours(1));
    }

    @Test
    void aTaskRemembersTheStackWhereItWasCreatedInDebugMode() {
        loop.setDebug(true);
        loop.runUntilComplete(() -> {
            Task<?> task = create();
            assertThat(task.createdAt()).hasSizeGreaterThan(1);
            assertThat(task.createdAt().getFirst().getMethodName()).isEqualTo("create");
            assertThat(loop.taskGraph().toString())
                    .contains("created at dev.trestle.loop.TaskGraphTest.create(TaskGraphTest.java:");
        });
    }

    private static Task<?> create() {
        return createTask(() -> {}, "created");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anUnretrievedExceptionIsReportedWithItsTasksCreation(boolean debug) {
        var reports = new LinkedBlockingQueue<ExceptionContext>();
        loop.setDebug(debug);
        loop.setExceptionHandler((_, context) -> reports.add(context));
        List<Task<?>> failed = new ArrayList<>();
        loop.runUntilComplete(() -> {
            failed.add(createTask(
                    () -> {
                        throw new IllegalArgumentException("boom");
                    },
                    "fails"));
            yieldNow();
        });
        loop.close();
        assertThat(failed).hasSize(1); // so it was the end of the loop, not of the task, that reported it

        assertThat(reports.remove().message())
                .startsWith("The exception of Task[fails] (created at dev.trestle.loop.TaskGraphTest.")
                .contains("(TaskGraphTest.java:")
                .contains(") was never retrieved: no code awaited it or asked for its result. It left the coroutine"
                        + " at ");
    }

    @Test
    void debugModeIsOffUnlessItIsAskedFor() {
        assertThat(loop.isDebug()).isFalse();
        assertThat(loop.slowNanos()).isEqualTo(Duration.ofSeconds(1).toNanos());
        loop.setDebug(true);
        assertThat(loop.isDebug()).isTrue();
        assertThat(loop.slowNanos()).isEqualTo(Duration.ofMillis(100).toNanos());
    }

    // As text

    @Test
    void theTextShowsATaskBelowTheOneThatAwaitsIt() {
        loop.runUntilComplete(() -> {
            currentTask().setName("main");
            Task<?> inner = sleeper("inner");
            createTask(() -> await(inner), "outer");
            createTask(() -> await(inner), "other");
            String text = graphAfterATurn().toString();

            assertThat(text.replaceAll("\n +(created )?at .*", "")).isEqualTo("""
                EventLoop[%s, running, tasks=4]
                  main, running
                  outer, awaits Task[inner]
                    inner, awaits LoopFuture@XX
                  other, awaits Task[inner]
                    inner, awaits LoopFuture@XX (see above)\
                """.formatted(loop.name()).replace(
                    "LoopFuture@XX", "LoopFuture@" + text.replaceAll("(?s).*inner, awaits LoopFuture@(\\w+).*", "$1")));
            assertThat(text).contains("\n        at dev.trestle.loop.Async.sleep(Async.java:");
        });
    }

    @Test
    void aCircleIsNamedAndEndsTheDrawing() {
        loop.runUntilComplete(() -> {
            var tasks = new ArrayList<Task<?>>();
            tasks.add(createTask(() -> await(tasks.get(1)), "a"));
            tasks.add(createTask(() -> await(tasks.get(2)), "b"));
            tasks.add(createTask(() -> await(tasks.get(0)), "c"));
            createTask(() -> await(tasks.get(0)), "looks on");
            TaskGraph graph = graphAfterATurn();

            assertThat(graph.toString())
                    .contains("looks on, awaits Task[a]")
                    .contains("c, awaits Task[a]")
                    .contains("a, awaits Task[b] (see above)");
            tasks.get(0).cancel();
        });
    }

    @Test
    void aCircleWithoutAnAwaiterIsNamed() {
        loop.runUntilComplete(() -> {
            var tasks = new ArrayList<Task<?>>();
            tasks.add(createTask(() -> await(tasks.get(1)), "a"));
            tasks.add(createTask(() -> await(tasks.get(0)), "b"));
            assertThat(graphAfterATurn().toString())
                    .contains("\nThese await each other, and will never end: a -> b -> a");
            tasks.get(0).cancel();
        });
    }

    @Test
    void aLongChainIsDrawnWithoutRecursionAndInItsLength() {
        int length = 5_000;
        loop.runUntilComplete(() -> {
            Task<?> task = sleeper("task 0");
            for (int i = 1; i < length; i++) {
                Task<?> inner = task;
                task = createTask(() -> await(inner), "task " + i);
            }
            String text = graphAfterATurn().toString();

            assertThat(text).contains("\n  task " + (length - 1) + ", awaits").contains(" task 0, awaits LoopFuture@");
            assertThat(text.length()).isLessThan(length * 300);
        });
    }

    // From elsewhere

    @Test
    void aLoopThatRunsCanBeLookedAtFromAnotherThreadAllTheTime() throws Exception {
        var begun = new CountDownLatch(1);
        var end = new AtomicBoolean();
        var pictures = new AtomicInteger();
        var looks = new FutureTask<@Nullable Void>(() -> {
            while (!end.get()) {
                assertThat(loop.taskGraph().toString()).startsWith("EventLoop[");
                pictures.incrementAndGet();
                begun.countDown();
            }
            return null;
        });
        Thread.ofPlatform().start(looks);
        loop.runUntilComplete(() -> {
            blocking(() -> begun.await());
            for (int round = 0; round < 150; round++) {
                TaskGroup.run(group -> {
                    for (int i = 0; i < 100; i++) {
                        int steps = i;
                        group.createTask(() -> {
                            for (int step = 0; step < steps; step++) {
                                yieldNow();
                            }
                        });
                    }
                });
            }
        });
        end.set(true);
        looks.get();
        assertThat(pictures.get()).isPositive();
    }

    @Test
    void aLoopThatIsHeldUpCanBeLookedAtFromAnotherThread() throws Exception {
        var stuck = new CompletableFuture<String>();
        var goOn = new CountDownLatch(1);
        var runs = Thread.ofPlatform()
                .start(() -> loop.runUntilComplete(() -> {
                    currentTask().setName("hog");
                    sleeper("waits in vain");
                    yieldNow();
                    stuck.complete("now");
                    goOn.await();
                }));
        assertThat(stuck.get()).isEqualTo("now");
        TaskGraph graph = loop.taskGraph();
        goOn.countDown();
        runs.join();

        assertThat(names(graph.entries().stream().<Task<?>>map(Entry::task).toList()))
                .containsExactly("hog", "waits in vain");
        assertThat(entry(graph, "hog").state()).isEqualTo(State.RUNNING);
        assertThat(entry(graph, "hog").stack())
                // It may not have come as far as the latch.
                .anySatisfy(frame -> assertThat(frame.getClassName()).isEqualTo(TaskGraphTest.class.getName()));
    }
}
