package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGraph;
import java.time.Duration;
import java.util.List;

/** The task graph of a loop, as an object and as text: which task awaits which, and where. */
final class AwaitGraph {

    private AwaitGraph() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            currentTask().setName("main");
            Task<?> flour = createTask(() -> deliver(), "flour");
            Task<?> butter = createTask(() -> deliver(), "butter");
            Task<?> dough = createTask(() -> await(gather(List.of(flour, butter))), "dough");
            Task<?> cake = createTask(() -> await(dough), "cake");
            yieldNow();
            yieldNow();

            TaskGraph graph = EventLoop.getRunningLoop().taskGraph();
            graph.entries()
                    .forEach(entry -> IO.println(entry.task().name() + " waits for "
                            + entry.awaits().stream().map(Task::name).toList()));
            IO.println(graph);
            await(cake);
        });
    }

    private static void deliver() {
        sleep(Duration.ofSeconds(1));
    }
}
