package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.loop.CancelledError;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskOptions;
import dev.trestle.threadpool.ThreadPool;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A pool that is closed in an event loop: a coroutine waits and the loop goes on, a callback is refused. */
@Timeout(30)
class CloseInALoopTest {

    private final CountDownLatch gate = new CountDownLatch(1);
    private final CountDownLatch started = new CountDownLatch(1);
    private final BlockingQueue<String> trail = new LinkedBlockingQueue<>();

    @AfterEach
    void openTheGate() {
        gate.countDown();
    }

    private void call() {
        started.countDown();
        try {
            gate.await();
            trail.add("call ended");
        } catch (InterruptedException e) {
            trail.add("call interrupted");
        }
    }

    /** The ways in which a coroutine waits for the end of a pool. */
    enum Wait {
        TRY {
            @Override
            void waitFor(FutureExecutor pool) {
                try (pool) {
                    assertThat(pool.isShutdown()).isFalse();
                }
            }
        },
        CLOSE {
            @Override
            void waitFor(FutureExecutor pool) {
                pool.close();
            }
        },
        AWAIT_TERMINATION {
            @Override
            void waitFor(FutureExecutor pool) throws InterruptedException {
                pool.shutdown();
                assertThat(pool.awaitTermination(1, TimeUnit.DAYS)).isTrue();
            }
        };

        abstract void waitFor(FutureExecutor pool) throws InterruptedException;
    }

