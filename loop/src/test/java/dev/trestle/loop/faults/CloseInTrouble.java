package dev.trestle.loop.faults;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;

import dev.trestle.loop.Action;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/**
 * A program that closes a loop with tasks which would go on for an hour, while one step of the loop's own code fails.
 * Its result is empty, or says which task has not ended. Loaded by a {@link FaultLoader}.
 */
public final class CloseInTrouble implements Runnable, Callable<String> {

    private static final Duration HOUR = Duration.ofHours(1);

    private final EventLoop loop = new EventLoop();
    private final List<Task<?>> tasks = new ArrayList<>();

    /** Called through the class loader. */
    public CloseInTrouble() {}

    /** Begins the tasks; without errors. */
    @Override
    public void run() {
        loop.setExceptionHandler((_, _) -> {});
        begin(() -> sleep(HOUR));
        begin(() -> await(loop.createFuture()));
        begin(() -> gather(List.of(loop.createTask(() -> sleep(HOUR)), loop.createFuture())));
        begin(() -> blocking(() -> new CountDownLatch(1).await()));
        begin(() -> TaskGroup.run(group -> {
            tasks.add(group.createTask(() -> sleep(HOUR)));
            sleep(HOUR);
        }));
        loop.runUntilComplete(() -> sleep(Duration.ofMillis(1)));
    }

    /** Closes the loop. */
    @Override
    public String call() {
        try {
            loop.close(Duration.ofSeconds(1));
        } catch (Throwable e) {
            // injected
        }
        Faults.disarm();
        loop.close(); // does nothing, unless the loop is not closed at all
        var left = new StringBuilder();
        for (Task<?> task : tasks) {
            if (!task.isDone()) {
                left.append("not done after close: ").append(task).append('\n');
            }
        }
        return left.toString();
    }

    private void begin(Action action) {
        tasks.add(loop.createTask(action));
    }
}
