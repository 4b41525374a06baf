package dev.trestle.examples;

import static dev.trestle.loop.Async.await;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;

/** The future of {@link MarkDone}, awaited in a coroutine. */
final class AwaitMarked {

    private AwaitMarked() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            LoopFuture<String> future = loop.createFuture();
            IO.println("scheduling mark_done");
            loop.callSoon(() -> {
                IO.println("setting future result to the result");
                future.setResult("the result");
            });
            IO.println("returned result: " + await(future));
        });
    }
}
