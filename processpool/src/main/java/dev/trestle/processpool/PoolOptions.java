package dev.trestle.processpool;

import dev.trestle.api.RunnableCall;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Everything that {@link ProcessPool.Builder} collects; it documents and checks the values.
 *
 * @param heapBytes 0 for a fair share of the machine
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
        Optional<RunnableCall> initializer,
        Optional<Duration> callTimeout,
        Duration startTimeout,
        Duration cancelGrace,
        Duration closeGrace,
        int maxTasksPerWorker,
        long maxPayloadBytes,
        Set<String> allowedTypes) {

    PoolOptions {
        jvmArguments = List.copyOf(jvmArguments);
        environment = Map.copyOf(environment);
        systemProperties = Map.copyOf(systemProperties);
        allowedTypes = Set.copyOf(allowedTypes);
    }
}
