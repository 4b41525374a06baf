package dev.trestle.micrometer;

import dev.trestle.api.CallMonitor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.Future;

/** The timers of calls, as Micrometer's own for executors, and the count of failures. Thread-safe. */
final class CallTimers implements CallMonitor {

    private final Timer run;
    private final Timer wait;
    private final Counter failed;
    private final Counter cancelled;

    CallTimers(MeterRegistry registry, Tags tags) {
        run = Timer.builder("executor")
                .description("The time that calls ran")
                .tags(tags)
                .register(registry);
        wait = Timer.builder("executor.idle")
                .description("The time that calls waited before they began")
                .tags(tags)
                .register(registry);
        failed = Counter.builder("trestle.calls.failed")
                .description("The calls that ended with an exception, time limits and lost workers included")
                .baseUnit("calls")
                .tags(tags)
                .register(registry);
        cancelled = Counter.builder("trestle.calls.cancelled")
                .description("The calls that were cancelled")
                .baseUnit("calls")
                .tags(tags)
                .register(registry);
    }

    @Override
    public void onEnded(Future.State outcome, Duration waited, Duration ran) {
        if (!ran.isZero()) { // else it never began
            wait.record(waited);
            run.record(ran);
        }
        switch (outcome) {
            case FAILED -> failed.increment();
            case CANCELLED -> cancelled.increment();
            default -> {} // the timer counts it
        }
    }
}
