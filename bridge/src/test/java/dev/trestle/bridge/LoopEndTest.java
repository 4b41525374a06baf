package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.loop.CancelledError;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.Task;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The effects of a loop's end on the other side of the bridge: no thread waits for the loop, and no publisher for a
 * reader.
 */
@Timeout(60)
@Execution(ExecutionMode.CONCURRENT) // most of its time is the patience of loops that close
class LoopEndTest {

    private final EventLoop loop = new EventLoop();
    private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();
    private final CountDownLatch mayEnd = new CountDownLatch(1);
    private @Nullable PublishedItems<Integer> kept;

    LoopEndTest() {
        loop.setSlowCallbackDuration(ofHours(1));
        loop.setExceptionHandler((_, context) -> reports.add(context.message()));
    }

    @AfterEach
    void end() {
        mayEnd.countDown();
    }

    private void waitUninterruptibly() {
        boolean open = false;
        while (!open) {
            try {
                mayEnd.await();
                open = true;
            } catch (InterruptedException e) {
                // ignored on purpose
            }
        }
    }

    // Futures

    /** Ends of a loop that leave a future incomplete. */
    enum Obstacle {
        NOTHING {
            @Override
            void arise(LoopEndTest test) {}
        },
        A_CALLBACK_HANGS {
            @Override
            void arise(LoopEndTest test) {
                test.loop.callSoonThreadsafe(test::waitUninterruptibly);
            }
        },
        A_COROUTINE_HANGS {
            @Override
            void arise(LoopEndTest test) {
                var _ = Bridge.runCoroutineThreadsafe(
                        () -> {
                            test.waitUninterruptibly();
                            return 1;
                        },
                        test.loop);
            }
        },
        A_BLOCKING_CALL_HANGS {
            @Override
            void arise(LoopEndTest test) {
                var _ = Bridge.runCoroutineThreadsafe(
                        () -> {
                            blocking(test::waitUninterruptibly);
                            return 1;
                        },
                        test.loop);
            }
        },
        THE_COROUTINE_SWALLOWS_EVERYTHING {
            @Override
            void arise(LoopEndTest test) {
                var _ = Bridge.runCoroutineThreadsafe(LoopEndTest::swallowEverything, test.loop);
            }
        },
        ANOTHER_FUTURES_CALLBACK_HANGS {
            @Override
            void arise(LoopEndTest test) {
                LoopFuture<String> future = test.loop.createFuture();
                Bridge.toConcurrentFuture(future).addDoneCallback(_ -> test.waitUninterruptibly());
            }
        };

        abstract void arise(LoopEndTest test);
    }

