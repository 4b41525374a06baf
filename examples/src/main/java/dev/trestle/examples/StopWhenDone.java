package dev.trestle.examples;

import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofSeconds;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;

/** A loop that runs forever, and a task whose callback prints its result and stops the loop. */
final class StopWhenDone {

    private StopWhenDone() {}

    static void main(String[] args) {
        try (var loop = new EventLoop()) {
            Task<String> task = loop.createTask(() -> {
                sleep(ofSeconds(1));
                return "Future is done!";
            });
            task.addDoneCallback(done -> {
                IO.println(done.result());
                loop.stop();
            });
            loop.runForever();
        }
    }
}
