package dev.trestle.loop;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class VirtualClockTest {

    @Test
    void clockAdvancedForeverGoesForward() {
        var clock = new VirtualClock();
        Duration before = clock.elapsed();
        for (int i = 0; i < 4; i++) {
            clock.advance(ChronoUnit.FOREVER.getDuration());
            assertThat(clock.elapsed()).isPositive().isGreaterThanOrEqualTo(before);
            before = clock.elapsed();
        }

        assertThat(clock.jumpTo(clock.nanos() + 1000)).isTrue();
        assertThat(clock.elapsed()).isEqualTo(before.plusNanos(1000));
    }

    @Test
    void timeStandsStillUntilWorkElsewhereHasEnded() {
        var began = new CountDownLatch(1);
        try (var loop = new EventLoop(new VirtualClock())) {
            String result = loop.runUntilComplete(() -> {
                LoopPromise<String> work = LoopPromise.ofWork(EventLoop.getRunningLoop(), () -> {});
                Async.createTask(() -> began.countDown());
                Thread.ofVirtual().start(() -> {
                    try {
                        began.await();
                        assertThat(new CountDownLatch(1).await(20, MILLISECONDS))
                                .isFalse();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    assertThat(work.trySetResult("done")).isTrue();
                });
                return Async.waitFor(work.future(), Duration.ofSeconds(1));
            });

            assertThat(result).isEqualTo("done");
            assertThat(loop.time()).isZero();
        }
    }

    @Test
    void timeGoesOnForAnOutcomeThatMayDependOnIt() {
        try (var loop = new EventLoop(new VirtualClock())) {
            String result = loop.runUntilComplete(() -> {
                var promise = new LoopPromise<String>(EventLoop.getRunningLoop(), () -> {});
                EventLoop.getRunningLoop().callLater(Duration.ofHours(1), () -> promise.trySetResult("on time"));
                return Async.await(promise.future());
            });

            assertThat(result).isEqualTo("on time");
            assertThat(loop.time()).isEqualTo(Duration.ofHours(1));
        }
    }
}
