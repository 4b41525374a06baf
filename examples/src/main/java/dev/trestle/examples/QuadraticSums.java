package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.gather;

import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import java.util.List;

/** Sums of i * j for all i and j below 1, 10 and 100, each off the loop by toThread; gather keeps their order. */
final class QuadraticSums {

    private QuadraticSums() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            List<Long> sums = await(gather(
                    Bridge.toThread(() -> quadraticSum(1)),
                    Bridge.toThread(() -> quadraticSum(10)),
                    Bridge.toThread(() -> quadraticSum(100))));
            IO.println(sums);
        });
    }

    private static long quadraticSum(int n) {
        long sum = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                sum += (long) i * j;
            }
        }
        return sum;
    }
}
