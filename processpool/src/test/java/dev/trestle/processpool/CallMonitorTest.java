package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The end of each call, as a process pool tells it to its monitors. */
@Timeout(60)
class CallMonitorTest {

    private record End(Future.State outcome, Duration waited, Duration ran) {}

    private final ConcurrentLinkedQueue<End> ends = new ConcurrentLinkedQueue<>();

    private static long spin(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
        return nanos;
    }

    @Test
    void eachCallIsToldOnceWithItsTimes() {
        try (var pool = ProcessPool.builder()
                .workers(1)
                .aotCache(false)
                .name("monitored")
                .build()) {
            assertThat(pool.name()).isEqualTo("monitored");
            assertThat(pool.isBroken()).isFalse();
            pool.addMonitor((outcome, waited, ran) -> ends.add(new End(outcome, waited, ran)));

            var success = pool.submit(() -> spin(20_000_000));
            var death = pool.submit(() -> Runtime.getRuntime().halt(3));
            var never = pool.submit(() -> spin(30_000_000));
            never.cancel(true);
            success.result();
            assertThat(death.exception()).isPresent();

            await().untilAsserted(() -> assertThat(ends)
                    .extracting(End::outcome)
                    .containsExactlyInAnyOrder(Future.State.SUCCESS, Future.State.FAILED, Future.State.CANCELLED));
            for (End end : ends) {
                if (end.outcome() == Future.State.SUCCESS) {
                    assertThat(end.ran()).isGreaterThanOrEqualTo(Duration.ofMillis(20));
                    assertThat(end.waited()).isPositive(); // for the start of the worker
                }
            }
        }
    }
}
