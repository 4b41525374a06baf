package dev.trestle.examples;

import static dev.trestle.loop.Async.blocking;

import dev.trestle.loop.EventLoop;
import dev.trestle.processpool.ProcessPool;
import java.math.BigInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A call whose results arrive one after the other: a search for Mersenne primes in a child JVM, which would never end.
 * Each result is printed as soon as it is found, and closing the stream ends the search. A coroutine consumes it off
 * the loop.
 */
final class EndlessSearch {

    private EndlessSearch() {}

    static void main(String[] args) {
        try (var pool = new ProcessPool(1)) {
            try (Stream<Integer> found = pool.stream(EndlessSearch::exponents)) {
                found.limit(8).forEach(p -> IO.println("2^" + p + " - 1 is prime"));
            }
            EventLoop.run(() -> {
                try (Stream<Integer> found = pool.stream(EndlessSearch::exponents)) {
                    Stream<Integer> few = found.limit(3);
                    IO.println("in a loop: " + blocking(few::toList));
                }
                try (Stream<Integer> found = pool.stream(EndlessSearch::exponents)) {
                    IO.println("would stop the loop: " + found.limit(3).toList());
                } catch (IllegalStateException e) {
                    IO.println("without blocking(...) that is refused: " + e.getMessage());
                }
            });
        }
    }

    /** Runs in the worker. */
    private static Stream<Integer> exponents() {
        return IntStream.iterate(2, p -> p + 1)
                .filter(p -> BigInteger.TWO.pow(p).subtract(BigInteger.ONE).isProbablePrime(50))
                .boxed();
    }
}
