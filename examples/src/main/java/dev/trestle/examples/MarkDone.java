package dev.trestle.examples;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;

/** callSoon marks a future done; runUntilComplete returns its result, which is still there after the loop is closed. */
final class MarkDone {

    private MarkDone() {}

    static void main(String[] args) {
        LoopFuture<String> future;
        try (var loop = new EventLoop()) {
            future = loop.createFuture();
            IO.println("scheduling mark_done");
            loop.callSoon(() -> markDone(future, "the result"));
            IO.println("entering event loop");
            IO.println("returned result: " + loop.runUntilComplete(future));
        }
        IO.println("future result: " + future.result());
    }

    private static void markDone(LoopFuture<String> future, String result) {
        IO.println("setting future result to " + result);
        future.setResult(result);
    }
}
