package dev.trestle.micrometer;

import static java.util.Objects.requireNonNull;

import dev.trestle.threadpool.ThreadPool;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;

/**
 * The metrics of a thread pool: calls that wait, run and have ended, the times that they waited and ran, and the
 * threads. Tasks of {@code execute} count as calls.
 *
 * <p>The timers, {@code trestle.calls.failed} and {@code trestle.calls.cancelled} begin with the calls that are
 * submitted after {@link #bindTo}; the other counters have been counted by the pool from its beginning. Registries hold
 * the pool weakly.
 */
public final class ThreadPoolMetrics implements MeterBinder {

    private final ThreadPool pool;
    private final Tags tags;

    /**
     * Creates the metrics of a pool, which are there once they are bound.
     *
     * @param pool the pool
     */
    public ThreadPoolMetrics(ThreadPool pool) {
        this(pool, List.of());
    }

    /**
     * Creates the metrics of a pool with further tags.
     *
     * @param pool the pool
     * @param tags tags in addition to {@code name}, which is the name of the pool unless it is among these
     */
    public ThreadPoolMetrics(ThreadPool pool, Iterable<Tag> tags) {
        this.pool = requireNonNull(pool, "pool");
        this.tags = Tags.of("name", pool.name()).and(tags);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        var meters = new Meters<>(registry, tags, pool);
        meters.gauge(
                "executor.active",
                "threads",
                "The threads that run a call",
                of -> of.statistics().running());
        meters.gauge(
                "executor.queued",
                "tasks",
                "The calls that wait for a thread",
                of -> of.statistics().queued());
        meters.gauge(
                "executor.pool.size",
                "threads",
                "The threads there are",
                of -> of.statistics().threads());
        meters.gauge(
                "executor.pool.max",
                "threads",
                "The largest number of threads",
                of -> of.statistics().size());
        meters.counter(
                "executor.completed",
                "tasks",
                "The calls that ended after they began",
                of -> of.statistics().completed());
        meters.counter(
                "trestle.calls.submitted",
                "calls",
                "The calls that were accepted",
                of -> of.statistics().submitted());
        pool.addMonitor(new CallTimers(registry, tags));
    }
}
