package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofSeconds;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;

/** A task sets the result of a future after ten seconds; main awaits it. */
final class SetFutureLater {

    private SetFutureLater() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            LoopFuture<String> future = EventLoop.getRunningLoop().createFuture();
            createTask(() -> setAfter(future, 10, "Finished!"));
            IO.println("Waiting ...");
            IO.println(await(future));
        });
    }

    private static void setAfter(LoopFuture<String> future, int seconds, String value) {
        sleep(ofSeconds(seconds));
        future.setResult(value);
    }
}
