package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.loop.Async;
import dev.trestle.loop.CancelledError;
import dev.trestle.loop.ContextVar;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskFactory;
import dev.trestle.loop.TaskOptions;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Results, errors and cancellation, across the bridge in both directions. */
@Timeout(30)
class BridgeTest {

    private static final ContextVar<String> USER = new ContextVar<>("user", "nobody");

    @AutoClose
    private final ThreadPool pool = new ThreadPool(2);

    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void openTheGate() {
        gate.countDown();
    }

    private String waitAtGate(CountDownLatch started, CountDownLatch interrupted) throws InterruptedException {
        started.countDown();
        try {
            gate.await();
        } catch (InterruptedException e) {
            interrupted.countDown();
            throw e;
        }
        return "passed";
    }

    // Into the loop

    @Test
    void aPoolsResultIsAwaitedWhileOthersRun() {
        int sum = EventLoop.run(() -> {
            var a = Bridge.runInExecutor(pool, () -> {
                gate.await();
                return 1;
            });
            Task<Integer> b = createTask(() -> {
                gate.countDown();
                return 2;
            });
            return await(a) + await(b);
        });

        assertThat(sum).isEqualTo(3);
    }

    @Test
    void aResultThatIsThereAlreadyIsThereAtOnce() {
        var done = new Promise<String>();
        done.setResult("x");
        EventLoop.run(() -> {
            assertThat(Bridge.wrapFuture(done).result()).isEqualTo("x");
            assertThat(Bridge.wrapFuture(CompletableFuture.completedFuture("y")).result())
                    .isEqualTo("y");
        });
    }

    @Test
    void exceptionsCrossAsTheyWereThrown() {
        var unchecked = new IllegalArgumentException("a");
        var checked = new IOException("b");
        EventLoop.run(() -> {
            var first = Bridge.runInExecutor(pool, () -> {
                throw unchecked;
            });
            var second = Bridge.runInExecutor(pool, () -> {
                throw checked;
            });
            assertThatThrownBy(() -> await(first)).isSameAs(unchecked);
            assertThatThrownBy(() -> await(second))
                    .isInstanceOf(CompletionException.class)
                    .hasCause(checked);
        });
    }

    @Test
    void aStageIsUnwrapped() {
        CompletionStage<String> failed =
                CompletableFuture.<String>failedStage(new IOException("x")).thenApply(text -> text);
        EventLoop.run(() -> {
            var wrapped = Bridge.wrapFuture(failed);
            assertThatThrownBy(() -> await(wrapped)).hasCauseInstanceOf(IOException.class);
            assertThat(wrapped.exception()).get().isInstanceOf(IOException.class);
        });
    }

    @Test
    void cancellingTheAwaitingTaskInterruptsTheCall() {
        var started = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        EventLoop.run(() -> {
            Task<String> task =
                    createTask(() -> await(Bridge.runInExecutor(pool, () -> waitAtGate(started, interrupted))));
            blocking(() -> started.await());
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            blocking(() -> interrupted.await());
        });
    }

    @Test
    void cancellingThePoolsFutureCancelsTheLoops() {
        EventLoop.run(() -> {
            var promise = new Promise<String>();
            LoopFuture<String> wrapped = Bridge.wrapFuture(promise);
            blocking(() -> {
                promise.cancel(true);
            });
            assertThatThrownBy(() -> await(wrapped)).isInstanceOf(CancelledError.class);
            assertThat(wrapped.isCancelled()).isTrue();
        });
    }

    @Test
    void aPoolThatStopsEndsWhatTheLoopAwaitsOfIt() {
        EventLoop.run(() -> {
            var bothRun = new CountDownLatch(2);
            var interrupted = new CountDownLatch(2);
            var running = List.of(
                    Bridge.runInExecutor(pool, () -> waitAtGate(bothRun, interrupted)),
                    Bridge.runInExecutor(pool, () -> waitAtGate(bothRun, interrupted)));
            LoopFuture<Integer> queued = Bridge.runInExecutor(pool, () -> 1);
            blocking(() -> bothRun.await());

            pool.shutdownNow();

            assertThatThrownBy(() -> await(queued)).isInstanceOf(CancelledError.class);
            for (var each : running) {
                assertThatThrownBy(() -> await(each)).isInstanceOfAny(CancelledError.class, CompletionException.class);
            }
            blocking(() -> interrupted.await()); // a future that is cancelled may be done before its call has stopped
            assertThat(Async.currentTask().cancelling()).isZero();
        });
    }

