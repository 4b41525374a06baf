package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.api.ReturnWhen;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thread pool as the scope of the parts of one piece of work, some of them in other processes. */
@Timeout(60)
class StructuredTest {

    @AutoClose
    private final ProcessPool pool =
            ProcessPool.builder().workers(1).cancelGrace(Duration.ofMillis(100)).build();

    private String report(Callable<String> title, int limit) {
        // region structured
        try (var scope = ThreadPool.builder().virtual().namePrefix("report-7").build()) {
            ConcurrentFuture<String> head = scope.submit(() -> title.call());
            ConcurrentFuture<Integer> count = scope.submit(() -> {
                ConcurrentFuture<Integer> call = pool.submit(() -> Primes.below(limit));
                try {
                    return call.get();
                } finally {
                    call.cancel(true); // if this thread was interrupted; else the call is done
                }
            });

            var state = Futures.waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(head, count));
            state.pending().forEach(each -> each.cancel(true));
            state.done().forEach(each -> each.result()); // throws the failure, if there is one
            return head.result() + ": " + count.result();
        }
        // endregion
    }

    @Test
    void theScopeEndsWithItsParts() {
        assertThat(report(() -> "Primes", 1000)).isEqualTo("Primes: 168");
    }

    @Test
    void aPartThatFailsCancelsTheCallInTheOtherProcess() {
        assertThatThrownBy(() -> report(
                        () -> {
                            await().until(() -> pool.statistics().submitted() == 1);
                            throw new IllegalStateException("no title");
                        },
                        Integer.MAX_VALUE))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no title");
        assertThat(pool.statistics().cancelled()).isEqualTo(1);
    }

    @Test
    void theThreadsOfAScopeAreMadeByAFactoryOfTheProgram() {
        // region structured-factory
        ThreadFactory factory = Thread.ofVirtual().name("report-7-part-", 1).factory();
        try (var scope = ThreadPool.builder().threadFactory(factory).build()) {
            ConcurrentFuture<String> part =
                    scope.submit(() -> Thread.currentThread().getName());
            assertThat(part.result()).isEqualTo("report-7-part-1");
        }
        // endregion
    }
}
