package dev.trestle.micrometer;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.ProcessPool;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;

/**
 * The metrics of a process pool: calls that wait, run and have ended, the times that they waited and ran, and the lives
 * of the workers, with the memory of each on Linux.
 *
 * <p>The timers and {@code trestle.calls.failed} begin with the calls that are submitted after {@link #bindTo}; the
 * other counters have been counted by the pool from its beginning. Registries hold the pool weakly.
 */
public final class ProcessPoolMetrics implements MeterBinder {

    private final ProcessPool pool;
    private final Tags tags;

    /**
     * Creates the metrics of a pool, which are there once they are bound.
     *
     * @param pool the pool
     */
    public ProcessPoolMetrics(ProcessPool pool) {
        this(pool, List.of());
    }

    /**
     * Creates the metrics of a pool with further tags.
     *
     * @param pool the pool
     * @param tags tags in addition to {@code name}, which is the name of the pool unless it is among these
     */
    public ProcessPoolMetrics(ProcessPool pool, Iterable<Tag> tags) {
        this.pool = requireNonNull(pool, "pool");
        this.tags = Tags.of("name", pool.name()).and(tags);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        var meters = new Meters<>(registry, tags, pool);
        bindExecutor(meters);
        bindCalls(meters);
        bindWorkers(meters);
        if (ResidentMemory.isKnown()) {
            bindMemory(registry);
        }
        pool.addMonitor(new CallTimers(registry, tags));
    }

    private static void bindExecutor(Meters<ProcessPool> meters) {
        meters.gauge(
                "executor.active",
                "threads",
                "The workers that run a call",
                of -> of.statistics().busy());
        meters.gauge(
                "executor.queued",
                "tasks",
                "The calls that wait for a worker",
                of -> of.statistics().queued());
        meters.gauge(
                "executor.pool.size",
                "threads",
                "The workers there are",
                of -> of.statistics().alive());
        meters.gauge(
                "executor.pool.max",
                "threads",
                "The largest number of workers",
                of -> of.statistics().size());
        meters.counter(
                "executor.completed",
                "tasks",
                "The calls that a worker has answered",
                of -> of.statistics().completed());
    }

    private static void bindCalls(Meters<ProcessPool> meters) {
        meters.counter(
                "trestle.calls.submitted",
                "calls",
                "The calls that were accepted",
                of -> of.statistics().submitted());
        meters.counter(
                "trestle.calls.timed.out",
                "calls",
                "The calls whose time limit passed",
                of -> of.statistics().timedOut());
        meters.counter(
                "trestle.calls.lost",
                "calls",
                "The calls that ended because their worker died, or because no worker could start",
                of -> of.statistics().lost());
        meters.counter(
                "trestle.calls.rerun",
                "calls",
                "The times that a call went to another worker because its worker died",
                of -> of.statistics().rerun());
    }

    private static void bindWorkers(Meters<ProcessPool> meters) {
        meters.gauge(
                "trestle.workers.starting",
                "workers",
                "The workers that are starting",
                of -> of.statistics().starting());
        meters.gauge(
                "trestle.workers.spare",
                "workers",
                "The workers that wait to replace one",
                of -> of.statistics().spares());
        meters.counter(
                "trestle.workers.started",
                "workers",
                "The workers that ever got ready",
                of -> of.statistics().workersStarted());
        meters.counter(
                "trestle.workers.recycled",
                "workers",
                "The workers that were told to end: idle, too old, too large, or with as many calls as they may run",
                of -> of.statistics().workersRetired());
        meters.counter(
                "trestle.workers.died",
                "workers",
                "The workers that died by themselves",
                of -> of.statistics().workersDied());
        meters.counter(
                "trestle.workers.starts.failed",
                "workers",
                "The workers that died before they were ready",
                of -> of.statistics().startsFailed());
        meters.counter(
                "trestle.workers.lines.lost",
                "lines",
                "The lines of workers' output that were not logged",
                of -> of.statistics().linesLost());
        meters.gauge(
                "trestle.pool.broken",
                "pools",
                "1 if the pool is broken, since its workers cannot start",
                of -> of.isBroken() ? 1 : 0);
    }

    /** Binds one gauge for each place, and not for each process id, of which there is no end. */
    private void bindMemory(MeterRegistry registry) {
        for (int place = 0; place < pool.parallelism(); place++) {
            int index = place;
            Gauge.builder("trestle.worker.memory", pool, of -> ResidentMemory.bytes(of.workerPids(), index))
                    .description("The resident memory of a worker; the tag is its place among the living workers")
                    .baseUnit("bytes")
                    .tags(tags)
                    .tag("worker", String.valueOf(place + 1))
                    .register(registry);
        }
    }
}