    @Test
    void aPoolThatIsShutDownRefusesInTheCoroutine() {
        EventLoop.run(() -> {
            pool.shutdown();

            assertThatThrownBy(() -> Bridge.runInExecutor(pool, () -> 1))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("it has been shut down");
            yieldNow();
        });
    }

    @Test
    void cancellingAWrappedCompletableFutureCancelsIt() {
        var future = new CompletableFuture<String>();
        EventLoop.run(() -> {
            Bridge.wrapFuture(future).cancel();
            yieldNow();
        });

        assertThat(future).isCancelled();
    }

    @Test
    void aStageThatCannotBeCancelledIsLeftAlone() {
        var future = new CompletableFuture<String>();
        EventLoop.run(() -> {
            LoopFuture<String> wrapped = Bridge.wrapFuture(future.minimalCompletionStage());
            wrapped.cancel();
            yieldNow();
            future.complete("late");
            sleep(ofMillis(1));
            assertThat(wrapped.isCancelled()).isTrue();
        });
    }

    @Test
    void aPlainFutureIsAwaited() {
        try (ExecutorService plain = Executors.newSingleThreadExecutor()) {
            EventLoop.run(() -> {
                var result = Bridge.runInExecutor(plain, () -> {
                    gate.await();
                    return "plain";
                });
                var tick = createTask(gate::countDown);
                assertThat(await(result)).isEqualTo("plain");
                assertThat(tick.isDone()).isTrue();

                Future<String> failing = plain.submit(() -> {
                    throw new IOException("x");
                });
                assertThatThrownBy(() -> await(Bridge.wrapFuture(failing))).hasCauseInstanceOf(IOException.class);
            });
        }
    }

    @Test
    void plainFutureThatIsDoneIsReadAtOnce() {
        var done = new FutureTask<>(() -> "done");
        done.run();

        EventLoop.run(() -> {
            LoopFuture<String> wrapped = Bridge.wrapFuture(done);
            yieldNow();
            assertThat(wrapped.isDone()).isTrue();
            assertThat(await(wrapped)).isEqualTo("done");
        });
    }

    @Test
    void taskWithoutResultRunsOnAnyExecutor() {
        try (ExecutorService plain = Executors.newSingleThreadExecutor()) {
            EventLoop.run(() -> {
                var ran = new AtomicBoolean();
                Runnable task = () -> ran.set(true);
                await(Bridge.runInExecutor(plain, task));
                assertThat(ran).isTrue();
            });
        }
    }

    @Test
    void actionRunsInTheDefaultExecutor() {
        EventLoop.run(() -> {
            var ran = new AtomicBoolean();
            await(Bridge.toThread(() -> ran.set(true)));
            assertThat(ran).isTrue();
        });
    }

    @Test
    void anUnwaitableFutureFailsItsAwaiter() {
        var contrary = new FutureTask<>(() -> "never run") {
            @Override
            public String get() {
                throw new UnsupportedOperationException("get is not supported");
            }
        };

        EventLoop.run(() -> {
            assertThatThrownBy(() -> await(Bridge.wrapFuture(contrary)))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessage("get is not supported");
        });
    }

    @Test
    void aPlainFutureIsCancelledFromTheLoop() {
        var task = new FutureTask<>(() -> "never run");
        EventLoop.run(() -> {
            Bridge.wrapFuture(task).cancel();
            yieldNow();
        });

        assertThat(task.isCancelled()).isTrue();
    }

    @Test
    void toThreadRunsOffTheLoopAndKeepsTheOrder() {
        EventLoop.run(() -> {
            Thread mine = Thread.currentThread();
            var results = await(gather(
                    Bridge.toThread(() -> Thread.currentThread() != mine),
                    Bridge.toThread(() -> Thread.currentThread().isVirtual())));
            assertThat(results).containsExactly(true, true);
        });
    }

    @Test
    void toThreadCarriesACopyOfTheContext() {
        EventLoop.run(() -> {
            USER.set("ada");
            String seen = await(Bridge.toThread(() -> {
                String user = USER.get();
                USER.set("bob");
                return user;
            }));
            assertThat(seen).isEqualTo("ada");
            assertThat(USER.get()).isEqualTo("ada");
            assertThat(await(Bridge.runInExecutor(pool, () -> USER.get()))).isEqualTo("nobody");
        });
    }

