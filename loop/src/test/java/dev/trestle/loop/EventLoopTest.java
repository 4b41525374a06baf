package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Promise;
import dev.trestle.api.ReturnWhen;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The baton: order, time, cancellation, and refusals. */
@Timeout(30)
class EventLoopTest {

    private final VirtualClock clock = new VirtualClock();

    @AutoClose
    private final EventLoop loop = new EventLoop(clock);

    private final List<String> trail = new ArrayList<>();

    private void run(Action main) {
        loop.runUntilComplete(Action.asCoroutine(main));
    }

    @Test
    void aTurnRunsExactlyWhatWasReadyWhenItBegan() {
        run(() -> {
            loop.callSoon(() -> {
                trail.add("a");
                loop.callSoon(() -> trail.add("c"));
            });
            loop.callSoon(() -> trail.add("b"));
            yieldNow();
            assertThat(trail).containsExactly("a", "b");
            yieldNow();
            assertThat(trail).containsExactly("a", "b", "c");
        });
    }

    @Test
    void tasksStartLaterInOrderAndTakeTurns() {
        run(() -> {
            Task<?> a = createTask(() -> steps("a"));
            Task<?> b = createTask(() -> steps("b"));
            trail.add("main");
            await(a);
            await(b);
        });

        assertThat(trail).containsExactly("main", "a1", "b1", "a2", "b2");
    }

    private void steps(String name) {
        trail.add(name + "1");
        yieldNow();
        trail.add(name + "2");
    }

    @Test
    void timersFireInOrderOfTimeAndTheClockJumps() {
        run(() -> {
            loop.callLater(ofHours(2), () -> trail.add("later"));
            loop.callLater(ofHours(1), () -> trail.add("sooner"));
            loop.callLater(ofHours(1), () -> trail.add("sooner too"));
            loop.callLater(ofHours(1), () -> trail.add("never")).cancel();
            sleep(ofHours(3));
        });

        assertThat(trail).containsExactly("sooner", "sooner too", "later");
        assertThat(clock.elapsed()).isEqualTo(ofHours(3));
    }

    @Test
    void callbacksOfAFutureRunLaterAndInOrder() {
        run(() -> {
            LoopFuture<String> future = loop.createFuture();
            future.addDoneCallback(done -> trail.add("1 " + done.result()));
            future.addDoneCallback(_ -> trail.add("2"));
            future.setResult("x");
            assertThat(trail).isEmpty();
            yieldNow();
        });

        assertThat(trail).containsExactly("1 x", "2");
    }

    @Test
    void anAwaitWrapsCheckedExceptionsOnly() {
        var unchecked = new IllegalArgumentException("a");
        var checked = new IOException("b");
        run(() -> {
            Task<?> first = createTask(() -> {
                throw unchecked;
            });
            Task<?> second = createTask(() -> {
                throw checked;
            });
            assertThatThrownBy(() -> await(first)).isSameAs(unchecked);
            assertThatThrownBy(() -> await(second))
                    .isInstanceOf(CompletionException.class)
                    .hasCause(checked);
        });
    }

