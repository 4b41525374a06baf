package dev.trestle.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The arithmetic of a loop's time. */
@Timeout(30)
class LoopTimeTest {

    private final FakeClock clock = new FakeClock();
    private final LoopTime time = new LoopTime(clock, () -> "a loop");

    @Test
    void timeBeginsWithTheLoop() {
        clock.now += 7;

        assertThat(time.nanos()).isEqualTo(7);
        assertThat(time.jumpTo(20)).isTrue();
        assertThat(time.nanosAfter(Duration.ofNanos(5))).isEqualTo(25);
    }

    @Test
    void theLongestDelayEndsInTheFuture() {
        assertThat(time.nanosAfter(Duration.ofSeconds(Long.MAX_VALUE))).isPositive();
    }

    @Test
    void aClockThatFailsStandsStillUntilItWorks() {
        clock.now += 7;
        assertThat(time.nanosOrLast()).isEqualTo(7);

        clock.broken = true;
        assertThat(time.nanosOrLast()).isEqualTo(7);
        assertThat(time.jumpTo(20)).isFalse();

        clock.broken = false;
        clock.now += 1;
        assertThat(time.nanosOrLast()).isEqualTo(8);
    }

    @Test
    void aForeignClockIsLookedAtEarlyAndWithin50Milliseconds() {
        assertThat(time.sleepNanos(160_000_000)).isEqualTo(10_000_000);
        assertThat(time.sleepNanos(1)).isEqualTo(1_000_000);
        assertThat(time.sleepNanos(Duration.ofDays(1).toNanos())).isEqualTo(50_000_000);
        assertThat(new LoopTime(LoopClock.system(), () -> "a loop").sleepNanos(1))
                .isEqualTo(1);
    }

    private static final class FakeClock implements LoopClock {
        private long now = 1_000;
        private boolean broken;

        @Override
        public long nanos() {
            if (broken) {
                throw new IllegalStateException("broken");
            }
            return now;
        }

        @Override
        public boolean jumpTo(long nanos) {
            if (broken) {
                throw new IllegalStateException("broken");
            }
            now = nanos;
            return true;
        }
    }
}
