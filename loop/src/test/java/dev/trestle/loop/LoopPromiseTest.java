package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofNanos;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LoopPromiseTest {

    private static void nothing() {}

    private static <T extends @Nullable Object> LoopPromise<T> promise() {
        return new LoopPromise<>(EventLoop.getRunningLoop(), LoopPromiseTest::nothing);
    }

    /** Runs something on a thread that has nothing to do with loops, and waits for its end. */
    private static Thread elsewhere(Runnable what) throws InterruptedException {
        Thread thread = Thread.ofPlatform().start(what);
        thread.join();
        return thread;
    }

    /** Runs something elsewhere, when the loop has nothing to do. */
    private static Thread whenTheLoopSleeps(Runnable what) {
        EventLoop loop = EventLoop.getRunningLoop();
        return Thread.ofPlatform().start(() -> {
            while (loop.baton().holder() != null) {
                Thread.onSpinWait();
            }
            what.run();
        });
    }

    @Test
    void anotherThreadsResultIsAwaited() {
        String result = EventLoop.run(() -> {
            LoopPromise<String> promise = promise();
            whenTheLoopSleeps(() -> promise.trySetResult("from elsewhere"));
            return await(promise.future());
        });
        assertThat(result).isEqualTo("from elsewhere");
    }

    @Test
    void aResultMayBeNull() {
        LoopPromise<@Nullable String> done = EventLoop.run(() -> {
            LoopPromise<@Nullable String> promise = promise();
            whenTheLoopSleeps(() -> promise.trySetResult(null));
            assertThat(await(promise.future())).isNull();
            return promise;
        });
        assertThat(done.future().result()).isNull();
    }

    @Test
    void anExceptionIsThrownAsOfEveryFuture() {
        EventLoop.run(() -> {
            LoopPromise<String> promise = promise();
            whenTheLoopSleeps(() -> promise.trySetException(new IOException("no line")));
            assertThatThrownBy(() -> await(promise.future()))
                    .isInstanceOf(CompletionException.class)
                    .hasRootCauseMessage("no line");
        });
    }

    @Test
    void theFirstOutcomeCountsAndTheOthersAreDropped() {
        int result = EventLoop.run(() -> {
            LoopPromise<Integer> promise = promise();
            elsewhere(() -> {
                assertThat(promise.trySetResult(1)).isTrue();
                assertThat(promise.trySetResult(2)).isTrue();
                assertThat(promise.trySetException(new IOException("late"))).isTrue();
                assertThat(promise.tryCancel()).isTrue();
            });
            return await(promise.future());
        });
        assertThat(result).isEqualTo(1);
    }

    @Test
    void outcomesAndCallbacksComeInTheOrderInWhichTheyWereSent() {
        var seen = new ArrayList<String>();
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            LoopPromise<String> promise = promise();
            promise.future().addDoneCallback(_ -> seen.add("done"));
            elsewhere(() -> {
                loop.callSoonThreadsafe(
                        () -> seen.add("before, done: " + promise.future().isDone()));
                promise.trySetResult("");
                loop.callSoonThreadsafe(
                        () -> seen.add("after, done: " + promise.future().isDone()));
            });
            await(promise.future());
        });
        assertThat(seen).containsExactly("before, done: false", "after, done: true", "done");
    }

    @Test
    void insideTheLoopItCompletesAtOnce() {
        EventLoop.run(() -> {
            LoopPromise<String> promise = promise();
            assertThat(promise.trySetResult("now")).isTrue();
            assertThat(promise.future().result()).isEqualTo("now");
        });
    }

    @Test
    void cancellingTheFutureIsToldOnceByACallbackInItsContext() {
        ContextVar<String> variable = new ContextVar<>("variable");
        var told = new ArrayList<String>();
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            variable.set("as it was");
            LoopPromise<String> promise =
                    new LoopPromise<>(loop, () -> told.add(variable.get() + ", task: " + loop.currentTask()));
            variable.set("changed");
            assertThat(promise.future().cancel()).isTrue();
            assertThat(promise.future().cancel()).isFalse();
            assertThat(told).isEmpty();
            yieldNow();
        });
        assertThat(told).containsExactly("as it was, task: null");
    }

    @Test
    void cancellingTheAwaitingTaskIsTold() {
        var told = new ArrayList<String>();
        EventLoop.run(() -> {
            LoopPromise<String> promise =
                    new LoopPromise<>(EventLoop.getRunningLoop(), () -> told.add("abort the request"));
            Task<String> task = createTask(() -> await(promise.future()));
            yieldNow();
            task.cancel();
            assertThrows(CancelledError.class, () -> await(task));
            yieldNow();
        });
        assertThat(told).containsExactly("abort the request");
    }

    @Test
    void aSourceThatWasCancelledIsNotToldOfIt() {
        var told = new ArrayList<String>();
        EventLoop.run(() -> {
            LoopPromise<String> promise =
                    new LoopPromise<>(EventLoop.getRunningLoop(), () -> told.add("abort the request"));
            whenTheLoopSleeps(promise::tryCancel);
            assertThrows(CancelledError.class, () -> await(promise.future()));
            yieldNow();
        });
        assertThat(told).isEmpty();
    }

    @Test
    void aClosedLoopTakesNothing() {
        var loop = new EventLoop();
        var promise = new LoopPromise<String>(loop, LoopPromiseTest::nothing);
        loop.close();
        assertThat(promise.trySetResult("too late")).isFalse();
        assertThat(promise.trySetException(new IOException("too late"))).isFalse();
        assertThat(promise.tryCancel()).isFalse();
        assertThat(promise.future().isDone()).isFalse();
    }

    @Test
    void aLoopThatDoesNotRunYetTakesOutcomesForItsNextRun() throws Exception {
        try (var loop = new EventLoop()) {
            var promise = new LoopPromise<String>(loop, LoopPromiseTest::nothing);
            elsewhere(() -> promise.trySetResult("early"));
            assertThat(loop.runUntilComplete(promise.future())).isEqualTo("early");
        }
    }

    @Test
    void aPromiseIsNotMadeOnAForeignThread() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            var error = blocking(() -> assertThrows(
                    IllegalStateException.class, () -> new LoopPromise<String>(loop, LoopPromiseTest::nothing)));
            assertThat(error).hasMessageStartingWith("Cannot create something of " + loop);
        });
    }

    /** The thread that brings an outcome passes the baton on by itself; but it runs nothing of the user's. */
    @Test
    void theThreadThatBringsAnOutcomeRunsNoneOfTheUsersCode() throws Exception {
        var threads = new LinkedBlockingQueue<Thread>();
        Thread foreign = EventLoop.run(() -> {
            LoopPromise<String> promise = promise();
            promise.future().addDoneCallback(_ -> threads.add(Thread.currentThread()));
            Thread bringing = whenTheLoopSleeps(() -> promise.trySetResult(""));
            await(promise.future());
            threads.add(Thread.currentThread());
            yieldNow();
            return bringing;
        });
        foreign.join();
        assertThat(threads).hasSize(2).doesNotContain(foreign);
    }

    @Test
    void aTimerThatIsDueWhenAnOutcomeComesIsFired() {
        List<String> seen = new ArrayList<>();
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < 1_000; i++) {
                LoopPromise<String> promise = promise();
                LoopFuture<String> fired = loop.createFuture();
                loop.callLater(ofNanos(i * 100L), () -> fired.setResult("timer"));
                Thread.ofVirtual().start(() -> promise.trySetResult("outcome"));
                seen.addAll(await(gather(promise.future(), fired)));
            }
        });
        assertThat(seen).hasSize(2_000);
    }

    /** Counted without any synchronisation, by the thread that has the baton. */
    private int count;

    @Test
    void noOutcomeIsLostBesideTimersAndBlockingCalls() {
        int threads = 8;
        int each = 5_000;
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.callLater(ofHours(1), () -> {});
            var tasks = new ArrayList<Task<?>>();
            var begin = new CountDownLatch(1);
            for (int t = 0; t < threads; t++) {
                var asked = new LinkedBlockingQueue<LoopPromise<Integer>>();
                Thread.Builder builder = t % 2 == 0 ? Thread.ofVirtual() : Thread.ofPlatform();
                builder.start(() -> answer(begin, asked, each));
                tasks.add(createTask(() -> {
                    for (int i = 0; i < each; i++) {
                        LoopPromise<Integer> promise = promise();
                        asked.add(promise);
                        assertThat(await(promise.future())).isEqualTo(i);
                        count++;
                    }
                }));
            }
            tasks.add(createTask(() -> {
                for (int i = 0; i < each / 10; i++) {
                    sleep(ofNanos(i));
                    count++;
                }
            }));
            tasks.add(createTask(() -> {
                for (int i = 0; i < each; i++) {
                    blocking(Thread::yield);
                    count++;
                }
            }));
            begin.countDown();
            await(gather(tasks));
        });
        assertThat(count).isEqualTo((threads + 1) * each + each / 10);
    }

    private static void answer(CountDownLatch begin, LinkedBlockingQueue<LoopPromise<Integer>> asked, int times) {
        try {
            begin.await();
            for (int i = 0; i < times; i++) {
                asked.take().trySetResult(i);
            }
        } catch (InterruptedException e) {
            throw new AssertionError("This thread was interrupted, which no code should do", e);
        }
    }
}
