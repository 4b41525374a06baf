package dev.trestle.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.EventLoop;
import dev.trestle.threadpool.ThreadPool;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of the Javadoc. */
@Timeout(30)
class JavadocExamplesTest {

    @Test
    void metricsAreBound() {
        try (var pool = new ThreadPool(1);
                var loop = new EventLoop()) {
            // @start region="bind"
            MeterRegistry registry = new SimpleMeterRegistry();
            new ThreadPoolMetrics(pool).bindTo(registry);
            new EventLoopMetrics(loop).bindTo(registry);
            // @end

            assertThat(registry.get("executor.active").gauge().value()).isZero();
        }
    }
}
