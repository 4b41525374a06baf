package dev.trestle.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * A shorthand for the meters of one object, which all have the same tags.
 *
 * @param registry the registry that gets the meters
 * @param tags the tags of all meters
 * @param source the object, which the registry holds weakly
 * @param <T> the type of the object
 */
record Meters<T>(MeterRegistry registry, Tags tags, T source) {

    void gauge(String name, String unit, String description, ToDoubleFunction<T> value) {
        Gauge.builder(name, source, value)
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }

    void counter(String name, String unit, String description, ToDoubleFunction<T> value) {
        FunctionCounter.builder(name, source, value)
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }

    void time(String name, String description, Function<T, Duration> value) {
        TimeGauge.builder(
                        name,
                        source,
                        TimeUnit.NANOSECONDS,
                        each -> value.apply(each).toNanos())
                .description(description)
                .tags(tags)
                .register(registry);
    }
}
