package dev.trestle.micrometer;

import static java.util.Objects.requireNonNull;

import dev.trestle.loop.EventLoop;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;

/**
 * The metrics of an event loop: its tasks, the length of its ready queue, its timers, its steps, the longest step, and
 * its lag, which is the time that a callback from another thread waits until the loop runs it.
 *
 * <p>The lag is measured by a callback that each reading of {@code trestle.loop.lag} sends to the loop, and the next
 * reading returns; while that callback waits, by the time that it has waited so far. Nothing else of the loop is
 * disturbed; see {@link EventLoop#statistics} for how the numbers are made. Registries hold the loop weakly.
 */
public final class EventLoopMetrics implements MeterBinder {

    private final EventLoop loop;
    private final Tags tags;

    /**
     * Creates the metrics of a loop, which are there once they are bound.
     *
     * @param loop the loop
     */
    public EventLoopMetrics(EventLoop loop) {
        this(loop, List.of());
    }

    /**
     * Creates the metrics of a loop with further tags. A program that makes a loop for each piece of work gives them
     * one name, and binds one of them at a time: {@link EventLoop#name} has a number, and each number would be one more
     * time series.
     *
     * @param loop the loop
     * @param tags tags in addition to {@code name}, which is the name of the loop unless it is among these
     */
    public EventLoopMetrics(EventLoop loop, Iterable<Tag> tags) {
        this.loop = requireNonNull(loop, "loop");
        this.tags = Tags.of("name", loop.name()).and(tags);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        var meters = new Meters<>(registry, tags, loop);
        var lag = new LagProbe();
        meters.gauge("trestle.loop.running", "loops", "1 while the loop runs", of -> of.isRunning() ? 1 : 0);
        meters.gauge(
                "trestle.loop.tasks",
                "tasks",
                "The tasks that are not done",
                of -> of.statistics().tasks());
        meters.gauge(
                "trestle.loop.ready",
                "steps",
                "The steps that wait for the steps before them",
                of -> of.statistics().ready());
        meters.gauge(
                "trestle.loop.timers",
                "timers",
                "The timers that are not due",
                of -> of.statistics().timers());
        meters.counter(
                "trestle.loop.steps",
                "steps",
                "The steps that were begun",
                of -> of.statistics().steps());
        meters.time(
                "trestle.loop.step.present",
                "How long the step has run that runs now",
                of -> of.statistics().presentStep());
        meters.time(
                "trestle.loop.step.longest",
                "The longest step that was seen",
                of -> of.statistics().longestStep());
        meters.time("trestle.loop.lag", "The time that a callback from another thread waits", lag::read);
    }
}