    @Test
    void aCoroutineSentFromOutsideSeesItsSendersContext() throws Exception {
        String seen = EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            USER.set("loop");
            return blocking(() -> {
                USER.set("sender");
                ConcurrentFuture<String> user = Bridge.runCoroutineThreadsafe(() -> USER.get(), loop);
                USER.set("later");
                return user.result();
            });
        });

        assertThat(seen).isEqualTo("sender");
    }

    /** The loop interrupts the call when it ends; the call takes many steps more until it has ended. */
    @Test
    void theDefaultExecutorClosesWithTheLoop() {
        var ended = new AtomicBoolean();
        EventLoop.run(() -> {
            var started = new CountDownLatch(1);
            createTask(() -> await(Bridge.toThread(() -> {
                started.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    for (int i = 0; i < 1000; i++) {
                        Thread.ofVirtual().start(() -> {}).join();
                    }
                    ended.set(true);
                }
            })));
            blocking(() -> started.await());
        });

        assertThat(ended).as("the loop waited for its thread").isTrue();
    }

    /** A submission that waited for room would stop the loop. */
    @Test
    void aFullPoolRefusesInTheLoopAndSaysWhatToDo() {
        try (var full = ThreadPool.builder().size(1).queueLimit(0).build()) {
            EventLoop.run(() -> {
                var first = Bridge.runInExecutor(full, () -> {
                    gate.await();
                    return 1;
                });
                assertThatThrownBy(() -> Bridge.runInExecutor(full, () -> 2))
                        .isInstanceOf(RejectedExecutionException.class)
                        .hasMessageContaining("is full: 1 calls have not ended, and this thread must not wait")
                        .hasMessageContaining("LoopSemaphore")
                        .hasCauseInstanceOf(IllegalStateException.class);
                gate.countDown();
                assertThat(await(first)).isEqualTo(1);
            });
        }
    }

    @Test
    void withoutALoopNothingIsSubmitted() {
        var ran = new AtomicBoolean();
        assertThatThrownBy(() -> Bridge.runInExecutor(pool, () -> ran.getAndSet(true)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("No event loop is running");
        assertThat(pool.statistics().submitted()).isZero();
        assertThat(ran).isFalse();
    }

    @Test
    void anOutcomeAfterTheLoopHasClosedIsDropped() {
        var promise = new Promise<String>((running, interrupt) -> {});
        var stage = new CompletableFuture<String>();
        EventLoop.run(() -> {
            var _ = Bridge.wrapFuture(promise);
            var _ = Bridge.wrapFuture((CompletionStage<String>) stage);
        });
        promise.setResult("late");
        stage.complete("late");

        assertThat(promise.result()).isEqualTo("late");
    }

    // Out of the loop

    @Test
    void aCoroutineRunsForAForeignThread() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            String text = blocking(() -> Bridge.runCoroutineThreadsafe(
                            () -> {
                                sleep(ofMillis(1));
                                return "from the loop, "
                                        + EventLoop.getRunningLoop().equals(loop);
                            },
                            loop)
                    .result());
            assertThat(text).isEqualTo("from the loop, true");
        });
    }

    @Test
    void itsExceptionAndItsCancellationReachTheForeignThread() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            blocking(() -> {
                var failing = Bridge.runCoroutineThreadsafe(
                        () -> {
                            throw new IOException("x");
                        },
                        loop);
                assertThatThrownBy(failing::result).hasCauseInstanceOf(IOException.class);
                var cancelled = Bridge.runCoroutineThreadsafe(
                        () -> {
                            Task<?> me = dev.trestle.loop.Async.currentTask();
                            me.cancel();
                            yieldNow();
                            return "";
                        },
                        loop);
                assertThatThrownBy(cancelled::result).isInstanceOf(CancellationException.class);
            });
        });
    }

    @Test
    void cancellingItFromOutsideCancelsTheTask() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            var seen = new CountDownLatch(1);
            blocking(() -> {
                var started = new CountDownLatch(1);
                var future = Bridge.runCoroutineThreadsafe(
                        () -> {
                            try {
                                started.countDown();
                                sleep(ofHours(1));
                                return "";
                            } catch (CancelledError e) {
                                seen.countDown();
                                throw e;
                            }
                        },
                        loop);
                started.await();
                future.cancel(true);
                assertThat(seen.await(10, SECONDS)).isTrue();
            });
        });
    }

    @Test
    void anErrorBeforeItStartsReachesTheForeignThreadToo() {
        EventLoop.run(() -> {
            EventLoop here = EventLoop.getRunningLoop();
            here.setTaskFactory(new TaskFactory() {
                @Override
                public <T extends @Nullable Object> Task<T> create(
                        EventLoop loop, Coroutine<T> coroutine, TaskOptions options) {
                    throw new AssertionError("no tasks today");
                }
            });
            ConcurrentFuture<String> refused = blocking(() -> Bridge.runCoroutineThreadsafe(() -> "x", here));

            assertThatThrownBy(() -> blocking(() -> refused.result()))
                    .isInstanceOf(AssertionError.class)
                    .hasMessage("no tasks today");
        });
    }

    @Test
    void noFutureIsLostWhenTheLoopClosesFirst() {
        var loop = new EventLoop();
        ConcurrentFuture<String> neverStarted = Bridge.runCoroutineThreadsafe(() -> "x", loop);
        loop.close();
        assertThat(neverStarted.isDone()).isTrue();
        assertThatThrownBy(neverStarted::result).hasMessageContaining("closed");

        var running = new AtomicReference<ConcurrentFuture<String>>();
        EventLoop.run(() -> {
            EventLoop here = EventLoop.getRunningLoop();
            var started = new CountDownLatch(1);
            blocking(() -> {
                running.set(Bridge.runCoroutineThreadsafe(
                        () -> {
                            started.countDown();
                            sleep(ofHours(1));
                            return "";
                        },
                        here));
                started.await();
            });
        });
        await().until(running.get()::isDone);
        assertThat(running.get().isCancelled()).isTrue();
    }

    @Test
    void aLoopsFutureIsWaitedForByAForeignThread() {
        EventLoop.run(() -> {
            Task<String> task = createTask(() -> {
                sleep(ofMillis(1));
                return "done";
            });
            ConcurrentFuture<String> outside = Bridge.toConcurrentFuture(task);
            assertThatThrownBy(outside::result).hasMessageContaining("would stop EventLoop");
            assertThat(blocking(() -> outside.toCompletableFuture().join())).isEqualTo("done");
        });
    }

    @Test
    void cancellingALoopsFutureFromOutsideReachesIt() {
        EventLoop.run(() -> {
            Task<?> task = createTask(() -> sleep(ofHours(1)));
            var outside = Bridge.toConcurrentFuture(task).toCompletableFuture();
            blocking(() -> {
                outside.cancel(true);
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });
    }

    // Publishers

    @Test
    void aCoroutineIteratesOverAPublisher() {
        try (var publisher = new SubmissionPublisher<Integer>()) {
            EventLoop.run(() -> {
                var items = Bridge.iterate(publisher);
                var publishing = createTask(() -> blocking(() -> {
                    await().until(publisher::hasSubscribers);
                    for (int i = 0; i < 1000; i++) {
                        publisher.submit(i);
                    }
                    publisher.close();
                }));
                int expected = 0;
                for (int item : items) {
                    assertThat(item).isEqualTo(expected++);
                }
                assertThat(expected).isEqualTo(1000);
                assertThatThrownBy(items::next).isInstanceOf(NoSuchElementException.class);
                await(publishing);
            });
        }
    }

    @Test
    void aPublisherIsAskedForNoMoreThanThereIsRoomFor() {
        var demand = new AtomicLong();
        EventLoop.run(() -> {
            var items = Bridge.<Integer>iterate(subscriber -> subscriber.onSubscribe(new Flow.Subscription() {
                @Override
                public void request(long n) {
                    for (int i = 0; i < n; i++) {
                        subscriber.onNext((int) demand.getAndIncrement());
                    }
                }

                @Override
                public void cancel() {
                    demand.set(-1);
                }
            }));
            assertThat(items.next()).isZero();
            assertThat(demand).hasValueLessThanOrEqualTo(33);
            for (int i = 1; i < 100; i++) {
                assertThat(items.next()).isEqualTo(i);
            }
            assertThat(demand).hasValueLessThanOrEqualTo(132);
            items.close();
            assertThat(demand).as("the subscription was cancelled").hasValue(-1);
            assertThat(items.hasNext()).isFalse();
        });
    }

    @Test
    void aFailingPublisherFailsAfterItsItems() {
        EventLoop.run(() -> {
            var items = Bridge.<String>iterate(subscriber -> subscriber.onSubscribe(new Flow.Subscription() {
                @Override
                public void request(long n) {
                    subscriber.onNext("one");
                    subscriber.onError(new IOException("broken"));
                }

                @Override
                public void cancel() {
                    throw new AssertionError("This was cancelled, which no code should do");
                }
            }));
            assertThat(items.next()).isEqualTo("one");
            assertThatThrownBy(items::hasNext).hasCauseInstanceOf(IOException.class);
        });
    }
}