    private static int swallowEverything() {
        while (true) {
            try {
                sleep(ofHours(1));
            } catch (CancelledError | IllegalStateException e) {
                // swallowed on purpose
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyFutureThatOtherThreadsHaveEndsThough(Obstacle obstacle) {
        var futures = new ArrayList<ConcurrentFuture<?>>();
        LoopFuture<String> neverCompleted = loop.createFuture();
        futures.add(Bridge.toConcurrentFuture(neverCompleted));
        futures.add(Bridge.runCoroutineThreadsafe(() -> await(neverCompleted), loop));
        futures.add(Bridge.runCoroutineThreadsafe(
                () -> {
                    blocking(this::waitUninterruptibly);
                    return 1;
                },
                loop));
        futures.add(Bridge.runCoroutineThreadsafe(LoopEndTest::swallowEverything, loop));
        loop.runUntilComplete(() -> {
            yieldNow();
            yieldNow();
        });
        obstacle.arise(this);
        futures.add(Bridge.runCoroutineThreadsafe(() -> "never begun", loop));
        loop.close(ofMillis(20));

        assertThat(futures).allSatisfy(future -> assertThat(future.isDone()).isTrue());
    }

    @Test
    void aResultThatIsThereIsNotLostWhenACallbackHangs() {
        ConcurrentFuture<String> result = loop.runUntilComplete(() -> {
            LoopFuture<String> future = EventLoop.getRunningLoop().createFuture();
            ConcurrentFuture<String> outside = Bridge.toConcurrentFuture(future);
            EventLoop.getRunningLoop().callSoon(() -> {
                EventLoop.getRunningLoop().callSoon(this::waitUninterruptibly);
                future.setResult("there");
            });
            return outside;
        });
        loop.close(ofMillis(20));

        assertThat(result.result()).isEqualTo("there");
    }

    @Test
    void theFutureOfALoopThatIsClosedIsDoneAtOnce() {
        LoopFuture<String> pending = loop.createFuture();
        LoopFuture<String> done = loop.createFuture();
        done.setResult("done");
        loop.close();

        assertThat(Bridge.toConcurrentFuture(pending).isCancelled()).isTrue();
        assertThat(Bridge.toConcurrentFuture(done).result()).isEqualTo("done");
    }

    /** Checks for a leak: a long-lived loop would otherwise hold every future that it was ever asked for. */
    @Test
    void aLoopDoesNotHoldTheFuturesOfWhatHasEnded() {
        var held = new ArrayList<WeakReference<?>>();
        loop.runUntilComplete(() -> {
            for (int i = 0; i < 10; i++) {
                LoopFuture<Object> future = EventLoop.getRunningLoop().createFuture();
                held.add(new WeakReference<>(Bridge.toConcurrentFuture(future)));
                future.setResult("x");
            }
            yieldNow();
            yieldNow();
        });
        await().until(() -> {
            System.gc();
            return held.stream().allMatch(each -> each.get() == null);
        });
        loop.close();
    }

    /**
     * Checks for a leak: a long-lived loop would otherwise hold every publisher and every future that it has waited
     * for.
     */
    @Test
    void loopReleasesSubscriptionsAndPlainFuturesThatHaveEnded() {
        var held = new ArrayList<WeakReference<?>>();
        loop.runUntilComplete(() -> {
            readToTheEnd(held);
            subscribeToOneThatRefuses(held);
            awaitPlainFuture(held);
        });
        await().until(() -> {
            System.gc();
            return held.stream().allMatch(each -> each.get() == null);
        });
        assertThat(held).hasSize(3);
        loop.close();
    }

    private static void readToTheEnd(List<WeakReference<?>> held) {
        PublishedItems<String> items = Bridge.iterate(subscriber -> {
            held.add(new WeakReference<>(subscriber));
            subscriber.onComplete();
        });
        assertThat(items.hasNext()).isFalse();
    }

    private static void subscribeToOneThatRefuses(List<WeakReference<?>> held) {
        assertThatThrownBy(() -> Bridge.<String>iterate(subscriber -> {
                    held.add(new WeakReference<>(subscriber));
                    throw new UnsupportedOperationException("subscribe failed on purpose");
                }))
                .hasMessage("subscribe failed on purpose");
    }

    private static void awaitPlainFuture(List<WeakReference<?>> held) {
        var plain = new FutureTask<>(() -> "x");
        held.add(new WeakReference<>(plain));
        LoopFuture<String> wrapped = Bridge.wrapFuture(plain);
        plain.run();
        assertThat(await(wrapped)).isEqualTo("x");
    }

    @Test
    void theThreadThatWaitsForAPlainFutureEndsWithTheLoop() throws Exception {
        var waiter = new CompletableFuture<Thread>();
        var plain = new FutureTask<>(() -> "never run") {
            @Override
            public String get() throws InterruptedException {
                waiter.complete(Thread.currentThread());
                mayEnd.await();
                return "";
            }
        };
        loop.runUntilComplete(() -> {
            var _ = Bridge.wrapFuture(plain);
            blocking(() -> waiter.get());
        });
        loop.close();

        assertThat(waiter.join().join(ofSeconds(30))).as("the thread ends").isTrue();
    }

    // Calls of the default executor

    @Test
    void defaultExecutorsCallThatIgnoresInterruptsIsNamed() {
        var started = new CountDownLatch(1);
        loop.runUntilComplete(() -> {
            var _ = Bridge.toThread(() -> {
                started.countDown();
                waitUninterruptibly();
            });
            blocking(() -> started.await());
        });
        loop.close(ofMillis(50));

        assertThat(reports)
                .singleElement()
                .asString()
                .startsWith("Closing the executor of Bridge.toThread, with calls that have not ended: ")
                .contains("LoopEndTest.waitUninterruptibly(LoopEndTest.java:")
                .contains("does not end, not even when it is interrupted");
        assertThat(loop.isClosed()).isTrue();
    }

    @Test
    void anUncancelledCallIsAwaitedAndThenInterrupted() {
        var trail = new LinkedBlockingQueue<String>();
        var started = new CountDownLatch(1);
        loop.runUntilComplete(() -> {
            var _ = Bridge.toThread(() -> {
                started.countDown();
                try {
                    mayEnd.await();
                } catch (InterruptedException e) {
                    trail.add("interrupted");
                }
            });
            blocking(() -> started.await());
        });
        loop.close(ofMillis(50));

        assertThat(trail).containsExactly("interrupted");
        assertThat(reports).isEmpty();
    }

    // Publishers

    /** Submits to a publisher, with a buffer of 4, until it has no subscribers. */
    private static Thread produce(SubmissionPublisher<Integer> publisher) {
        return Thread.ofPlatform().daemon().start(() -> {
            while (publisher.hasSubscribers()) {
                publisher.submit(1);
            }
        });
    }

    /** The ends of the iterating code. */
    enum Reader {
        IS_CANCELLED_WITH_THE_LOOP {
            @Override
            void read(LoopEndTest test, PublishedItems<Integer> items) {
                createTask(() -> items.forEachRemaining(_ -> {}));
                yieldNow();
            }
        },
        LEAVES_EARLY {
            @Override
            void read(LoopEndTest test, PublishedItems<Integer> items) {
                items.next();
            }
        },
        HANGS_WHEN_IT_IS_CANCELLED {
            @Override
            void read(LoopEndTest test, PublishedItems<Integer> items) {
                createTask(() -> {
                    try {
                        items.forEachRemaining(_ -> {});
                    } finally {
                        test.waitUninterruptibly();
                    }
                });
                yieldNow();
            }
        },
        CALLS_WHAT_HANGS {
            @Override
            void read(LoopEndTest test, PublishedItems<Integer> items) {
                createTask(() -> {
                    items.next();
                    blocking(test::waitUninterruptibly);
                });
                yieldNow();
            }
        },
        SWALLOWS_ITS_CANCELLATION {
            @Override
            void read(LoopEndTest test, PublishedItems<Integer> items) {
                createTask(() -> {
                    while (true) {
                        try {
                            items.next();
                        } catch (CancelledError e) {
                            // swallowed on purpose
                        }
                    }
                });
                yieldNow();
            }
        };

        abstract void read(LoopEndTest test, PublishedItems<Integer> items);
    }

    @ParameterizedTest
    @EnumSource
    void theProducerGoesOnWhenTheLoopIsClosedAndTheReader(Reader reader) throws Exception {
        try (var publisher = new SubmissionPublisher<Integer>(Runnable::run, 4)) {
            Thread producer = loop.runUntilComplete(() -> {
                PublishedItems<Integer> items = Bridge.iterate(publisher);
                kept = items; // so that it is not ended because it is garbage
                Thread thread = produce(publisher);
                Task<?> reading = createTask(() -> reader.read(this, items));
                await(reading);
                return thread;
            });
            loop.close(ofMillis(20));

            assertThat(producer.join(ofSeconds(30))).as("the producer ends").isTrue();
            assertThat(publisher.hasSubscribers()).isFalse();
            assertThat(kept != null).isTrue();
        }
    }

    /** The producer of the items is in the same loop, which waits for the producer. */
    @Test
    void aProducerInABlockingCallDoesNotKeepTheLoopFromClosing() {
        try (var publisher = new SubmissionPublisher<Integer>(Runnable::run, 4)) {
            loop.runUntilComplete(() -> {
                PublishedItems<Integer> items = Bridge.iterate(publisher);
                createTask(() -> blocking(() -> {
                    while (publisher.hasSubscribers()) {
                        publisher.submit(1);
                    }
                }));
                for (int item : items) {
                    assertThat(item).isOne();
                    break;
                }
            });
            loop.close(ofHours(1));
        }
        assertThat(reports).isEmpty();
    }

    /** Submits items in the way of a subscription that does not notice that it was cancelled. */
    @Test
    void itemAfterTheEndOfTheLoopCancelsTheSubscription() {
        var cancelled = new AtomicInteger();
        var subscriber = new CompletableFuture<Flow.Subscriber<? super String>>();
        EventLoop.run(() -> {
            Bridge.<String>iterate(subscriber::complete);
        });
        subscriber.join().onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long n) {}

            @Override
            public void cancel() {
                cancelled.incrementAndGet();
            }
        });
        assertThat(cancelled).hasValue(1);
        subscriber.join().onNext("late");
        subscriber.join().onComplete();
        assertThat(cancelled).hasValue(1);
    }