    @ParameterizedTest
    @EnumSource
    void theLoopGoesOnWhileACoroutineWaitsBy(Wait wait) {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            var _ = pool.submit(this::call);
            createTask(() -> {
                trail.add("other task");
                gate.countDown();
            });
            wait.waitFor(pool);
            assertThat(pool.isTerminated()).isTrue();
            assertThat(EventLoop.getRunningLoop().isRunningHere()).isTrue();
        });
        assertThat(trail).containsExactly("other task", "call ended");
    }

    @ParameterizedTest
    @EnumSource
    void anEagerTaskWaitsBy(Wait wait) {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            var _ = pool.submit(this::call);
            Task<?> eager = EventLoop.getRunningLoop()
                    .createTask(() -> wait.waitFor(pool), new TaskOptions().withEagerStart(true));
            trail.add("creator");
            gate.countDown();
            await(eager);
        });
        assertThat(trail).containsExactly("creator", "call ended");
    }

    @Test
    void aCancelledTaskInterruptsTheCallsAndClosesThePool() {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            var _ = pool.submit(this::call);
            Task<?> closing = createTask(pool::close);
            blocking(() -> started.await());
            closing.cancel("enough");
            assertThatThrownBy(() -> await(closing))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("enough");
            assertThat(pool.isTerminated()).isTrue();
        });
        assertThat(trail).containsExactly("call interrupted");
    }

    @Test
    void cancellingTheTaskEndsAwaitTerminationAlone() {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            var _ = pool.submit(this::call);
            pool.shutdown();
            Task<?> waiting = createTask(() -> {
                pool.awaitTermination(1, TimeUnit.DAYS);
            });
            blocking(() -> started.await());
            yieldNow();
            waiting.cancel();
            assertThatThrownBy(() -> await(waiting))
                    .isInstanceOf(CancelledError.class)
                    .hasCauseInstanceOf(InterruptedException.class);
            assertThat(pool.isTerminated()).isFalse();
            gate.countDown();
            pool.close();
        });
        assertThat(trail).containsExactly("call ended");
    }

    @Test
    void aCancelledTaskClosesThePoolFirst() {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            var _ = pool.submit(this::call);
            blocking(() -> started.await());
            Task<?> closing = createTask(() -> {
                currentTask().cancel("before");
                pool.close();
                trail.add("went on");
            });
            assertThatThrownBy(() -> await(closing))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("before");
            assertThat(pool.isTerminated()).isTrue();
        });
        assertThat(trail).containsExactly("call interrupted");
    }

    @Test
    void aTaskThatLeavesItsTryByCancellationClosesThePool() {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            Task<?> task = createTask(() -> {
                try (pool) {
                    await(Bridge.runInExecutor(pool, this::call));
                }
            });
            blocking(() -> started.await());
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            assertThat(pool.isTerminated()).isTrue();
        });
        assertThat(trail).containsExactly("call interrupted");
    }

    @Test
    void aTaskThatItsLoopThrowsOutClosesThePool() {
        var pool = new ThreadPool(1);
        var loop = new EventLoop();
        loop.setExceptionHandler((_, context) -> trail.add(context.message()));
        loop.runUntilComplete(() -> {
            var _ = pool.submit(this::call);
            createTask(
                    () -> {
                        try (pool) {
                            while (true) {
                                try {
                                    sleep(ofHours(1));
                                } catch (CancelledError e) {
                                    // swallowed on purpose
                                }
                            }
                        }
                    },
                    "stubborn");
            blocking(() -> started.await());
        });
        loop.close(ofMillis(50));

        assertThat(pool.isTerminated()).isTrue();
        assertThat(trail.remove()).contains("Task[stubborn").contains("refused to end");
        assertThat(trail.remove()).isEqualTo("call interrupted");
    }

    @Test
    void inACallbackAPoolIsShutDownAndTheWaitIsRefused() {
        var pool = new ThreadPool(1);
        EventLoop.run(() -> {
            var _ = pool.submit(this::call);
            Throwable refusal = inACallback(pool::close);
            assertThat(refusal)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("Waiting for the end of ThreadPool[")
                    .hasMessageContaining("in a callback would stop EventLoop[")
                    .hasMessageContaining("createTask(() -> executor.close())");
            assertThat(pool.isShutdown()).isTrue();
            assertThat(inACallback(() -> pool.awaitTermination(1, TimeUnit.DAYS)))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(inACallback(() ->
                            assertThat(pool.awaitTermination(0, TimeUnit.DAYS)).isFalse()))
                    .isNull();
            gate.countDown();
            pool.close();
            assertThat(inACallback(pool::close)).isNull();
            assertThat(inACallback(() -> pool.awaitTermination(1, TimeUnit.DAYS)))
                    .isNull();
        });
    }

    private interface Deed {
        void run() throws Exception;
    }

    private static Throwable inACallback(Deed deed) {
        var done = EventLoop.getRunningLoop().<Throwable[]>createFuture();
        EventLoop.getRunningLoop().callSoon(() -> done.setResult(new Throwable[] {catchThrowable(deed::run)}));
        return await(done)[0];
    }

    @Test
    void waitingForAResultInALoopStaysRefused() {
        try (var pool = new ThreadPool(1)) {
            EventLoop.run(() -> {
                ConcurrentFuture<?> future = pool.submit(this::call);
                assertThatThrownBy(future::result).hasMessageContaining("would stop EventLoop");
                gate.countDown();
            });
        }
    }

    @Test
    void loopClosesAlthoughACallIgnoresItsInterrupt() {
        var pool = new ThreadPool(1);
        var loop = new EventLoop();
        loop.setExceptionHandler((_, context) -> trail.add(context.message()));
        Task<?> closing = loop.runUntilComplete(() -> {
            var _ = pool.submit(() -> {
                started.countDown();
                boolean open = false;
                while (!open) {
                    try {
                        gate.await();
                        open = true;
                    } catch (InterruptedException e) {
                        // ignored on purpose
                    }
                }
            });
            blocking(() -> started.await());
            Task<?> task = createTask(pool::close, "closing");
            yieldNow();
            return task;
        });
        loop.close(ofMillis(50));

        assertThat(closing.isCancelled()).isTrue();
        assertThat(trail).singleElement().asString().contains("Task[closing").contains("refused to end");
        gate.countDown();
        pool.close();
    }

    /** Drives the loop as a program does that has a main loop of its own. */
    @Test
    void theLoopGoesOnTurnByTurn() {
        var pool = new ThreadPool(1);
        var loop = new EventLoop();
        var _ = pool.submit(this::call);
        Task<?> closing = loop.createTask(pool::close);
        loop.runOnce();
        assertThat(closing.isDone()).isFalse();
        loop.runOnce();
        gate.countDown();
        while (!closing.isDone()) {
            loop.runOnce();
        }
        loop.close();
        assertThat(pool.isTerminated()).isTrue();
    }
}
