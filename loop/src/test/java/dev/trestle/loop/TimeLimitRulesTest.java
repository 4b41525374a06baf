package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.callWithTimeout;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.timeoutAt;
import static dev.trestle.loop.Async.waitFor;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The corners of timeout, timeoutAt and waitFor, by asyncio's own tests. */
@org.junit.jupiter.api.Timeout(30)
class TimeLimitRulesTest extends WithLoop {

    // timeout

    @Test
    void aLimitEndsItsCodeAtItsTime() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> timeout(ofSeconds(2), limit -> {
                        assertThat(limit.when()).contains(ofSeconds(2));
                        assertThat(limit).hasToString("Timeout[active, when=PT2S]");
                        sleep(ofHours(1));
                    }))
                    .isInstanceOf(TimeoutException.class)
                    .hasCauseInstanceOf(CancelledError.class)
                    .hasMessageContaining("when the time limit was over");
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(2));
            assertThat(currentTask().cancelling()).isZero();
        });
    }

    @Test
    void aTimeoutOfWaitForNamesWhatWasAwaitedAndTheLimit() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            assertThatThrownBy(() -> waitFor(future, ofSeconds(2)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("it waited for " + future)
                    .hasMessageContaining("for PT2S");
            assertThatThrownBy(() -> waitFor(loop.createFuture(), ofSeconds(0)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Future")
                    .hasMessageContaining("PT0S");
            Coroutine<String> coroutine = () -> {
                sleep(ofHours(1));
                return "";
            };
            assertThatThrownBy(() -> waitFor(coroutine, ofSeconds(3)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining(coroutine.getClass().getName())
                    .hasMessageContaining("for PT3S");
        });
    }

    @Test
    void aLimitAtATimeEndsItsCodeThen() {
        loop.runUntilComplete(() -> {
            sleep(ofSeconds(10));
            assertThatThrownBy(() -> timeoutAt(ofSeconds(12), limit -> {
                        sleep(ofHours(1));
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(12));
        });
    }

    @Test
    void noLimitIsNone() {
        var escaped = new AtomicReference<Timeout>();
        loop.runUntilComplete(() -> {
            int result = callWithTimeout(null, limit -> {
                escaped.set(limit);
                assertThat(limit.when()).isEmpty();
                sleep(ofHours(1));
                return 42;
            });
            assertThat(result).isEqualTo(42);
            assertThat(escaped.get().expired()).isFalse();
            assertThat(escaped.get()).hasToString("Timeout[finished, when=null]");
        });
    }

    @Test
    void noTimeEndsTheFirstWaitAndNotBefore() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> timeout(ZERO, () -> {
                        trail.add("began");
                        sleep(ofHours(1));
                        trail.add("never");
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> timeoutAt(ofSeconds(-1), _ -> {
                        yieldNow();
                        trail.add("never");
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThat(timeout(ZERO, () -> "does not wait")).isEqualTo("does not wait");
            yieldNow();
        });
        assertThat(trail).containsExactly("began");
        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void anExceptionOfTheCodeIsThrown() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> timeout(ofSeconds(1), () -> {
                        throw new IllegalStateException("its own");
                    }))
                    .hasMessage("its own");
            assertThatThrownBy(() -> timeout(ofSeconds(1), () -> {
                        throw new java.io.IOException("its own");
                    }))
                    .isInstanceOf(CompletionException.class);
            sleep(ofSeconds(2));
        });
    }

    @Test
    void aCancellationFromOutsideIsNoTimeout() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> timeout(ofHours(1), () -> sleep(ofHours(2))));
            yieldNow();
            task.cancel("from outside");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("from outside");
            assertThat(task.cancelling()).isEqualTo(1);
        });
    }

    @Test
    void aLimitWorksInTheCleaningUpOfACancelledTask() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    trail.add(String.valueOf(catchThrowable(() -> timeout(ofSeconds(1), () -> sleep(ofHours(1))))
                            .getClass()
                            .getSimpleName()));
                }
            });
            yieldNow();
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });
        assertThat(trail).containsExactly("TimeoutException");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    /** The request that was swallowed still counts, and is not the limit's. */
    @Test
    void aLimitWorksInATaskThatWentOnAfterItsCancellation() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                currentTask().cancel("swallowed");
                assertThatThrownBy(() -> yieldNow()).isInstanceOf(CancelledError.class);
                assertThatThrownBy(() -> timeout(ofSeconds(1), () -> sleep(ofHours(1))))
                        .isInstanceOf(TimeoutException.class);
                assertThat(currentTask().cancelling()).isEqualTo(1);
                timeout(ofSeconds(1), () -> {
                    currentTask().cancel("again");
                    sleep(ofHours(1));
                });
            });
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("again");
            assertThat(task.cancelling()).isEqualTo(2);
        });
    }

    @Test
    void ofLimitsThatPassWhileTheLoopIsBusyTheOuterOneSaysSo() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> timeout(ofSeconds(2), () -> {
                        try {
                            timeout(ofSeconds(1), () -> {
                                clock.advance(ofSeconds(5));
                                sleep(ofHours(1));
                            });
                        } catch (TimeoutException e) {
                            trail.add("the inner one");
                        }
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThat(currentTask().cancelling()).isZero();
        });
        assertThat(trail).isEmpty();
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(5));
    }

    @Test
    void aLimitIsForATask() {
        loop.runUntilComplete(() -> {
            LoopFuture<Throwable> refusal = loop.createFuture();
            loop.callSoon(() ->
                    refusal.setResult(catchThrowable(() -> timeout(ofSeconds(1), () -> trail.add("never")))));
            assertThat(await(refusal))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("only a coroutine can be suspended");
        });
        assertThat(trail).isEmpty();
    }

    // waitFor

    @Test
    void waitForReturnsTheResultOrThrowsTheException() {
        loop.runUntilComplete(() -> {
            assertThat(waitFor(() -> 42, ofSeconds(1))).isEqualTo(42);
            assertThat(waitFor(() -> 42, null)).isEqualTo(42);
            assertThatThrownBy(() -> waitFor(
                            () -> {
                                throw new IllegalStateException("its own");
                            },
                            ofSeconds(1)))
                    .hasMessage("its own");
        });
    }

    @Test
    void waitForCancelsWhatIsLate() {
        loop.runUntilComplete(() -> {
            Task<?> late = createTask(() -> sleep(ofHours(1)));
            assertThatThrownBy(() -> waitFor(late, ofSeconds(1))).isInstanceOf(TimeoutException.class);
            assertThat(late.isCancelled()).isTrue();
        });
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    @Test
    void waitForNoTimeReturnsWhatIsDone() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> done = loop.createFuture();
            done.setResult("done");
            assertThat(waitFor(done, ZERO)).isEqualTo("done");
            assertThat(waitFor(done, ofSeconds(-1))).isEqualTo("done");
        });
    }

    @Test
    void waitForNoTimeCancelsWhatRunsAndWaitsForItsEnd() {
        loop.runUntilComplete(() -> {
            Task<?> running = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    sleep(ofSeconds(1));
                    trail.add("cleaned up");
                }
            });
            yieldNow();
            assertThatThrownBy(() -> waitFor(running, ZERO))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("there was no time to wait");
        });
        assertThat(trail).containsExactly("cleaned up");
    }

    @Test
    void waitForThrowsWhatIsThrownWhileCleaningUp() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    fail();
                }
            });
            yieldNow();
            assertThatThrownBy(() -> waitFor(task, ofSeconds(1))).hasMessage("while cleaning up");
        });
    }

    private static void fail() {
        throw new IllegalStateException("while cleaning up");
    }

    @Test
    void waitForReturnsTheValueDespiteASwallowedCancel() {
        loop.runUntilComplete(() -> {
            Task<String> stubborn = createTask(() -> {
                try {
                    sleep(ofHours(1));
                    return "in time";
                } catch (CancelledError e) {
                    return "late";
                }
            });
            assertThat(waitFor(stubborn, ofSeconds(1))).isEqualTo("late");
        });
    }

    @Test
    void cancellingAWaiterCancelsAndAwaitsTheInnerFuture() {
        loop.runUntilComplete(() -> {
            Task<?> inner = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    sleep(ofSeconds(1));
                    trail.add("cleaned up");
                }
            });
            Task<?> outer = createTask(() -> waitFor(inner, ofHours(2)));
            yieldNow();
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(inner.isCancelled()).isTrue();
        });
        assertThat(trail).containsExactly("cleaned up");
    }

    /** gh-86296: a cancellation must not be lost when the body succeeds. */
    @Test
    void aCancellationWinsOverAResultOfTheSameTurn() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<?> outer = createTask(() -> waitFor(future, ofHours(1)));
            yieldNow();
            future.setResult("in the same turn");
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(future.result()).isEqualTo("in the same turn");
        });
    }

    @Test
    void aShieldedFutureOutlivesItsLimit() {
        loop.runUntilComplete(() -> {
            Task<String> kept = createTask(() -> {
                sleep(ofSeconds(5));
                return "kept";
            });
            assertThatThrownBy(() -> waitFor(shield(kept), ofSeconds(1))).isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> waitFor(shield(kept), ZERO)).isInstanceOf(TimeoutException.class);
            assertThat(await(kept)).isEqualTo("kept");
        });
    }
}
