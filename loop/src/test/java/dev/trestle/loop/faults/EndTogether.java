package dev.trestle.loop.faults;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.yieldNow;

import dev.trestle.loop.Action;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGroup;
import dev.trestle.loop.TaskGroupException;
import dev.trestle.loop.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;

/**
 * A program in which a group fails and a time limit is over, while one step of the loop's own code fails. Nothing ends
 * by itself before an hour has passed, so what was not cancelled is seen by the clock. Its result is empty, or says
 * what was left halfway. Loaded by a {@link FaultLoader}.
 */
public final class EndTogether implements Callable<String> {

    private static final Duration HOUR = Duration.ofHours(1);

    private final List<Task<?>> tasks = new ArrayList<>();
    private String left = "";

    /** Called through the class loader. */
    public EndTogether() {}

    @Override
    public String call() {
        EventLoop loop = untilItWorks(() -> new EventLoop(new VirtualClock()));
        loop.setExceptionHandler((_, _) -> {});
        inTask(loop, () -> failInGroup());
        inTask(loop, () -> beLate());
        Faults.disarm();
        loop.close();
        return left;
    }

    private void inTask(EventLoop loop, Action action) {
        tasks.clear();
        Duration begin = untilItWorks(loop::time);
        Task<?> task = untilItWorks(() -> loop.createTask(action));
        while (!untilItWorks(task::isDone)) {
            try {
                loop.runUntilComplete(task);
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
        if (untilItWorks(loop::time).minus(begin).compareTo(HOUR) >= 0) {
            left += "what was to be cancelled has run to its end\n";
        }
    }

    /** The second task fails; the others, and the body, are cancelled. */
    private void failInGroup() {
        Task<?> me = untilItWorks(() -> currentTask());
        try {
            TaskGroup.run(group -> {
                tasks.add(group.createTask(() -> sleep(HOUR)));
                tasks.add(group.createTask(() -> {
                    throw new IllegalStateException("on purpose");
                }));
                tasks.add(group.createTask(() -> sleep(HOUR)));
                sleep(HOUR);
            });
            left += "the group has not failed\n";
        } catch (TaskGroupException e) {
            long failures = e.exceptions().stream()
                    .filter(each -> "on purpose".equals(each.getMessage()))
                    .count();
            if (failures > 1) {
                left += "the failure of one task is there " + failures + " times\n";
            }
        } catch (Throwable e) {
            Thread.onSpinWait(); // injected; a group that cannot wait for its tasks cancels them all the same
        }
        checkEnd(me);
    }

    /** The limit is over while the task awaits a gathering of two tasks. */
    private void beLate() {
        Task<?> me = untilItWorks(() -> currentTask());
        try {
            timeout(Duration.ofSeconds(1), () -> {
                tasks.add(createTask(() -> sleep(HOUR)));
                tasks.add(createTask(() -> sleep(HOUR)));
                await(gather(tasks));
            });
            left += "the limit is not over\n";
        } catch (TimeoutException e) {
            Thread.onSpinWait(); // as it should be
        } catch (Throwable e) { // injected: before anything was cancelled
            if (untilItWorks(me::cancelling) > 0) {
                left += "the time limit counts as a cancellation by other code\n";
            }
            tasks.forEach(task -> untilItWorks(() -> task.isDone() || task.cancel()));
        }
        checkEnd(me);
    }

    private void checkEnd(Task<?> me) {
        if (untilItWorks(me::cancelling) > 0) {
            left += "a request to cancel the task is left over\n";
        }
        for (int turn = 0; turn < 3; turn++) {
            try {
                yieldNow();
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
        for (Task<?> task : tasks) {
            if (!untilItWorks(task::isDone)) {
                left += "not cancelled: " + task + "\n";
            }
        }
    }

    private static <T> T untilItWorks(Callable<T> step) {
        while (true) {
            try {
                return step.call();
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
    }
}
