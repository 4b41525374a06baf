package dev.trestle.testkit;

import java.util.LinkedHashSet;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The options of an {@link InProcessPool}; those of {@link dev.trestle.processpool.ProcessPool.Builder} that decide
 * which calls are refused.
 *
 * @param workers the largest number of calls that run at the same time
 * @param queueLimit the number of calls that may wait; empty if there is no limit
 * @param allowedTypes names of classes, and names of packages that end in a dot, that results may contain although
 *     their declared type does not name them
 * @param maxPayloadBytes the largest call or result, in bytes
 */
public record InProcessPoolOptions(
        int workers, OptionalInt queueLimit, Set<String> allowedTypes, long maxPayloadBytes) {

    /** Checks the values. */
    public InProcessPoolOptions {
        if (workers < 1) {
            throw new IllegalArgumentException("The number of workers must be 1 or more: " + workers);
        }
        allowedTypes = Set.copyOf(allowedTypes);
    }

    /**
     * Creates options for a number of workers, with the defaults of a process pool.
     *
     * @param workers the largest number of calls that run at the same time
     * @throws IllegalArgumentException if it is not positive
     */
    public InProcessPoolOptions(int workers) {
        this(workers, OptionalInt.empty(), Set.of(), 1L << 30);
    }

    /**
     * Returns these options with a limit of the queue.
     *
     * @param calls the number of calls that may wait
     * @return the options
     */
    public InProcessPoolOptions withQueueLimit(int calls) {
        return new InProcessPoolOptions(workers, OptionalInt.of(calls), allowedTypes, maxPayloadBytes);
    }

    /**
     * Returns these options with one more class that results may contain.
     *
     * @param type the class
     * @return the options
     */
    public InProcessPoolOptions withAllowedType(Class<?> type) {
        return withAllowed(type.getName());
    }

    /**
     * Returns these options with one more package whose classes results may contain.
     *
     * @param name the name of the package
     * @return the options
     */
    public InProcessPoolOptions withAllowedPackage(String name) {
        return withAllowed(name.endsWith(".") ? name : name + ".");
    }

    private InProcessPoolOptions withAllowed(String name) {
        var all = new LinkedHashSet<>(allowedTypes);
        all.add(name);
        return new InProcessPoolOptions(workers, queueLimit, all, maxPayloadBytes);
    }

    /**
     * Returns these options with another limit of the size of calls and results.
     *
     * @param bytes the largest call or result, from 1 KiB to 1 GiB
     * @return the options
     */
    public InProcessPoolOptions withMaxPayloadBytes(long bytes) {
        return new InProcessPoolOptions(workers, queueLimit, allowedTypes, bytes);
    }
}
