package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.WorkerDiedException;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import io.github.resilience4j.timelimiter.TimeLimiter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Resilience4j around calls of a process pool. */
@Timeout(60)
class Resilience4jTest {

    @AutoClose
    private final ProcessPool pool = new ProcessPool(1);

    /** Ends its worker, the first time. */
    static final class Fragile {

        private Fragile() {}

        static int work(String marker) throws IOException {
            Path seen = Path.of(marker);
            if (Files.notExists(seen)) {
                Files.createFile(seen);
                Runtime.getRuntime().halt(3);
            }
            return 42;
        }
    }

    @Test
    void aTimeLimiterLetsACallEndInTime() throws Exception {
        // region resilience4j-limit
        TimeLimiter limiter = TimeLimiter.of(Duration.ofMinutes(1));
        int count = limiter.executeFutureSupplier(() -> pool.submit(() -> Primes.below(1000)));
        // endregion

        assertThat(count).isEqualTo(168);
    }

    @Test
    void aTimeLimiterCancelsACallThatTakesTooLong() {
        TimeLimiter limiter = TimeLimiter.of(Duration.ofMillis(100));

        assertThatThrownBy(() -> limiter.executeFutureSupplier(() -> pool.submit(() -> Primes.forEver())))
                .isInstanceOf(TimeoutException.class);
        assertThat(pool.statistics().cancelled()).isEqualTo(1);
    }

    @Test
    void aRetryRepeatsTheCallOfADeadWorker(@TempDir Path folder) throws Exception {
        String marker = folder.resolve("seen").toString();
        // region resilience4j-retry
        Retry retry = Retry.of(
                "fragile",
                RetryConfig.custom()
                        .maxAttempts(3)
                        .intervalFunction(IntervalFunction.ofExponentialBackoff(Duration.ofMillis(100)))
                        .retryExceptions(WorkerDiedException.class)
                        .build());
        int answer = retry.executeCallable(
                () -> pool.submit(() -> Fragile.work(marker)).result());
        // endregion

        assertThat(answer).isEqualTo(42);
        assertThat(retry.getMetrics().getNumberOfSuccessfulCallsWithRetryAttempt())
                .isEqualTo(1);
    }
}
