package dev.trestle.micrometer;

import static java.util.Objects.requireNonNull;

import dev.trestle.loop.LoopQueue;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

/**
 * The metrics of a queue of an event loop: its items and its capacity, and how many coroutines wait to get and to put.
 */
public final class LoopQueueMetrics implements MeterBinder {

    private final String name;
    private final LoopQueue<?> queue;

    /**
     * Creates the metrics of a queue, which are there once they are bound.
     *
     * @param name the tag {@code name} of the metrics
     * @param queue the queue; registries hold it weakly
     */
    public LoopQueueMetrics(String name, LoopQueue<?> queue) {
        this.name = requireNonNull(name, "name");
        this.queue = requireNonNull(queue, "queue");
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        var meters = new Meters<>(registry, Tags.of("name", name), queue);
        meters.gauge(
                "trestle.loop.queue.size",
                "items",
                "The items in the queue",
                of -> of.statistics().size());
        meters.gauge(
                "trestle.loop.queue.capacity",
                "items",
                "The most items; infinite for a queue without a limit",
                of -> of.maxsize() == 0 ? Double.POSITIVE_INFINITY : of.maxsize());
        meters.gauge(
                "trestle.loop.queue.getters",
                "coroutines",
                "The coroutines that wait for an item",
                of -> of.statistics().getters());
        meters.gauge(
                "trestle.loop.queue.putters",
                "coroutines",
                "The coroutines that wait for room",
                of -> of.statistics().putters());
        meters.gauge(
                "trestle.loop.queue.unfinished",
                "items",
                "The items that were put and not declared done",
                of -> of.statistics().unfinished());
    }
}
