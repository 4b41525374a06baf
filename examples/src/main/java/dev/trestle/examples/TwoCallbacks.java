package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.yieldNow;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;

/** Two callbacks with an argument each, called in the order they were added. */
final class TwoCallbacks {

    private TwoCallbacks() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            LoopFuture<String> future = EventLoop.getRunningLoop().createFuture();
            IO.println("registering callbacks on future");
            future.addDoneCallback(done -> callback(done, 1));
            future.addDoneCallback(done -> callback(done, 2));
            IO.println("setting result of future");
            future.setResult("the result");
            await(future);
            yieldNow();
        });
    }

    private static void callback(LoopFuture<String> future, int number) {
        IO.println(number + ": future done: " + future.result());
    }
}
