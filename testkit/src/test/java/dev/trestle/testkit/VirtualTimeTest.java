package dev.trestle.testkit;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitFor;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Promise;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopEvent;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopLock;
import dev.trestle.loop.Task;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class VirtualTimeTest {

    private static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();

    private final List<String> trail = new ArrayList<>();

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    @Test
    void aSleepOfTenYearsTakesNoTime() {
        Duration end = VirtualTime.run(() -> {
            sleep(Duration.ofDays(3650));
            return now();
        });

        assertThat(end).isEqualTo(Duration.ofDays(3650));
    }

    @Test
    void anExceptionOfTheCoroutineIsThrown() {
        assertThatThrownBy(() -> VirtualTime.run(() -> {
                    throw new IllegalStateException("mine");
                }))
                .isExactlyInstanceOf(IllegalStateException.class)
                .hasMessage("mine");
        assertThatThrownBy(() -> VirtualTime.run(() -> {
                    throw new IOException("mine");
                }))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(IOException.class);
    }

    // Real work

    /** A second thread decides when the work ends; a clock that does not wait would reach the time limit first. */
    @Test
    void timeWaitsForRealWork() {
        try (var pool = new ThreadPool(1)) {
            Duration end = VirtualTime.run(() -> {
                Task<?> ticker = createTask(() -> sleep(Duration.ofHours(1)));
                assertThat(soon(Bridge.toThread(this::slow))).isEqualTo("slow");
                assertThat(soon(Bridge.runInExecutor(pool, VirtualTimeTest::rest)))
                        .isEqualTo("rested");
                assertThat(soon(Bridge.runInExecutor(ForkJoinPool.commonPool(), this::slow)))
                        .isEqualTo("slow");
                assertThat(waitFor(() -> blocking(this::slow), Duration.ofSeconds(1)))
                        .isEqualTo("slow");
                assertThat(ticker.isDone()).isFalse();
                return now();
            });

            assertThat(end).isZero();
        }
    }

    private static <T> T soon(LoopFuture<T> future) throws TimeoutException {
        return waitFor(future, Duration.ofSeconds(1));
    }

    private String slow() throws InterruptedException {
        rest();
        return "slow";
    }

    private static String rest() throws InterruptedException {
        var never = new CountDownLatch(1);
        assertThat(never.await(50, TimeUnit.MILLISECONDS)).isFalse();
        return "rested";
    }

    @Test
    void timeGoesOnWhenTheWorkWasCancelledOrHasFailed() {
        VirtualTime.run(() -> {
            LoopFuture<?> work = Bridge.toThread(() -> new CountDownLatch(1).await());
            work.cancel();
            LoopFuture<?> failing = Bridge.toThread(() -> {
                throw new IOException("disk");
            });
            assertThatThrownBy(() -> await(failing)).hasMessageContaining("disk");
            sleep(Duration.ofHours(1));
            trail.add(now().toString());
        });

        assertThat(trail).containsExactly("PT1H");
    }

    @Test
    void timersGoOnWhileAnotherFutureIsWrapped() {
        assertThatThrownBy(() -> VirtualTime.run(() -> {
                    waitFor(Bridge.wrapFuture(new CompletableFuture<>()), Duration.ofHours(1));
                }))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class);
    }

    @Test
    void foreignFutureCompletesInAnIdleLoop() {
        var future = new Promise<String>();
        String result = VirtualTime.run(() -> {
            Thread.ofPlatform().start(() -> {
                try {
                    rest();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                future.setResult("late");
            });
            return await(Bridge.wrapFuture(future));
        });

        assertThat(result).isEqualTo("late");
    }

    @Test
    void foreignPublisherPublishesToAnIdleLoop() {
        try (var publisher = new SubmissionPublisher<String>()) {
            VirtualTime.run(() -> {
                Thread.ofPlatform().start(() -> {
                    try {
                        rest();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    publisher.submit("news");
                    publisher.close();
                });
                try (var items = Bridge.iterate(publisher)) {
                    for (String each : items) {
                        trail.add(each);
                    }
                }
            });
        }

        assertThat(trail).containsExactly("news");
    }

    // Nothing can happen any more

    @Test
    void aFutureThatIsNeverCompletedIsNamedWithItsWaiter() {
        assertThatThrownBy(() -> VirtualTime.run(() -> waitForGodot(new LoopEvent())))
                .isInstanceOf(StuckException.class)
                .hasMessageStartingWith("The coroutine can never end: nothing is ready, no timer will be due")
                .hasMessageContaining("await its work by Bridge.runInExecutor")
                .hasMessageContaining("VirtualTimeTest.waitForGodot(VirtualTimeTest.java:");
    }

    private static void waitForGodot(LoopEvent event) {
        event.await();
    }

    @Test
    void aDeadlockNamesBothTasks() {
        assertThatThrownBy(() -> VirtualTime.run(() -> {
                    var left = new LoopLock();
                    var right = new LoopLock();
                    Task<?> one = EventLoop.getRunningLoop().createTask(() -> takeBoth(left, right), "one");
                    Task<?> other = EventLoop.getRunningLoop().createTask(() -> takeBoth(right, left), "other");
                    await(one);
                    await(other);
                }))
                .isInstanceOf(StuckException.class)
                .hasMessageContaining("one")
                .hasMessageContaining("other")
                .hasMessageContaining("takeBoth");
    }

    private static String takeBoth(LoopLock first, LoopLock second) {
        first.acquire();
        try {
            sleep(Duration.ofSeconds(1));
            second.acquire();
            second.release();
            return "both";
        } finally {
            first.release();
        }
    }

    @Test
    void aSleepForeverNeverEnds() {
        assertThatThrownBy(() -> VirtualTime.run(() -> sleep(FOREVER))).isInstanceOf(StuckException.class);
        assertThatThrownBy(() -> VirtualTime.run(() -> {
                    sleep(Duration.ofHours(1));
                    sleep(FOREVER);
                }))
                .isInstanceOf(StuckException.class);
    }

    @Test
    void aHeartbeatDoesNotHideAWaitInVainIfTimeHasAnEnd() {
        assertThatThrownBy(() -> VirtualTime.run(new VirtualTimeOptions().withEnd(Duration.ofHours(1)), () -> {
                    createTask(() -> {
                        while (true) {
                            sleep(Duration.ofSeconds(1));
                        }
                    });
                    new LoopEvent().await();
                }))
                .isInstanceOf(StuckException.class)
                .hasMessageStartingWith("The coroutine has not ended at PT1H, the end of virtual time");
    }

    @Test
    void theFinallyBlocksOfAStuckRunAreRun() {
        assertThatThrownBy(() -> VirtualTime.run(() -> {
                    try {
                        new LoopEvent().await();
                    } finally {
                        trail.add("cleaned up");
                    }
                }))
                .isInstanceOf(StuckException.class);

        assertThat(trail).containsExactly("cleaned up");
    }

    @Test
    void anEndThatIsNotPositiveIsRefused() {
        assertThatThrownBy(() -> new VirtualTimeOptions().withEnd(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The end of virtual time must be positive, and is PT0S. Give the longest virtual time that"
                        + " the coroutine may take.");
    }

    // Shuffling

    @Test
    void anOrderThatNothingGuaranteesFailsUnderSomeSeed() {
        assertThatThrownBy(() -> VirtualTime.runShuffled(50, this::reliesOnTheOrder))
                .isInstanceOfSatisfying(ShuffleFailure.class, failure -> {
                    assertThat(failure)
                            .hasMessageStartingWith("With seed " + failure.seed() + ", after ")
                            .hasMessageContaining("new VirtualTimeOptions().withShuffle(" + failure.seed() + ")")
                            .hasCauseInstanceOf(AssertionError.class);
                    var again = new VirtualTimeOptions().withShuffle(failure.seed());
                    assertThatThrownBy(() -> VirtualTime.run(again, this::reliesOnTheOrder))
                            .hasMessage(requireNonNull(failure.getCause()).getMessage());
                });
    }

    private void reliesOnTheOrder() {
        var order = new ArrayList<Integer>();
        var tasks = new ArrayList<Task<?>>();
        for (int i = 0; i < 4; i++) {
            int number = i;
            tasks.add(createTask(() -> {
                order.add(number);
            }));
        }
        tasks.forEach(each -> await(each));
        assertThat(order).containsExactly(0, 1, 2, 3);
    }

    @Test
    void codeThatReliesOnNoOrderPassesUnderAllSeeds() {
        VirtualTime.runShuffled(
                20, () -> trail.add(EventLoop.getRunningLoop().time().toString()));

        assertThat(trail).hasSize(20);
    }

    @Test
    void noSeedAtAllIsRefused() {
        assertThatThrownBy(() -> VirtualTime.runShuffled(0, () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The number of seeds must be positive, and is 0: the coroutine would not be run.");
    }
}
