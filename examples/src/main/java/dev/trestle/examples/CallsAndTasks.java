package dev.trestle.examples;

import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitUntil;
import static java.time.Duration.ofSeconds;

import dev.trestle.api.ReturnWhen;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Five coroutines as bare calls, and five as tasks. Bare calls run at once, one after the other. Tasks start
 * together when main waits for them; {@code waitUntil} returns those that are done and those that are not.
 */
final class CallsAndTasks {

    private CallsAndTasks() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            IO.println("bare calls");
            for (int i = 1; i <= 5; i++) {
                work(i);
            }
            IO.println("after " + EventLoop.getRunningLoop().time().toSeconds() + " s");

            IO.println("tasks");
            List<Task<Integer>> tasks = IntStream.rangeClosed(1, 5)
                    .mapToObj(i -> createTask(() -> work(i)))
                    .toList();
            IO.println("created, none has started");
            var waited = waitUntil(ReturnWhen.ALL_COMPLETED, tasks);
            IO.println("done: " + waited.done().stream().map(Task::result).toList() + ", pending: "
                    + waited.pending().size());
            IO.println("after " + EventLoop.getRunningLoop().time().toSeconds() + " s");
        });
    }

    private static int work(int number) {
        IO.println("start " + number);
        sleep(ofSeconds(1));
        return number;
    }
}
