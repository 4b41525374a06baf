package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The display of a running census. */
@Timeout(30)
class ProgressTest {

    final StringWriter out = new StringWriter();
    final AtomicLong now = new AtomicLong(Duration.ofDays(1).toNanos());
    final Progress lines = new Progress.Lines(new PrintWriter(out), 4, now::get);

    @Test
    void linesTellRateAndTimeLeft() {
        lines.begin(10_000);
        pass(Duration.ofSeconds(2));

        lines.advance(4_000);

        assertThat(out.toString().strip())
                .isEqualTo("census:  40 %, 4,000 of 10,000 class files, 2,000/s, 500/s per worker, 3 s left");
    }

    @Test
    void thereIsOneLineForEachTenthAtMost() {
        lines.begin(1000);

        for (int done = 1; done <= 1000; done++) {
            pass(Duration.ofMillis(1));
            lines.advance(done);
        }
        lines.end();

        assertThat(out.toString().lines())
                .hasSize(10)
                .last()
                .asString()
                .contains("100 %", "1,000 of 1,000", "0 s left");
    }

    @Test
    void nothingToDoIsAllDone() {
        lines.begin(0);
        lines.advance(0);

        assertThat(out.toString()).contains("100 %, 0 of 0 class files");
    }

    @Test
    void paceBeforeTheFirstResultKnowsNothing() {
        var pace = new Pace(0, 100, Duration.ZERO, 2);

        assertThat(pace.perSecond()).isZero();
        assertThat(pace.remaining()).isEqualTo(Duration.ZERO);
        assertThat(pace.percent()).isZero();
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }
}