    @Test
    void cancelThrowsWhereTheTaskAwaits() {
        run(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    trail.add("cleaned up");
                }
            });
            yieldNow();
            assertThat(task.cancel("enough")).isTrue();
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("enough");
            assertThat(task.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("cleaned up");
        assertThat(clock.elapsed()).isEqualTo(ZERO);
    }

    @Test
    void aTaskCancelledBeforeItsStartNeverRuns() {
        run(() -> {
            Task<?> task = createTask(() -> trail.add("ran"));
            task.cancel();
            yieldNow();
            yieldNow();
            assertThat(task.isCancelled()).isTrue();
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void gatherKeepsTheOrderAndFailsWithTheFirstFailure() {
        run(() -> {
            Task<String> slow = createTask(() -> {
                sleep(ofSeconds(2));
                return "slow";
            });
            Task<String> quick = createTask(() -> "quick");
            assertThat(await(gather(slow, quick, slow))).containsExactly("slow", "quick", "slow");

            Task<String> failing = createTask(() -> {
                throw new IllegalStateException("x");
            });
            Task<String> other = createTask(() -> {
                sleep(ofSeconds(1));
                return "still there";
            });
            assertThatThrownBy(() -> await(gather(other, failing))).hasMessage("x");
            assertThat(await(other)).isEqualTo("still there");
        });
    }

    @Test
    void aTimeoutCancelsWhatIsAwaitedAndSaysSo() {
        run(() -> {
            assertThatThrownBy(() -> timeout(ofSeconds(5), () -> sleep(ofHours(1))))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("PT5S");
            assertThat(timeout(ofSeconds(5), () -> "in time")).isEqualTo("in time");
        });

        assertThat(clock.elapsed()).isEqualTo(ofSeconds(5));
    }

    @Test
    void aShieldKeepsCancellationFromTheTask() {
        run(() -> {
            Task<String> inner = createTask(() -> {
                sleep(ofSeconds(1));
                return "done";
            });
            Task<String> outer = createTask(() -> await(shield(inner)));
            yieldNow();
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(await(inner)).isEqualTo("done");
        });
    }

    @Test
    void waitUntilReturnsDoneAndPending() {
        run(() -> {
            Task<?> slow = createTask(() -> sleep(ofSeconds(10)));
            Task<?> quick = createTask(() -> sleep(ofSeconds(1)));
            var first = waitUntil(ReturnWhen.FIRST_COMPLETED, List.<Task<?>>of(slow, quick));
            assertThat(first.done()).containsExactly(quick);
            assertThat(first.pending()).containsExactly(slow);
            var late = waitUntil(ReturnWhen.ALL_COMPLETED, List.<Task<?>>of(slow, quick), ofSeconds(2));
            assertThat(late.pending()).containsExactly(slow);
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(3));
        });
    }

    @Test
    void blockingLetsOthersRunAndIsInterruptedByCancel() throws Exception {
        var interrupted = new CountDownLatch(1);
        var started = new CountDownLatch(1);
        run(() -> {
            Task<?> task = createTask(() -> blocking(() -> {
                started.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    interrupted.countDown();
                }
            }));
            blocking(() -> started.await());
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            blocking(() -> interrupted.await());
        });
    }

    @Test
    void blockingOnAPoolsFutureInTheLoopIsRefused() {
        var promise = new Promise<String>();
        run(() -> assertThatThrownBy(promise::result)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("would stop EventLoop[")
                .hasMessageContaining("await(Bridge.wrapFuture(future))"));

        promise.setResult("there");
        run(() -> assertThat(promise.result()).isEqualTo("there"));
    }

    @Test
    void awaitOutsideACoroutineIsRefused() {
        LoopFuture<String> future = loop.createFuture();
        assertThatThrownBy(() -> await(future))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("No event loop is running");
        run(() -> {
            loop.callSoon(() ->
                    assertThatThrownBy(() -> await(future)).hasMessageContaining("only a coroutine can be suspended"));
            yieldNow();
            assertThatThrownBy(() -> await(Async.currentTask())).hasMessageContaining("cannot await itself");
            assertThatThrownBy(() -> EventLoop.run(() -> 1)).hasMessageContaining("cannot be called while");
        });
    }

    @Test
    void foreignThreadsMayOnlyCallSoonThreadsafe() {
        var calls = new AtomicInteger();
        LoopFuture<String> all = loop.createFuture();
        run(() -> {
            for (int t = 0; t < 4; t++) {
                Thread.ofVirtual().start(() -> {
                    for (int i = 0; i < 10_000; i++) {
                        loop.callSoonThreadsafe(() -> {
                            if (calls.incrementAndGet() == 40_000) {
                                all.setResult("all");
                            }
                        });
                    }
                });
            }
            await(all);
            blocking(() -> assertThatThrownBy(() -> loop.callSoon(() -> {})).hasMessageContaining("not thread-safe"));
        });

        assertThat(calls).hasValue(40_000);
    }

    @Test
    void closeCancelsWhatIsLeft() {
        var cleanedUp = new AtomicInteger();
        EventLoop.run(() -> {
            createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    cleanedUp.incrementAndGet();
                }
            });
            sleep(ofMillis(1));
        });

        assertThat(cleanedUp).hasValue(1);
    }

    @Test
    void aClosedLoopRefusesWork() {
        loop.close();
        loop.close();

        assertThatThrownBy(() -> loop.callSoonThreadsafe(() -> {})).hasMessageContaining("closed");
        assertThatThrownBy(() -> loop.runForever()).hasMessageContaining("closed");
    }

    @Test
    void aProgramIsTestedAsItIsOnAVirtualClock() {
        new LoopOptions().withClock(clock).runAsDefaults(() -> EventLoop.run(() -> sleep(ofHours(8))));

        assertThat(clock.elapsed()).isEqualTo(ofHours(8));
    }
}
