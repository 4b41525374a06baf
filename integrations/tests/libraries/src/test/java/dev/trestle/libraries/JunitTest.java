package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.ProcessPool;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.opentest4j.AssertionFailedError;

/** A class of tests that share a process pool. */
@Timeout(60)
class JunitTest {

    // region junit
    @AutoClose
    private static final ProcessPool pool = new ProcessPool(2);

    @Test
    void countsPrimes() {
        assertThat(pool.submit(() -> Primes.below(1000)).result()).isEqualTo(168);
    }
    // endregion

    @Test
    void anAssertionThatFailsInAWorkerArrives() {
        assertThatThrownBy(() -> pool.submit(() -> {
                            throw new AssertionFailedError("not 168", 168, Primes.below(10));
                        })
                        .result())
                .isInstanceOf(AssertionFailedError.class)
                .hasMessageContaining("not 168");
    }
}
