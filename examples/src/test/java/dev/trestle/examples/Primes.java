package dev.trestle.examples;

import java.util.BitSet;

/** Something that takes a while. */
final class Primes {

    private Primes() {}

    /** Counts the primes below a number, by the sieve of Eratosthenes. */
    static int below(int limit) {
        var composite = new BitSet(limit);
        int count = 0;
        for (int candidate = 2; candidate < limit; candidate++) {
            if (!composite.get(candidate)) {
                count++;
                for (long multiple = (long) candidate * candidate; multiple < limit; multiple += candidate) {
                    composite.set((int) multiple);
                }
            }
        }
        return count;
    }
}
