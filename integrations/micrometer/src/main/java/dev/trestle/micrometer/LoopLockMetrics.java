package dev.trestle.micrometer;

import static java.util.Objects.requireNonNull;

import dev.trestle.loop.LoopLock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

/**
 * The metrics of a lock of an event loop: whether it is held, and how many coroutines wait for it.
 */
public final class LoopLockMetrics implements MeterBinder {

    private final String name;
    private final LoopLock lock;

    /**
     * Creates the metrics of a lock, which are there once they are bound.
     *
     * @param name the tag {@code name} of the metrics
     * @param lock the lock; registries hold it weakly
     */
    public LoopLockMetrics(String name, LoopLock lock) {
        this.name = requireNonNull(name, "name");
        this.lock = requireNonNull(lock, "lock");
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        var meters = new Meters<>(registry, Tags.of("name", name), lock);
        meters.gauge(
                "trestle.loop.lock.held",
                "locks",
                "1 while the lock is held",
                of -> of.statistics().locked() ? 1 : 0);
        meters.gauge(
                "trestle.loop.lock.waiting",
                "coroutines",
                "The coroutines that wait for the lock",
                of -> of.statistics().waiting());
    }
}
