package dev.trestle.examples;

import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofSeconds;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopBarrier;
import dev.trestle.loop.TaskGroup;

/**
 * Three workers that go from stage to stage together: no worker begins a stage before all have ended the one before.
 */
final class Stages {

    private Stages() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            var barrier = new LoopBarrier(3);
            TaskGroup.run(group -> {
                for (int seconds = 1; seconds <= 3; seconds++) {
                    int pace = seconds;
                    group.createTask(() -> {
                        for (String stage : new String[] {"load", "sort", "store"}) {
                            sleep(ofSeconds(pace));
                            IO.println("worker " + pace + " has done " + stage);
                            if (barrier.await() == 0) { // one of them, whichever came first
                                IO.println(stage + " is done, after "
                                        + EventLoop.getRunningLoop().time().toSeconds() + " s");
                            }
                        }
                    });
                }
            });
        });
    }
}
