package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.contract.RefusingGuard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each way to wait for promises, on a thread that must not wait. */
@Timeout(30)
class WaitGuardTest {

    @FunctionalInterface
    private interface Waiting {
        @Nullable
        Object on(Promise<String> promise) throws Exception;
    }

    enum Wait {
        RESULT(Promise::result),
        TIMED_RESULT(promise -> promise.result(Duration.ofDays(1))),
        GET(Promise::get),
        TIMED_GET(promise -> promise.get(1, TimeUnit.DAYS)),
        EXCEPTION(Promise::exception),
        JOIN_OF_THE_VIEW(promise -> promise.toCompletableFuture().join()),
        GET_OF_THE_VIEW(promise -> promise.toCompletableFuture().get()),
        TIMED_GET_OF_THE_VIEW(promise -> promise.toCompletableFuture().get(1, TimeUnit.DAYS)),
        JOIN_OF_A_STAGE(
                promise -> promise.toCompletableFuture().thenApply(x -> x).join()),
        WAIT_UNTIL(promise -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(done(), promise))),
        TIMED_WAIT_UNTIL(
                promise -> Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(promise), Duration.ofDays(1))),
        AS_COMPLETED(promise -> {
            var completed = new ArrayList<Promise<String>>();
            Futures.asCompleted(List.of(promise, done())).forEach(completed::add);
            return completed;
        });

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Waiting waiting;

        Wait(Waiting waiting) {
            this.waiting = waiting;
        }

        private static Promise<String> done() {
            var done = new Promise<String>();
            done.setResult("done");
            return done;
        }
    }

    @ParameterizedTest
    @EnumSource
    void waitForPendingPromiseIsRefused(Wait wait) throws Exception {
        var promise = new Promise<String>();

        assertThat(RefusingGuard.refusedIn(() -> wait.waiting.on(promise))).containsExactly(promise);
    }

    @ParameterizedTest
    @EnumSource
    void readOfDonePromiseIsAllowed(Wait wait) throws Exception {
        assertThat(RefusingGuard.refusedIn(() -> {
                    Promise<String> promise = Wait.done();
                    return wait.waiting.on(promise);
                }))
                .isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"WAIT_UNTIL", "TIMED_WAIT_UNTIL", "GET", "TIMED_GET", "RESULT"})
    void refusedWaitLeavesNoListener(Wait wait) throws Exception {
        var promise = new Promise<String>();
        RefusingGuard.refusedIn(() -> wait.waiting.on(promise));

        assertThat(promise.listenerCount()).isZero();
    }

    /** The source of such a stage is done, and the stage is not: it waits for the call that it made. */
    @Test
    void waitForStageAfterDonePromiseIsRefused() throws Exception {
        Promise<String> first = Wait.done();
        var second = new Promise<String>();
        CompletableFuture<String> stage = first.toCompletableFuture().thenCompose(_ -> second.toCompletableFuture());

        assertThat(RefusingGuard.refusedIn(stage::join)).containsExactly(stage);
        assertThat(RefusingGuard.refusedIn(stage::get)).containsExactly(stage);
        assertThat(RefusingGuard.refusedIn(() -> stage.get(1, TimeUnit.DAYS))).containsExactly(stage);
        second.setResult("done");
        assertThat(RefusingGuard.refusedIn(stage::join)).isEmpty();
    }

    @Test
    void lookWithoutTimeIsAllowed() throws Exception {
        var promise = new Promise<String>();

        assertThat(RefusingGuard.refusedIn(() -> {
                    assertThatThrownBy(() -> promise.get(0, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
                    assertThatThrownBy(() -> promise.result(Duration.ofDays(-1)))
                            .isInstanceOf(TimeoutException.class);
                    assertThatThrownBy(() -> promise.toCompletableFuture().get(0, TimeUnit.SECONDS))
                            .isInstanceOf(TimeoutException.class);
                    for (Duration none : List.of(Duration.ZERO, Duration.ofDays(-1))) {
                        assertThat(Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(promise), none)
                                        .pending())
                                .containsExactly(promise);
                    }
                    return "";
                }))
                .isEmpty();
    }
}
