package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Waits with a time limit: limits of any length, what a timeout says, and what is cancelled by one. */
@Timeout(30)
class TimeLimitTest {

    /** A call that has a name and can be stopped. */
    private static final class Call implements Promise.Canceller {
        final AtomicInteger interrupts = new AtomicInteger();

        @Override
        public void cancelled(boolean wasRunning, boolean mayInterrupt) {
            interrupts.addAndGet(mayInterrupt ? 1 : 0);
        }

        @Override
        public String description() {
            return "Report on pool-1";
        }
    }

    private final Call call = new Call();
    private final Promise<String> promise = new Promise<>(call);

    // Any length

    static Stream<Duration> longLimits() {
        return Stream.of(
                ChronoUnit.FOREVER.getDuration(),
                Duration.ofSeconds(Long.MAX_VALUE, 999_999_999),
                Duration.ofNanos(Long.MAX_VALUE),
                Duration.ofDays(100_000),
                Duration.ofDays(30_000));
    }

    @ParameterizedTest
    @MethodSource("longLimits")
    void aLimitThatIsTooLongForAClockIsCut(Duration limit) {
        long cut = TimeLimit.nanos(limit);

        assertThat(cut).isBetween(Duration.ofDays(26_000).toNanos(), Long.MAX_VALUE / 4);
        assertThat(TimeLimit.nanos(limit.negated())).isEqualTo(-cut);
        assertThat(TimeLimit.cut(limit).plus(TimeLimit.cut(limit)).toNanos()).isPositive();
        assertThat(System.nanoTime() + cut + cut).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void eachUnitIsCutAtBothEnds(TimeUnit unit) {
        assertThat(TimeLimit.of(Long.MAX_VALUE, unit)).isEqualTo(Duration.ofNanos(Long.MAX_VALUE / 4));
        assertThat(TimeLimit.of(Long.MIN_VALUE, unit)).isEqualTo(Duration.ofNanos(-(Long.MAX_VALUE / 4)));
        assertThat(TimeLimit.of(7, unit)).isEqualTo(Duration.of(7, unit.toChronoUnit()));
        assertThat(TimeLimit.of(-7, unit)).isEqualTo(Duration.of(-7, unit.toChronoUnit()));
    }

    /** Each way to wait for a future with a limit. */
    enum Wait {
        RESULT {
            @Override
            void wait(Promise<String> promise, Duration limit) throws Exception {
                promise.result(limit);
            }
        },
        GET {
            @Override
            void wait(Promise<String> promise, Duration limit) throws Exception {
                promise.get(TimeLimit.nanos(limit), TimeUnit.NANOSECONDS);
            }
        },
        GET_OF_THE_VIEW {
            @Override
            void wait(Promise<String> promise, Duration limit) throws Exception {
                promise.toCompletableFuture().get(TimeLimit.nanos(limit), TimeUnit.NANOSECONDS);
            }
        },
        GET_OF_A_STAGE {
            @Override
            void wait(Promise<String> promise, Duration limit) throws Exception {
                promise.toCompletableFuture().thenApply(x -> x).get(TimeLimit.nanos(limit), TimeUnit.NANOSECONDS);
            }
        },
        WAIT_UNTIL {
            @Override
            void wait(Promise<String> promise, Duration limit) throws Exception {
                if (!Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(promise), limit)
                        .pending()
                        .isEmpty()) {
                    throw new TimeoutException(promise + " " + limit);
                }
            }
        },
        AS_COMPLETED {
            @Override
            void wait(Promise<String> promise, Duration limit) throws Exception {
                try {
                    Futures.asCompleted(List.of(promise), limit).iterator().next();
                } catch (CompletionException e) {
                    throw new TimeoutException(promise + " " + e.getMessage());
                }
            }
        };

        abstract void wait(Promise<String> promise, Duration limit) throws Exception;
    }

    @ParameterizedTest
    @EnumSource
    void aWaitWithALongLimitLastsUntilTheFutureIsDone(Wait wait) throws Exception {
        for (Duration limit : longLimits().toList()) {
            var awaited = new Promise<String>();
            var waiting = new FutureTask<>(() -> {
                wait.wait(awaited, limit);
                return awaited.isDone();
            });
            Thread thread = Thread.ofVirtual().start(waiting);
            while (thread.getState() != Thread.State.TIMED_WAITING && !waiting.isDone()) {
                Thread.onSpinWait();
            }
            awaited.setResult("x");

            assertThat(waiting.get()).isTrue();
        }
    }

