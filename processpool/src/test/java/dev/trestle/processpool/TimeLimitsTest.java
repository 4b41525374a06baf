package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Time limits that no clock can count to. */
@Timeout(60)
class TimeLimitsTest {

    private static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();

    @Test
    void everyTimeLimitMayBeForever() throws Exception {
        var pool = ProcessPool.builder()
                .workers(1)
                .startTimeout(FOREVER)
                .startRetryTime(FOREVER)
                .callTimeout(FOREVER)
                .cancelGrace(FOREVER)
                .closeGrace(FOREVER)
                .idleTime(FOREVER)
                .build();
        try (pool) {
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            assertThat(pool.submit(() -> 2, CallOptions.DEFAULT.withTimeout(FOREVER))
                            .result(FOREVER))
                    .isEqualTo(2);
            pool.shutdown();
            assertThat(pool.awaitTermination(Long.MAX_VALUE, TimeUnit.DAYS)).isTrue();
        }
    }
}
