package dev.trestle.libraries;

import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

/** Work for the calls of the snippets, and a call that never ends. */
final class Primes {

    private Primes() {}

    static int forEver() throws InterruptedException {
        new CountDownLatch(1).await();
        return 0;
    }

    static int below(int limit) {
        return (int) IntStream.range(2, limit)
                .filter(n -> IntStream.rangeClosed(2, (int) Math.sqrt(n)).noneMatch(d -> n % d == 0))
                .count();
    }
}
