package dev.trestle.processpool;

import dev.trestle.api.TimeLimit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Everything that {@link ProcessPool.Builder} collects; it documents and checks the values.
 *
 * @param heapBytes 0 for a fair share of the machine
 * @param aotCache the directory of the AOT caches; empty if none is wanted
 * @param aotCacheDelay how long after the start of the first worker the cache is made
 * @param debug whether debuggers may attach to the workers, and no time limit holds
 * @param daemon whether the program may end while calls run or wait
 * @param shutdownHook whether the pool takes part in the end of the JVM
 */
record PoolOptions(
        String name,
        int workers,
        int minWorkers,
        Optional<Duration> idleTime,
        List<String> jvmArguments,
        long heapBytes,
        Map<String, String> environment,
        Map<String, String> systemProperties,
        Optional<Path> workingDirectory,
        Optional<String> classPath,
        Optional<String> modulePath,
        Optional<Duration> callTimeout,
        Duration startTimeout,
        Duration startRetryTime,
        Duration cancelGrace,
        Duration closeGrace,
        int maxTasksPerWorker,
        OptionalInt queueLimit,
        long maxPayloadBytes,
        Set<String> allowedTypes,
        Optional<Path> aotCache,
        Duration aotCacheDelay,
        boolean debug,
        boolean daemon,
        boolean shutdownHook) {

    PoolOptions {
        idleTime = idleTime.map(TimeLimit::cut);
        callTimeout = callTimeout.map(TimeLimit::cut);
        startTimeout = TimeLimit.cut(startTimeout);
        startRetryTime = TimeLimit.cut(startRetryTime);
        cancelGrace = TimeLimit.cut(cancelGrace);
        closeGrace = TimeLimit.cut(closeGrace);
        aotCacheDelay = TimeLimit.cut(aotCacheDelay);
        jvmArguments = List.copyOf(jvmArguments);
        environment = Map.copyOf(environment);
        systemProperties = Map.copyOf(systemProperties);
        allowedTypes = Set.copyOf(allowedTypes);
    }

    /** Returns the options of a pool whose only worker records what it loads. */
    PoolOptions forTraining(Path recording) {
        var arguments = new ArrayList<>(jvmArguments);
        arguments.add("-XX:AOTMode=record");
        arguments.add("-XX:AOTConfiguration=" + recording);
        arguments.addAll(AotCache.quiet);
        return new PoolOptions(
                name + "-training",
                workers,
                0,
                Optional.empty(),
                arguments,
                heapBytes,
                environment,
                systemProperties,
                workingDirectory,
                classPath,
                modulePath,
                Optional.empty(),
                startTimeout,
                startRetryTime,
                cancelGrace,
                Duration.ofMinutes(1), // the recording is written at the end
                Integer.MAX_VALUE,
                OptionalInt.empty(),
                maxPayloadBytes,
                allowedTypes,
                Optional.empty(),
                aotCacheDelay,
                false,
                true,
                true);
    }
}
