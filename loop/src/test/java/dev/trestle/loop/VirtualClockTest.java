package dev.trestle.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class VirtualClockTest {

    @Test
    void aClockThatIsAdvancedForeverGoesForwardAndHasTimersBeyond() {
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
}