    @Test
    void aSecondSubscriptionIsCancelled() {
        var cancelled = new ArrayList<String>();
        loop.runUntilComplete(() -> {
            var items = Bridge.<String>iterate(subscriber -> {
                subscriber.onSubscribe(new Named("first", cancelled));
                subscriber.onSubscribe(new Named("second", cancelled));
            });
            assertThat(cancelled).containsExactly("second");
            items.close();
            items.close();
        });
        loop.close();
        assertThat(cancelled).containsExactly("second", "first");
    }

    private record Named(String name, List<String> cancelled) implements Flow.Subscription {
        @Override
        public void request(long n) {}

        @Override
        public void cancel() {
            cancelled.add(name);
        }
    }

    @Test
    void theProducerGoesOnWhenTheItemsAreGarbage() throws Exception {
        try (var publisher = new SubmissionPublisher<Integer>(Runnable::run, 4)) {
            Thread producer = loop.runUntilComplete(() -> {
                PublishedItems<Integer> items = Bridge.iterate(publisher);
                Thread thread = produce(publisher);
                items.next(); // and they are not closed
                return thread;
            });
            await().until(() -> {
                System.gc();
                return !producer.isAlive();
            });
        }
        loop.close();
    }

    @Test
    void aCoroutineThatCleansUpGetsItemsAndThenARefusal() {
        var seen = new ArrayList<Integer>();
        var refusal = new AtomicReference<@Nullable Throwable>();
        try (var publisher = new SubmissionPublisher<Integer>(Runnable::run, 4)) {
            loop.runUntilComplete(() -> {
                PublishedItems<Integer> items = Bridge.iterate(publisher);
                createTask(() -> {
                    try {
                        sleep(ofHours(1));
                    } finally {
                        refusal.set(catchThrowable(() -> items.forEachRemaining(seen::add)));
                    }
                });
                yieldNow();
                yieldNow();
                publisher.submit(1);
                publisher.submit(2);
                yieldNow();
            });
            loop.close();
        }

        assertThat(seen).containsExactly(1, 2);
        assertThat(refusal.get())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("There are no more items")
                .hasMessageContaining("is being closed");
    }

