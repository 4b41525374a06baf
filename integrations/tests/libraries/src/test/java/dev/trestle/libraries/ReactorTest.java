package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Reactor with pools. */
@Timeout(60)
class ReactorTest {

    private static final Duration LONG = Duration.ofSeconds(30);

    @AutoClose
    private final ProcessPool pool = new ProcessPool(2);

    @Test
    void callsOfAProcessPoolAreMonos() {
        // region reactor
        Flux<Integer> counts = Flux.just(10, 100, 1000)
                .flatMapSequential(
                        limit -> Mono.fromFuture(() -> pool.supplyAsync(() -> Primes.below(limit)))
                                .timeout(Duration.ofMinutes(1)),
                        pool.parallelism());
        // endregion

        assertThat(counts.collectList().block(LONG)).isEqualTo(List.of(4, 25, 168));
    }

    @Test
    void timeLimitOfAMonoCancelsItsCall() {
        Mono<Integer> endless =
                Mono.fromFuture(() -> pool.supplyAsync(() -> Primes.forEver())).timeout(Duration.ofMillis(100));

        assertThatThrownBy(() -> endless.block(LONG)).hasCauseInstanceOf(TimeoutException.class);
        assertThat(pool.statistics().cancelled()).isEqualTo(1);
    }

    @Test
    void aThreadPoolIsAScheduler() {
        try (var threads = new ThreadPool(4)) {
            // region reactor-threads
            Scheduler scheduler = Schedulers.fromExecutorService(threads);
            Flux<String> names =
                    Flux.just("a", "b").publishOn(scheduler).map(each -> each + " on " + Thread.currentThread());
            // endregion

            assertThat(names.collectList().block(LONG))
                    .hasSize(2)
                    .allSatisfy(each -> assertThat(each).contains("trestle-threadpool"));
        }
    }

    /** Returns the ways in which Reactor gives an executor a task of its own. */
    static Stream<Named<Function<Scheduler, Mono<?>>>> waysOntoAScheduler() {
        return Stream.of(
                Named.of("publishOn of a Mono", on -> Mono.just(1).publishOn(on)),
                Named.of(
                        "publishOn of a Flux",
                        on -> Flux.range(1, 3).publishOn(on).collectList()),
                Named.of(
                        "subscribeOn of a Mono",
                        on -> Mono.fromCallable(() -> 1).subscribeOn(on)),
                Named.of(
                        "subscribeOn of a Flux",
                        on -> Flux.range(1, 3).subscribeOn(on).collectList()),
                Named.of(
                        "runOn",
                        on -> Flux.range(1, 3)
                                .parallel(2)
                                .runOn(on)
                                .sequential()
                                .collectList()),
                Named.of("delayElement", on -> Mono.just(1).delayElement(Duration.ofMillis(1), on)));
    }

    @ParameterizedTest
    @MethodSource("waysOntoAScheduler")
    void aProcessPoolAsSchedulerFailsTheSubscriber(Function<Scheduler, Mono<?>> way) {
        Scheduler scheduler = Schedulers.fromExecutorService(pool);

        assertThatThrownBy(() -> way.apply(scheduler).block(LONG)).isInstanceOf(RejectedExecutionException.class);
    }

    @Test
    void theSubscriberSeesWhatToDoInstead() {
        Scheduler scheduler = Schedulers.fromExecutor(pool);

        assertThatThrownBy(() -> Flux.range(1, 3).publishOn(scheduler).blockLast(LONG))
                .isInstanceOf(RejectedExecutionException.class)
                .cause()
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("pool.submit(() -> ...).toCompletableFuture()");
    }
}
