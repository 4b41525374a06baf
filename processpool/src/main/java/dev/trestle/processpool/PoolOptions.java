package dev.trestle.processpool;

import dev.trestle.api.TimeLimit;
import dev.trestle.processpool.jvm.JvmOptions;
import dev.trestle.processpool.jvm.ProcessMemory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The options of a pool, as {@link ProcessPool.Builder} has collected them; the builder documents and checks the
 * values.
 *
 * @param allowedTypes names of classes, and names of packages that end in a dot
 * @param daemon whether the program may end while calls run or wait
 * @param shutdownHook whether the pool takes part in the end of the JVM
 * @param source the source of its workers
 */
record PoolOptions(
        String name,
        int workers,
        int minWorkers,
        Optional<Duration> idleTime,
        Set<String> allowedTypes,
        boolean daemon,
        boolean shutdownHook,
        JvmOptions jvm,
        Limits limits,
        Aot aot,
        WorkerSource source) {

    /** The limits of a pool: durations, numbers of calls, sizes. */
    record Limits(
            Optional<Duration> callTimeout,
            Duration startTimeout,
            Duration startRetryTime,
            Duration cancelGrace,
            Duration closeGrace,
            int maxTasksPerWorker,
            OptionalInt queueLimit,
            long maxPayloadBytes,
            int callsPerWorker,
            Recycling recycling) {

        Limits {
            callTimeout = callTimeout.map(TimeLimit::cut);
            startTimeout = TimeLimit.cut(startTimeout);
            startRetryTime = TimeLimit.cut(startRetryTime);
            cancelGrace = TimeLimit.cut(cancelGrace);
            closeGrace = TimeLimit.cut(closeGrace);
        }

        private Limits forTraining() {
            return new Limits(
                    Optional.empty(),
                    startTimeout,
                    startRetryTime,
                    cancelGrace,
                    Duration.ofMinutes(1), // the recording is written at the end
                    Integer.MAX_VALUE,
                    OptionalInt.empty(),
                    maxPayloadBytes,
                    1,
                    Recycling.NONE);
        }
    }

    /**
     * The limits above which a worker is replaced, or killed, apart from the number of its calls.
     *
     * @param maxAge since it was ready
     * @param maxResident in bytes, after a call
     * @param memoryLimit in bytes, at any time
     */
    record Recycling(Optional<Duration> maxAge, OptionalLong maxResident, OptionalLong memoryLimit) {

        static final Recycling NONE = new Recycling(Optional.empty(), OptionalLong.empty(), OptionalLong.empty());

        Recycling {
            maxAge = maxAge.map(TimeLimit::cut);
        }

        /** Throws if the memory of workers is to be known and cannot be. */
        void check() {
            if (looksAtMemory()) {
                ProcessMemory.unknownBecause().ifPresent(why -> {
                    throw new IllegalStateException("maxResident and memoryLimit need to know how much memory a worker"
                            + " has, and that is not known: " + why
                            + ". Leave them out, and bound the heap of workers by heap(bytes).");
                });
            }
        }

        /** Returns whether the memory of workers is to be known. */
        boolean looksAtMemory() {
            return maxResident.isPresent() || memoryLimit.isPresent();
        }

        /** Returns above how many bytes something is done about a worker after a call. */
        long attention() {
            return Math.min(maxResident.orElse(Long.MAX_VALUE), memoryLimit.orElse(Long.MAX_VALUE));
        }

        /**
         * Returns at how many bytes a worker is given no further call, whether another is ready or not: half-way from
         * where it is to be replaced to where it is killed, and a call lost.
         */
        long fullAt() {
            long killed = memoryLimit.orElse(Long.MAX_VALUE);
            return memoryLimit.isPresent() ? attention() + (killed - attention()) / 2 : killed;
        }
    }

    /**
     * The AOT cache that workers start from.
     *
     * @param directory the directory of the caches; empty if none is wanted
     * @param delay the time between the start of the first worker and the making of the cache
     */
    record Aot(Optional<Path> directory, Duration delay) {

        Aot {
            delay = TimeLimit.cut(delay);
        }
    }

    PoolOptions {
        idleTime = idleTime.map(TimeLimit::cut);
        allowedTypes = Set.copyOf(allowedTypes);
    }

    /** Returns the number of calls that may run at the same time. */
    int parallelism() {
        return Math.clamp((long) workers * limits.callsPerWorker(), 1, Integer.MAX_VALUE);
    }

    /** Returns the options of a pool whose only worker records what it loads. */
    PoolOptions forTraining(Path recording) {
        var arguments = new ArrayList<String>();
        arguments.add("-XX:AOTMode=record");
        // Code that is not compiled leaves no profiles. From profiles a worker would compile what a training run used,
        // all at once, before its first result; see docs/adr/0451.
        arguments.add("-Xint");
        arguments.add("-XX:AOTConfiguration=" + recording);
        arguments.addAll(AotCache.quiet);
        return new PoolOptions(
                name + "-training",
                workers,
                0,
                Optional.empty(),
                allowedTypes,
                true,
                true,
                jvm.forTraining(arguments),
                limits.forTraining(),
                new Aot(Optional.empty(), aot.delay),
                WorkerSource.STARTED);
    }
}
