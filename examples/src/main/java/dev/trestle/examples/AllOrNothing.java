package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofSeconds;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGroup;
import dev.trestle.loop.TaskGroupException;
import java.io.IOException;

/** A group of tasks that end together: each task has a result, or the first failure cancels the others. */
final class AllOrNothing {

    private AllOrNothing() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            Integer sum = TaskGroup.call(group -> {
                Task<Integer> one = group.createTask(() -> fetch(1, 1));
                Task<Integer> two = group.createTask(() -> fetch(2, 2));
                return await(one) + await(two);
            });
            IO.println("sum: " + sum);
            try {
                TaskGroup.run(group -> {
                    group.createTask(() -> fetch(3, 3600));
                    group.createTask(() -> {
                        sleep(ofSeconds(1));
                        throw new IOException("no connection");
                    });
                });
            } catch (TaskGroupException e) {
                IO.println("failed: " + e.exceptions());
            }
            IO.println("after " + EventLoop.getRunningLoop().time().toSeconds() + " s");
        });
    }

    private static int fetch(int number, int seconds) {
        try {
            sleep(ofSeconds(seconds));
            IO.println("fetched " + number);
            return number;
        } finally {
            IO.println("closed the connection of " + number);
        }
    }
}
