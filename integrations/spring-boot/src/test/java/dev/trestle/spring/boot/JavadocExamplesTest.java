package dev.trestle.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.ProcessPool;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of the Javadoc. */
@Timeout(30)
class JavadocExamplesTest {

    // @start region="service"
    // a @Service
    static final class Primes {
        private final ProcessPool pool;

        Primes(ProcessPool pool) {
            this.pool = pool;
        }

        CompletableFuture<Integer> below(int limit) {
            return pool.supplyAsync(() -> count(limit));
        }
    }
    // @end

    private static int count(int limit) {
        return limit / 2;
    }

    @Test
    void aServiceHasThePool() {
        try (var pool = ProcessPool.builder().workers(1).aotCache(false).build()) {
            assertThat(new Primes(pool).below(10).join()).isEqualTo(5);
        }
    }
}