    @Test
    void closingItemsWakesTheTaskThatWaitsForOne() {
        try (var publisher = new SubmissionPublisher<Integer>(Runnable::run, 4)) {
            loop.runUntilComplete(() -> {
                PublishedItems<Integer> items = Bridge.iterate(publisher);
                Task<Boolean> reader = createTask(items::hasNext);
                yieldNow();
                blocking(items::close);
                assertThat(await(reader)).isFalse();
            });
        }
        loop.close();
    }

    @Test
    void publisherThatRefusesLeavesNothingInTheLoop() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> Bridge.<String>iterate(_ -> {
                        throw new UnsupportedOperationException("subscribe failed on purpose");
                    }))
                    .hasMessage("subscribe failed on purpose");
        });
        loop.close();
        assertThat(reports).isEmpty();
    }

    @Test
    void subscriptionThatFailsToCancelIsNamedInTheReport() {
        loop.runUntilComplete(() -> {
            kept = Bridge.iterate(subscriber -> subscriber.onSubscribe(new Flow.Subscription() {
                @Override
                public void request(long n) {}

                @Override
                public void cancel() {
                    throw new IllegalStateException("cancel failed on purpose");
                }
            }));
        });
        loop.close();

        assertThat(reports).anyMatch(each -> each.contains("the subscription of Bridge.iterate to"));
    }

    @Test
    void aFutureOfAPoolThatIsLeftIsNotTouched() {
        var promise = new Promise<String>((_, _) -> {});
        loop.runUntilComplete(() -> {
            var _ = Bridge.wrapFuture(promise);
        });
        loop.close();

        assertThat(promise.isDone()).isFalse();
    }
}
