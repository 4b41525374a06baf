package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Monitors of one call, some of which throw: each is told of the end of the call. */
@Timeout(30)
class CallMonitorsTest {

    private final CallMonitors monitors = new CallMonitors();
    private final ArrayList<String> told = new ArrayList<>();

    private void note(Future.State outcome, Duration waited, Duration ran) {
        told.add(outcome + " " + waited + " " + ran);
    }

    @Test
    void eachMonitorIsToldUntilItIsRemoved() {
        CallMonitor first = this::note;
        CallMonitor second = this::note;
        assertThat(monitors.isEmpty()).isTrue();
        monitors.add(first);
        monitors.add(second);

        monitors.onEnded(Future.State.SUCCESS, 1_000_000, 2_000_000);
        monitors.remove(first);
        monitors.onEnded(Future.State.CANCELLED, 3_000_000, 0);
        monitors.remove(second);
        monitors.remove(second);
        monitors.onEnded(Future.State.FAILED, 0, 0);

        assertThat(told)
                .containsExactly("SUCCESS PT0.001S PT0.002S", "SUCCESS PT0.001S PT0.002S", "CANCELLED PT0.003S PT0S");
        assertThat(monitors.isEmpty()).isTrue();
    }

    @Test
    void aMonitorThatFailsHarmsNothing() {
        monitors.add((_, _, _) -> {
            throw new IllegalStateException("on purpose");
        });
        monitors.add(this::note);

        monitors.onEnded(Future.State.FAILED, 0, 0);

        assertThat(told).containsExactly("FAILED PT0S PT0S");
    }
}
