package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.AsyncLoadingCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.trestle.processpool.ProcessPool;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Caffeine with a process pool that computes the values. */
@Timeout(60)
class CaffeineTest {

    @AutoClose
    private final ProcessPool pool = new ProcessPool(2);

    @Test
    void aProcessPoolComputesEachValueOnce() throws Exception {
        // region caffeine
        AsyncLoadingCache<Integer, Integer> counts = Caffeine.newBuilder()
                .maximumSize(1000)
                .buildAsync((limit, _) -> pool.supplyAsync(() -> Primes.below(limit)));

        CompletableFuture<Integer> count = counts.get(1000).copy().orTimeout(1, TimeUnit.MINUTES);
        // endregion

        assertThat(count.get()).isEqualTo(168);
        assertThat(counts.get(1000).get()).isEqualTo(168);
        assertThat(pool.statistics().submitted()).isEqualTo(1);
    }

    @Test
    void aReadersLimitLeavesTheCallToTheOthers() {
        AsyncLoadingCache<Integer, Integer> slow =
                Caffeine.newBuilder().buildAsync((limit, _) -> pool.supplyAsync(() -> Primes.forEver()));

        CompletableFuture<Integer> limited = slow.get(1).copy().orTimeout(10, TimeUnit.MILLISECONDS);

        assertThatThrownBy(limited::get).hasCauseInstanceOf(TimeoutException.class);
        assertThat(slow.get(1)).isNotDone();
        slow.get(1).cancel(true);
    }
}
