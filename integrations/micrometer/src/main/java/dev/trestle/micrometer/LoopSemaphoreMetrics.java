package dev.trestle.micrometer;

import static java.util.Objects.requireNonNull;

import dev.trestle.loop.LoopSemaphore;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

/**
 * The metrics of a semaphore of an event loop: its free permits, and how many coroutines wait for one.
 */
public final class LoopSemaphoreMetrics implements MeterBinder {

    private final String name;
    private final LoopSemaphore semaphore;

    /**
     * Creates the metrics of a semaphore, which are there once they are bound.
     *
     * @param name the tag {@code name} of the metrics
     * @param semaphore the semaphore; registries hold it weakly
     */
    public LoopSemaphoreMetrics(String name, LoopSemaphore semaphore) {
        this.name = requireNonNull(name, "name");
        this.semaphore = requireNonNull(semaphore, "semaphore");
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        var meters = new Meters<>(registry, Tags.of("name", name), semaphore);
        meters.gauge(
                "trestle.loop.semaphore.available",
                "permits",
                "The free permits",
                of -> of.statistics().available());
        meters.gauge(
                "trestle.loop.semaphore.waiting",
                "coroutines",
                "The coroutines that wait for a permit",
                of -> of.statistics().waiting());
    }
}
