package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.callWithTimeout;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
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

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Time limits: which one says so, what they leave alone, and how they are moved. */
@org.junit.jupiter.api.Timeout(30)
class TimeoutTest extends WithLoop {

    @Test
    void ofTwoLimitsThatEndTogetherTheOuterOneSaysSo() {
        loop.runUntilComplete(() -> {
            var inner = new AtomicReference<Timeout>();
            var outer = new AtomicReference<Timeout>();
            assertThatThrownBy(() -> timeout(ofSeconds(5), limit -> {
                        outer.set(limit);
                        try {
                            timeout(ofSeconds(5), innerLimit -> {
                                inner.set(innerLimit);
                                sleep(ofHours(1));
                            });
                        } catch (TimeoutException e) {
                            trail.add("inner");
                            throw e;
                        }
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThat(inner.get().expired()).isTrue();
            assertThat(outer.get().expired()).isTrue();
            assertThat(currentTask().cancelling()).isZero();
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void anInnerLimitThatEndsFirstIsCaughtInside() {
        loop.runUntilComplete(() -> {
            String result = timeout(ofSeconds(10), () -> {
                assertThatThrownBy(() -> timeout(ofSeconds(1), () -> sleep(ofHours(1))))
                        .isInstanceOf(TimeoutException.class);
                sleep(ofSeconds(2));
                return "in time";
            });
            assertThat(result).isEqualTo("in time");
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(3));
        });
    }

    @Test
    void theTimeoutOfAnInnerLimitPassesTheOuterOneUnwrapped() {
        loop.runUntilComplete(() -> assertThatThrownBy(() ->
                        timeout(ofHours(1), () -> timeout(ofSeconds(1), () -> sleep(ofHours(2)))))
                .isInstanceOf(TimeoutException.class));
    }

    /** A limit must not take back a request to cancel that came from other code. */
    @Test
    void aLimitTakesOnlyItsOwnRequestToCancelBack() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    timeout(ofSeconds(1), () -> {
                        try {
                            sleep(ofHours(1));
                        } catch (CancelledError e) {
                            currentTask().cancel("from outside");
                            throw e;
                        }
                    });
                } catch (CancelledError e) {
                    trail.add("cancelled, cancelling=" + currentTask().cancelling());
                    throw e;
                }
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });

        assertThat(trail).containsExactly("cancelled, cancelling=1");
    }

    @Test
    void codeThatHasAResultAllTheSameHasIt() {
        loop.runUntilComplete(() -> {
            var seen = new AtomicReference<Timeout>();
            String result = callWithTimeout(ofSeconds(1), limit -> {
                seen.set(limit);
                try {
                    sleep(ofHours(1));
                } catch (CancelledError e) {
                    return "rescued";
                }
                return "never";
            });
            assertThat(result).isEqualTo("rescued");
            assertThat(seen.get().expired()).isTrue();
            assertThat(currentTask().cancelling()).isZero();
            yieldNow(); // no cancellation is left over
        });
    }

    @Test
    void codeThatFailsWhileItIsCancelledFailsAsItFailed() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> timeout(ofSeconds(1), () -> {
                        try {
                            sleep(ofHours(1));
                        } finally {
                            failWith(new IllegalStateException("clean-up failed"));
                        }
                    }))
                    .hasMessage("clean-up failed");
            assertThatThrownBy(() -> timeout(ofSeconds(1), () -> {
                        throw new IOException("checked");
                    }))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IOException.class);
        });
    }

    private static void failWith(RuntimeException exception) {
        throw exception;
    }

    @Test
    void aLimitCanBeMovedWhileItIsActiveAndOnlyThen() {
        loop.runUntilComplete(() -> {
            var seen = new AtomicReference<Timeout>();
            timeout(ofSeconds(1), limit -> {
                seen.set(limit);
                assertThat(limit.when()).contains(ofSeconds(1));
                limit.reschedule(ofSeconds(100));
                sleep(ofSeconds(50));
                limit.reschedule(null);
                sleep(ofHours(1));
            });
            assertThat(seen.get().expired()).isFalse();
            assertThatThrownBy(() -> seen.get().reschedule(ofHours(9)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("its time is over or its code has ended");
            assertThatThrownBy(() -> timeoutAt(loop.time().plusSeconds(1), limit -> {
                        limit.reschedule(loop.time());
                        trail.add("not at once");
                        sleep(ofHours(1));
                    }))
                    .isInstanceOf(TimeoutException.class);
        });

        assertThat(trail).containsExactly("not at once");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(50).plusHours(1));
    }

    @Test
    void waitForWaitsUntilTheCancelledFutureHasCleanedUp() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    sleep(ofSeconds(10));
                    trail.add("cleaned up");
                }
            });
            assertThatThrownBy(() -> waitFor(task, ofSeconds(1))).isInstanceOf(TimeoutException.class);
            assertThat(task.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("cleaned up");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(11));
    }

    @Test
    void waitForNoTimeNeverStartsTheCoroutine() {
        loop.runUntilComplete(() -> {
            for (Duration none : List.of(ZERO, ofSeconds(-1))) {
                assertThatThrownBy(() -> waitFor(() -> trail.add("started"), none))
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageContaining("no time to wait");
            }
            LoopFuture<String> done = loop.createFuture();
            done.setResult("there");
            assertThat(waitFor(done, ZERO)).isEqualTo("there");
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void aLimitThatIsNotReachedLeavesNoTimer() {
        loop.runUntilComplete(() -> {
            timeout(ofHours(100), () -> sleep(ofSeconds(1)));
            waitFor(createTask(() -> sleep(ofSeconds(1))), ofHours(100));
        });

        assertThat(clock.elapsed()).isEqualTo(ofSeconds(2));
    }

    @Test
    void waitForNoTimeReportsAGatherWithACancelledPartAsLate() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> part = loop.createFuture();
            LoopFuture<List<String>> gathered = Async.gather(part);
            part.cancel();
            assertThatThrownBy(() -> waitFor(gathered, ZERO)).isInstanceOf(TimeoutException.class);
        });
    }
}
