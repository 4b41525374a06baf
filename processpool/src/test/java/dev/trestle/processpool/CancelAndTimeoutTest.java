package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Calls that are stopped: by their caller, or by the clock; by an interrupt, or with their worker. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class CancelAndTimeoutTest {

    private static final ProcessPool pool =
            TestPools.builder(1).cancelGrace(Duration.ofMillis(200)).build();

    @TempDir
    Path folder = Path.of("");

    @AfterAll
    static void close() {
        pool.close();
    }

    @Test
    void anInterruptedCallLeavesItsWorkerAlive() {
        String in = folder.toString();
        var future = pool.submit(() -> Gate.stay(in, "stays"));
        long worker = Gate.await(folder, "stays");

        assertThat(future.cancel(true)).isTrue();
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
    }

    @Test
    void aCallThatIgnoresTheInterruptDiesWithItsWorker() {
        String in = folder.toString();
        var future = pool.submit(() -> Gate.spin(in, "spinning"));
        long worker = Gate.await(folder, "spinning");

        assertThat(future.cancel(true)).isTrue();
        assertThat(future.isCancelled()).isTrue();
        assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(worker);
    }

    @Test
    void theNextCallIsNotInterrupted() {
        String in = folder.toString();
        for (int i = 0; i < 20; i++) {
            String name = "call" + i;
            var future = pool.submit(() -> Gate.stay(in, name));
            Gate.await(folder, name);
            var next = pool.submit(() -> Thread.currentThread().isInterrupted());
            future.cancel(true);

            assertThat(next.result()).isFalse();
        }
    }

    @Test
    void aCallThatIsLateFailsWithWhatItWasDoing() {
        String in = folder.toString();
        pool.submit(() -> Gate.mark(in, "warm")).result();
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(300)).withLabel("the long one");
        var future = pool.submit(() -> Gate.stay(in, "stays"), options);
        long worker = Gate.await(folder, "stays");

        assertThatThrownBy(future::result)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("the long one")
                .hasMessageContaining("PT0.3S")
                .hasMessageContaining("Gate.stay");
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
    }

    @Test
    void anEndlessLoopThatIsLateDiesWithItsWorker() {
        String in = folder.toString();
        pool.submit(() -> Gate.mark(in, "warm")).result();
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(300));
        var future = pool.submit(() -> Gate.spin(in, "spinning"), options);
        long worker = Gate.await(folder, "spinning");

        assertThatThrownBy(future::result).hasRootCauseInstanceOf(TimeoutException.class);
        assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(worker);
    }

    @Test
    void theDefaultTimeoutOfAPoolHoldsForItsCalls() {
        String in = folder.toString();
        try (var hasty =
                TestPools.builder(1).callTimeout(Duration.ofMillis(200)).build()) {
            assertThatThrownBy(hasty.submit(() -> Gate.stay(in, "stays"))::result)
                    .hasRootCauseInstanceOf(TimeoutException.class);
            var patiently = CallOptions.DEFAULT.withTimeout(Duration.ofMinutes(1));
            assertThat(hasty.submit(() -> 1, patiently).result()).isEqualTo(1);
        }
    }

    @Test
    void aCallCancelledWhileItIsSentIsInterrupted() {
        String in = folder.toString();
        for (int i = 0; i < 200; i++) {
            var running = pool.submit(() -> 1);
            String name = "call" + i;
            var next = pool.submit(() -> Gate.stay(in, name));
            running.result(); // the next is being sent now
            next.cancel(true);
        }
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        assertThat(pool.statistics().busy()).isZero();
    }
}
