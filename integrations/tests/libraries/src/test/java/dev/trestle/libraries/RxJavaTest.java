package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import io.reactivex.rxjava3.core.Flowable;
import io.reactivex.rxjava3.core.Scheduler;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.plugins.RxJavaPlugins;
import io.reactivex.rxjava3.schedulers.Schedulers;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** RxJava with pools. */
@Timeout(60)
class RxJavaTest {

    @AutoClose
    private final ProcessPool pool = new ProcessPool(2);

    @AfterEach
    void forgetErrorHandler() {
        RxJavaPlugins.reset();
    }

    @Test
    void callsOfAProcessPoolAreSingles() {
        // region rxjava
        Single<Integer> count = Single.defer(() -> {
            CompletableFuture<Integer> call = pool.supplyAsync(() -> Primes.below(1000));
            return Single.fromCompletionStage(call).doOnDispose(() -> call.cancel(true));
        });
        // endregion

        assertThat(count.timeout(1, TimeUnit.MINUTES).blockingGet()).isEqualTo(168);
    }

    @Test
    void callsForTheItemsOfAFlowableKeepTheirOrder() {
        // region rxjava-each
        Flowable<Integer> counts = Flowable.just(10, 100, 1000)
                .concatMapEager(
                        limit -> Flowable.fromCompletionStage(pool.supplyAsync(() -> Primes.below(limit))),
                        pool.parallelism(),
                        1);
        // endregion

        assertThat(counts.toList().blockingGet()).containsExactly(4, 25, 168);
    }

    @Test
    void timeLimitOfASingleCancelsItsCall() {
        Single<Integer> endless = Single.defer(() -> {
            CompletableFuture<Integer> call = pool.supplyAsync(() -> Primes.forEver());
            return Single.fromCompletionStage(call).doOnDispose(() -> call.cancel(true));
        });

        assertThatThrownBy(() -> endless.timeout(100, TimeUnit.MILLISECONDS).blockingGet())
                .hasCauseInstanceOf(TimeoutException.class);
        assertThat(pool.statistics().cancelled()).isEqualTo(1);
    }

    @Test
    void aThreadPoolIsAScheduler() {
        try (var threads = new ThreadPool(4)) {
            // region rxjava-threads
            Scheduler scheduler = Schedulers.from(threads);
            Flowable<String> names =
                    Flowable.just("a", "b").observeOn(scheduler).map(each -> each + " on " + Thread.currentThread());
            // endregion

            assertThat(names.toList().blockingGet())
                    .hasSize(2)
                    .allSatisfy(each -> assertThat(each).contains("trestle-threadpool"));
        }
    }

    /** Returns the ways in which RxJava gives an executor a task of its own. */
    static Stream<Named<Function<Scheduler, Single<?>>>> waysOntoAScheduler() {
        return Stream.of(
                Named.of("observeOn", on -> Flowable.range(1, 3).observeOn(on).toList()),
                Named.of(
                        "subscribeOn",
                        on -> Flowable.range(1, 3).subscribeOn(on).toList()),
                Named.of("timer", on -> Single.timer(1, TimeUnit.MILLISECONDS, on)));
    }

    /** RxJava tells the subscriber of no executor's refusal. */
    @ParameterizedTest
    @MethodSource("waysOntoAScheduler")
    void aProcessPoolAsSchedulerIsReportedToTheErrorHandler(Function<Scheduler, Single<?>> way) {
        var reported = new CompletableFuture<Throwable>();
        RxJavaPlugins.setErrorHandler(reported::complete);

        var subscription = way.apply(Schedulers.from(pool)).subscribe();

        assertThat(reported.join())
                .cause()
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("pool.submit(() -> ...).toCompletableFuture()");
        subscription.dispose();
    }
}