    // The message of a timeout, and the state after it

    @ParameterizedTest
    @EnumSource
    void aTimeoutNamesTheCallAndTheLimitAndLeavesNoListener(Wait wait) {
        for (Duration limit : List.of(Duration.ofNanos(1_000_001), Duration.ZERO)) {
            assertThatThrownBy(() -> wait.wait(promise, limit))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining(
                            "Promise@%x[pending, Report on pool-1]".formatted(System.identityHashCode(promise)))
                    .hasMessageContaining(limit.toString());
        }
        assertThat(call.interrupts).hasValue(0);
        if (!wait.name().startsWith("GET_OF")) { // whose view stays, with the promise
            assertThat(promise.listenerCount()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void aLookWithoutTimeIsInterruptedAsThatOfTheJdksFutures(long timeout) {
        for (var future : List.of(promise, new FutureTask<>(() -> ""))) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> future.get(timeout, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
        }
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> promise.result(Duration.ZERO))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void aDoneFutureIsReadByAnInterruptedThread() throws Exception {
        promise.setResult("x");
        Thread.currentThread().interrupt();

        assertThat(promise.get(0, TimeUnit.SECONDS)).isEqualTo("x");
        assertThat(promise.get()).isEqualTo("x");
        assertThat(Thread.interrupted()).isTrue();
    }

    // Cancellation

    /** Each way to end a view when a time is over. */
    enum Limit {
        OR_TIMEOUT((view, unit) -> view.orTimeout(1, unit)),
        COMPLETE_ON_TIMEOUT((view, unit) -> view.completeOnTimeout("late", 1, unit));

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final BiFunction<CompletableFuture<String>, TimeUnit, CompletableFuture<String>> set;

        Limit(BiFunction<CompletableFuture<String>, TimeUnit, CompletableFuture<String>> set) {
            this.set = set;
        }

        /** Sets a limit of one unit. */
        CompletableFuture<String> on(CompletableFuture<String> view, TimeUnit unit) {
            return set.apply(view, unit);
        }
    }

    @ParameterizedTest
    @EnumSource
    void theTimeLimitOfAViewCancelsTheCall(Limit limit) throws Exception {
        promise.setRunningOrNotifyCancel();
        CompletableFuture<String> view = promise.toCompletableFuture();

        assertThat(limit.on(view, TimeUnit.MILLISECONDS)).isSameAs(view);
        assertThatThrownBy(promise::get).isInstanceOf(CancellationException.class);
        assertThat(call.interrupts).hasValue(1);
        if (limit == Limit.COMPLETE_ON_TIMEOUT) {
            assertThat(view.get()).isEqualTo("late");
        } else {
            assertThatThrownBy(view::get)
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Report on pool-1")
                    .hasMessageContaining("was not done after PT0.001S; it has been cancelled");
        }
    }

    @ParameterizedTest
    @EnumSource
    void theTimeLimitOfAStageLeavesTheCallAlone(Limit limit) {
        CompletableFuture<String> stage =
                limit.on(promise.toCompletableFuture().thenApply(x -> x), TimeUnit.MILLISECONDS);
        var _ = stage.handle((_, _) -> "").join();

        assertThat(promise.isDone()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void theTimeLimitOfAViewThatEndsInTimeIsDropped(Limit limit) {
        CompletableFuture<String> view = limit.on(
                promise.toCompletableFuture()
                        .orTimeout(Long.MAX_VALUE, TimeUnit.DAYS)
                        .completeOnTimeout("never", 1, TimeUnit.DAYS),
                TimeUnit.DAYS);
        promise.setResult("x");

        assertThat(view.join()).isEqualTo("x");
        assertThat(view.orTimeout(1, TimeUnit.NANOSECONDS).join()).isEqualTo("x");
    }

    @Test
    void aViewThatIsCompletedByHandLeavesTheCallAlone() {
        CompletableFuture<String> view = promise.toCompletableFuture().orTimeout(1, TimeUnit.DAYS);
        view.complete("by hand");

        assertThat(promise.isDone()).isFalse();
        assertThat(view.join()).isEqualTo("by hand");
    }
}
