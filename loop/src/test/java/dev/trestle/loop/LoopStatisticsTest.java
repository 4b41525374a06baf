package dev.trestle.loop;

import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The numbers that a loop shows to other threads. */
@Timeout(30)
class LoopStatisticsTest {

    @AutoClose
    private final EventLoop loop = new EventLoop();

    @Test
    void aNewLoopHasNothing() {
        assertThat(loop.statistics()).isEqualTo(new EventLoop.Statistics(0, 0, 0, 0, Duration.ZERO, Duration.ZERO));
    }

    @Test
    void tasksReadyStepsAndTimersAreCounted() {
        loop.runUntilComplete(() -> {
            var sleeper = loop.createTask(() -> sleep(ofHours(1)));
            yieldNow();
            loop.callSoon(() -> {});
            loop.callSoon(() -> {});

            var statistics = loop.statistics();

            assertThat(statistics.tasks()).isEqualTo(2);
            assertThat(statistics.ready()).isEqualTo(2);
            assertThat(statistics.timers()).isEqualTo(1);
            sleeper.cancel();
        });
    }

    @Test
    void stepsAreCounted() {
        long before = loop.statistics().steps();
        loop.runUntilComplete(() -> {
            for (int i = 0; i < 10; i++) {
                yieldNow();
            }
        });
        assertThat(loop.statistics().steps() - before).isGreaterThanOrEqualTo(11);
    }

    @Test
    void aStepThatRunsForLongIsSeenWhileItRunsAndAfterwards() {
        loop.setSlowCallbackDuration(ofMillis(4));
        loop.runUntilComplete(() -> {
            while (loop.statistics().presentStep().isZero()) {
                Thread.onSpinWait();
            }
        });

        assertThat(loop.statistics().longestStep()).isPositive();
    }
}
