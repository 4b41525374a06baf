package dev.trestle.loop;

import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.gatherOutcomes;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.waitFor;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofNanos;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ReturnWhen;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An interrupt of a coroutine's thread cancels its task at the next await of whatever kind, suspended or not. */
@Timeout(30)
class InterruptTest {

    /** An await that need not wait, or only for what comes by itself: in a loop it never leaves its thread. */
    enum ShortAwait {
        YIELD(() -> yieldNow()),
        SLEEP(() -> sleep(ofNanos(1))),
        SLEEP_FOR_NO_TIME(() -> sleep(Duration.ZERO)),
        DONE_FUTURE(() -> await(done())),
        GATHER(() -> await(gather(done(), done()))),
        GATHER_OUTCOMES(() -> await(gatherOutcomes(List.of(done())))),
        SHIELD(() -> await(shield(done()))),
        WAIT_UNTIL(() -> waitUntil(ReturnWhen.ALL_COMPLETED, List.of(done()))),
        AS_COMPLETED(() -> asCompleted(List.of(done())).forEach(_ -> {})),
        WAIT_FOR(() -> waitFor(done(), ofHours(1))),
        WAIT_FOR_A_COROUTINE(() -> waitFor(() -> yieldNow(), ofHours(1))),
        TIMEOUT(() -> timeout(ofHours(1), () -> yieldNow())),
        TASK(() -> await(createTask(() -> 1))),
        BLOCKING(() -> blocking(() -> 1)),
        LOCK(() -> new LoopLock().acquire()),
        SEMAPHORE(() -> new LoopSemaphore(1).acquire()),
        EVENT(() -> {
            var event = new LoopEvent();
            event.set();
            event.await();
        }),
        BARRIER(() -> new LoopBarrier(1).await()),
        PUT(() -> LoopQueue.fifo().put("item")),
        GET(() -> {
            var queue = LoopQueue.fifo();
            var _ = queue.tryPut("item");
            queue.get();
        }),
        JOIN(() -> LoopQueue.fifo().join()),
        GROUP(() -> TaskGroup.run(group -> {
            group.createTask(() -> 1);
        }));

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final Action await;

        ShortAwait(Action await) {
            this.await = await;
        }
    }

    private static LoopFuture<Integer> done() {
        LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
        future.setResult(1);
        return future;
    }

    /** An await that waits for what does not come. */
    enum LongAwait {
        FUTURE(() -> await(pending())),
        TASK(() -> await(createTask(() -> await(pending())))),
        GATHER(() -> await(gather(pending(), pending()))),
        SHIELD(() -> await(shield(pending()))),
        WAIT_UNTIL(() -> waitUntil(ReturnWhen.ALL_COMPLETED, List.of(pending()))),
        AS_COMPLETED(() -> asCompleted(List.of(pending())).forEach(_ -> {})),
        WAIT_FOR(() -> waitFor(pending(), null)),
        TIMEOUT(() -> timeout((Duration) null, () -> await(pending()))),
        LOCK(() -> {
            var lock = new LoopLock();
            lock.acquire();
            lock.acquire();
        }),
        SEMAPHORE(() -> {
            var semaphore = new LoopSemaphore(1);
            semaphore.acquire();
            semaphore.acquire();
        }),
        EVENT(() -> new LoopEvent().await()),
        CONDITION(() -> {
            var condition = new LoopCondition();
            condition.acquire();
            condition.await();
        }),
        BARRIER(() -> new LoopBarrier(2).await()),
        PUT(() -> {
            LoopQueue<String> queue = LoopQueue.fifo(1);
            queue.put("item");
            queue.put("item");
        }),
        GET(() -> LoopQueue.fifo().get()),
        JOIN(() -> {
            LoopQueue<String> queue = LoopQueue.fifo();
            queue.put("item");
            queue.join();
        }),
        GROUP(() -> TaskGroup.run(group -> {
            group.createTask(() -> await(pending()));
        }));

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final Action await;

        LongAwait(Action await) {
            this.await = await;
        }
    }

    private static LoopFuture<Integer> pending() {
        return EventLoop.getRunningLoop().createFuture();
    }

    private static void assertInterrupted(Action action) {
        assertThatThrownBy(action::run).isInstanceOf(CancelledError.class).hasMessage("its thread was interrupted");
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(currentTask().cancelling()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptBeforeAShortAwaitIsThrownThere(ShortAwait kind) {
        EventLoop.run(() -> await(createTask(() -> {
            Thread.currentThread().interrupt();
            assertInterrupted(kind.await);
        })));
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptBeforeALongAwaitIsThrownThere(LongAwait kind) {
        EventLoop.run(() -> await(createTask(() -> {
            Thread.currentThread().interrupt();
            assertInterrupted(kind.await);
        })));
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptInALongAwaitIsThrownThere(LongAwait kind) {
        EventLoop.run(() -> {
            var thread = new AtomicReference<Thread>();
            Task<?> task = createTask(() -> {
                thread.set(Thread.currentThread());
                assertInterrupted(kind.await);
            });
            yieldNow();
            yieldNow();
            thread.get().interrupt();
            await(task);
        });
    }

    /** The coroutine is the only one, so it never parks: the next item of a turn, or the next timer, is its own. */
    @ParameterizedTest
    @EnumSource
    void anInterruptFromOutsideEndsAnEndlessLoopOfShortAwaits(ShortAwait kind) throws Exception {
        endless(kind, new EventLoop());
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptFromOutsideEndsAnEndlessLoopInVirtualTime(ShortAwait kind) throws Exception {
        endless(kind, new EventLoop(new VirtualClock()));
    }

    private static void endless(ShortAwait kind, EventLoop loop) throws InterruptedException {
        var begun = new CountDownLatch(1);
        var coroutine = new AtomicReference<Thread>();
        Thread interrupter = Thread.ofPlatform().start(() -> {
            try {
                begun.await();
            } catch (InterruptedException e) {
                throw new AssertionError("this thread was interrupted, which no code should do", e);
            }
            coroutine.get().interrupt();
        });
        try (loop) {
            loop.runUntilComplete(() -> {
                coroutine.set(Thread.currentThread());
                assertInterrupted(() -> {
                    while (true) {
                        kind.await.run();
                        begun.countDown();
                    }
                });
            });
        }
        interrupter.join();
    }

    @Test
    void anInterruptBeforeABlockingCallKeepsItFromBeingMade() {
        EventLoop.run(() -> {
            var made = new AtomicReference<>("not made");
            Task<?> task = createTask(() -> {
                Thread.currentThread().interrupt();
                assertInterrupted(() -> blocking(() -> made.set("made")));
                blocking(() -> made.compareAndSet("not made", "made afterwards"));
            });
            await(task);
            assertThat(made).hasValue("made afterwards");
        });
    }

    @Test
    void cancellationFollowsABlockingCallThatKeepsTheInterrupt() {
        EventLoop.run(() -> await(createTask(() -> {
            blocking(() -> Thread.currentThread().interrupt());
            assertThat(currentTask().cancelling()).isZero();
            assertInterrupted(() -> yieldNow());
        })));
    }

    @Test
    void interruptBeforeAnAwaitCancelsTheAwaitedFuture() {
        EventLoop.run(() -> {
            LoopFuture<Integer> inner = pending();
            Task<?> task = createTask(() -> {
                Thread.currentThread().interrupt();
                await(inner);
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            assertThat(inner.isCancelled()).isTrue();
        });
    }
}
