package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.Sandbox;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.logging.LogLevel;
import org.springframework.util.unit.DataSize;

/**
 * The properties of the process pool. A property that is not set leaves the default of {@link ProcessPool.Builder}.
 *
 * @param enabled Whether there is a process pool as a bean.
 * @param name Name of the pool, in logs, metrics and the names of its threads.
 * @param workers Largest number of workers. The number of processors by default.
 * @param minWorkers Number of workers that are started with the pool and kept. None by default.
 * @param idleTime Time without a call after which a worker ends. Without limit by default.
 * @param heap Largest heap of each worker. By default all workers together may take a quarter of the memory.
 * @param launcher Command in front of that of each worker, such as nice,-n,10. None by default.
 * @param sandbox Sandbox of the workers. If it cannot be made, the application does not start.
 * @param sandboxReadable Files and directories that workers in a sandbox can read, in addition to their classes.
 * @param sandboxWritable Files and directories that workers in a sandbox can read and change.
 * @param sandboxNetwork Whether workers in a sandbox have the network of this program.
 * @param sandboxEnvironment Names of environment variables of this program that workers in a sandbox have.
 * @param sandboxTemporarySpace Size of the temporary directory of a worker in a sandbox. 256MB by default.
 * @param jvmArguments Arguments for the JVMs of the workers, such as -Xss4m.
 * @param environment Environment variables of the workers, in addition to those of this program.
 * @param clearEnvironment Whether the workers get no environment variables of this program.
 * @param systemProperties System properties of the workers.
 * @param forwardLogs Lowest level of what calls log by SLF4J that this program logs, by its own logging system. By
 *     default the logging systems of the workers write it.
 * @param workingDirectory Working directory of the workers. That of this program by default.
 * @param callTimeout Time limit of calls that have none of their own. Without limit by default.
 * @param startTimeout Time that a worker may take to get ready.
 * @param startRetryTime Time for which the pool tries to start workers while none is ready, before it is broken.
 * @param cancelGrace Time that a call may go on after it was interrupted, before its worker is killed.
 * @param closeGrace Time that a worker may take to end, before it is killed.
 * @param callsPerWorker Number of calls that a worker may run at a time. One by default.
 * @param maxTasksPerWorker Number of calls after which a worker is replaced. Without limit by default.
 * @param maxAge Age at which a worker is replaced. Without limit by default.
 * @param maxResident Memory above which a worker is replaced after its call. Without limit by default.
 * @param memoryLimit Memory above which a worker is killed, with its call. Without limit by default.
 * @param processLimit Number of processes and threads that the user of the workers may have.
 * @param fileSizeLimit Largest size of a file that a worker writes.
 * @param cpuTimeLimit Processor time that a worker may use in its life.
 * @param queueLimit Number of calls that may wait; a caller that submits one more waits too. Without limit by default.
 * @param maxPayload Largest size of a call and of a result.
 * @param allowedPackages Packages whose types results may contain, in addition to those in the signatures of calls.
 * @param aotCache Whether workers start from an AOT cache, which is made in the background.
 * @param aotCacheDirectory Directory of the AOT caches.
 */
