package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.ProcessPool;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;

/** Spring with a process pool as a bean. */
@Timeout(60)
class SpringTest {

    // region spring
    @Configuration(proxyBeanMethods = false)
    static class Pools {

        @Bean
        ProcessPool processPool() {
            return ProcessPool.builder().workers(2).withoutShutdownHook().build();
        }

        @Bean
        Counter counter(ProcessPool pool) {
            return new Counter(pool);
        }
    }

    static class Counter {

        private final ProcessPool pool;

        Counter(ProcessPool pool) {
            this.pool = pool;
        }

        CompletableFuture<Integer> primesBelow(int limit) {
            return pool.supplyAsync(() -> Primes.below(limit));
        }
    }
    // endregion

    @Test
    void aBeanSubmitsToThePoolAndTheContextClosesIt() {
        ProcessPool pool;
        CompletableFuture<Integer> count;
        try (var context = new AnnotationConfigApplicationContext(Pools.class)) {
            pool = context.getBean(ProcessPool.class);
            count = context.getBean(Counter.class).primesBelow(1000);
        }

        assertThat(count).isCompletedWithValue(168);
        assertThat(pool.isTerminated()).isTrue();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAsync
    static class Asynchronous {

        @Bean
        ProcessPool processPool() {
            return new ProcessPool(1);
        }

        @Bean
        AsyncCounter counter() {
            return new AsyncCounter();
        }
    }

    static class AsyncCounter {

        @Async("processPool")
        CompletableFuture<Integer> primesBelow(int limit) {
            return CompletableFuture.completedFuture(Primes.below(limit));
        }
    }

    @Test
    void anAsyncMethodOnAProcessPoolIsRejected() {
        try (var context = new AnnotationConfigApplicationContext(Asynchronous.class)) {
            var counter = context.getBean(AsyncCounter.class);

            assertThatThrownBy(() -> counter.primesBelow(10))
                    .isInstanceOf(TaskRejectedException.class)
                    .cause()
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("pool.submit(() -> ...)");
        }
    }
}