@ConfigurationProperties("trestle.process-pool")
public record ProcessPoolProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("process-pool") String name,
        @Nullable Integer workers,
        @Nullable Integer minWorkers,
        @Nullable Duration idleTime,
        @Nullable DataSize heap,
        @DefaultValue List<String> launcher,
        @DefaultValue("none") SandboxPreset sandbox,
        @DefaultValue List<Path> sandboxReadable,
        @DefaultValue List<Path> sandboxWritable,
        @DefaultValue("false") boolean sandboxNetwork,
        @DefaultValue List<String> sandboxEnvironment,
        @Nullable DataSize sandboxTemporarySpace,
        @DefaultValue List<String> jvmArguments,
        @DefaultValue Map<String, String> environment,
        @DefaultValue("false") boolean clearEnvironment,
        @DefaultValue Map<String, String> systemProperties,
        @Nullable LogLevel forwardLogs,
        @Nullable Path workingDirectory,
        @Nullable Duration callTimeout,
        @Nullable Duration startTimeout,
        @Nullable Duration startRetryTime,
        @Nullable Duration cancelGrace,
        @Nullable Duration closeGrace,
        @Nullable Integer callsPerWorker,
        @Nullable Integer maxTasksPerWorker,
        @Nullable Duration maxAge,
        @Nullable DataSize maxResident,
        @Nullable DataSize memoryLimit,
        @Nullable Integer processLimit,
        @Nullable DataSize fileSizeLimit,
        @Nullable Duration cpuTimeLimit,
        @Nullable Integer queueLimit,
        @Nullable DataSize maxPayload,
        @DefaultValue List<String> allowedPackages,
        @Nullable Boolean aotCache,
        @Nullable Path aotCacheDirectory) {

    /** A sandbox to begin with, which other properties open where calls need more. */
    public enum SandboxPreset {
        /** No sandbox. */
        NONE,
        /** The sandbox that shows and allows the least: {@link Sandbox#strict}. */
        STRICT
    }

    /** Returns a builder with these options, of a pool that leaves its end to Spring. */
    ProcessPool.Builder builder() {
        var builder = ProcessPool.builder().withoutShutdownHook().name(name);
        set(workers, builder::workers);
        set(minWorkers, builder::minWorkers);
        set(idleTime, builder::idleTime);
        set(heap, size -> builder.heap(size.toBytes()));
        builder.launcher(launcher);
        sandboxOfWorkers().ifPresent(builder::sandbox);
        builder.jvmArguments(jvmArguments.toArray(String[]::new));
        environment.forEach(builder::environment);
        if (clearEnvironment) {
            builder.clearEnvironment();
        }
        systemProperties.forEach(builder::systemProperty);
        set(forwardLogs, level -> builder.forwardLogs(levelOf(level)));
        set(workingDirectory, builder::workingDirectory);
        set(callTimeout, builder::callTimeout);
        set(startTimeout, builder::startTimeout);
        set(startRetryTime, builder::startRetryTime);
        set(cancelGrace, builder::cancelGrace);
        set(closeGrace, builder::closeGrace);
        set(callsPerWorker, builder::callsPerWorker);
        set(maxTasksPerWorker, builder::maxTasksPerWorker);
        set(maxAge, builder::maxAge);
        set(maxResident, size -> builder.maxResident(size.toBytes()));
        set(memoryLimit, size -> builder.memoryLimit(size.toBytes()));
        set(processLimit, builder::processLimit);
        set(fileSizeLimit, size -> builder.fileSizeLimit(size.toBytes()));
        set(cpuTimeLimit, builder::cpuTimeLimit);
        set(queueLimit, builder::queueLimit);
        set(maxPayload, size -> builder.maxPayload(size.toBytes()));
        allowedPackages.forEach(builder::allowPackage);
        set(aotCache, builder::aotCache);
        set(aotCacheDirectory, builder::aotCacheDirectory);
        return builder;
    }

    private static Level levelOf(LogLevel level) {
        return switch (level) {
            case TRACE -> Level.TRACE;
            case DEBUG -> Level.DEBUG;
            case INFO -> Level.INFO;
            case WARN -> Level.WARNING;
            case ERROR, FATAL -> Level.ERROR;
            case OFF -> Level.OFF;
        };
    }

    private Optional<Sandbox> sandboxOfWorkers() {
        if (sandbox == SandboxPreset.NONE) {
            if (sandboxNetwork
                    || sandboxTemporarySpace != null
                    || !(sandboxReadable.isEmpty() && sandboxWritable.isEmpty() && sandboxEnvironment.isEmpty())) {
                throw new IllegalStateException("There are properties trestle.process-pool.sandbox-..., but no sandbox"
                        + " that they could open: the workers would run without one. Set"
                        + " trestle.process-pool.sandbox=strict, or remove these properties.");
            }
            return Optional.empty();
        }
        Sandbox made = Sandbox.strict();
        for (Path each : sandboxReadable) {
            made = made.withReadable(each);
        }
        for (Path each : sandboxWritable) {
            made = made.withWritable(each);
        }
        for (String each : sandboxEnvironment) {
            made = made.withEnvironment(each);
        }
        if (sandboxNetwork) {
            made = made.withNetwork();
        }
        return Optional.of(
                sandboxTemporarySpace == null ? made : made.withTemporarySpace(sandboxTemporarySpace.toBytes()));
    }

    private static <T> void set(@Nullable T value, Consumer<T> option) {
        if (value != null) {
            option.accept(value);
        }
    }
}
