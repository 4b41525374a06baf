package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.BrokenExecutorException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The end of a thread pool at rare moments: in an initializer, in a callback, while callers wait for room. */
@Timeout(30)
class PoolEndTest {

    private final CountDownLatch gate = new CountDownLatch(1);
    private final CountDownLatch entered = new CountDownLatch(1);

    @AfterEach
    void openTheGate() {
        gate.countDown();
    }

    /**
     * Waits for the gate without heeding interrupts, but not forever, since a test that fails leaves it closed; returns
     * whether there was an interrupt.
     */
    private boolean passUninterrupted() {
        entered.countDown();
        boolean interrupted = false;
        while (true) {
            try {
                assertThat(gate.await(20, TimeUnit.SECONDS))
                        .as("the gate opens")
                        .isTrue();
                return interrupted;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
    }

    @Test
    void taskAboutToRunAtTheStopIsInterrupted() throws Exception {
        var interrupted = new CompletableFuture<Boolean>();
        var pool = ThreadPool.builder()
                .size(1)
                .initializer(this::passUninterrupted)
                .build();
        pool.execute(() -> interrupted.complete(Thread.currentThread().isInterrupted()));
        entered.await();

        assertThat(pool.shutdownNow()).as("the task has a thread").isEmpty();
        gate.countDown();

        assertThat(interrupted.join()).isTrue();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aStoppedPoolHasNotTerminatedBeforeItsThreadsHaveEnded() throws Exception {
        var pool = new ThreadPool(1);
        var _ = pool.submit(this::passUninterrupted);
        entered.await();

        assertThat(pool.shutdownNow()).isEmpty();
        assertThat(pool.isTerminated()).isFalse();
        assertThat(pool.shutdownNow()).isEmpty();
        assertThat(pool.isTerminated()).isFalse();
        gate.countDown();

        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(pool.shutdownNow()).as("of a pool that has ended").isEmpty();
    }

    @Test
    void aPoolThatNeverRanAnythingIsStoppedAtOnce() {
        var pool = new ThreadPool(1);

        assertThat(pool.shutdownNow()).isEmpty();
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void thePoolSaysInWhichStateItIs() {
        String open = "ThreadPool[named, open, threads=0/1, running=0, queued=0]";
        var pool = ThreadPool.builder().size(1).namePrefix("named").build();
        assertThat(pool).hasToString(open);
        var call = pool.submit(this::passUninterrupted);
        pool.shutdown();
        assertThat(pool.toString()).startsWith("ThreadPool[named, shut down, threads=1/1, running=");
        gate.countDown();
        assertThat(call.result()).isFalse();
        pool.close();
        assertThat(pool.toString()).startsWith("ThreadPool[named, terminated, threads=0/1");

        try (var broken = ThreadPool.builder()
                .size(1)
                .namePrefix("named")
                .initializer(() -> {
                    throw new IllegalStateException("on purpose");
                })
                .build()) {
            assertThat(broken.submit(() -> 1).exception()).containsInstanceOf(BrokenExecutorException.class);
            assertThat(broken.toString()).startsWith("ThreadPool[named, broken, ");
        }
    }

    @Test
    void aRejectionNamesTheTask() {
        var pool = new ThreadPool(1);
        pool.shutdown();
        var task = new FutureTask<>(() -> 1);

        assertThatThrownBy(() -> pool.execute(task))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage("Cannot submit " + task + " to " + pool + ": it has been shut down");
    }

    @Test
    void aFutureNamesItsCallUntilTheCallIsOver() {
        try (var pool = ThreadPool.builder().size(1).namePrefix("named").build()) {
            var call = pool.submit(this::passUninterrupted);
            assertThat(call.toString())
                    .contains(PoolEndTest.class.getName() + "$$Lambda")
                    .contains(" on named]");
            gate.countDown();
            call.result();
            assertThat(call.toString()).endsWith("[result of java.lang.Boolean]");
        }
    }

    // Callers that wait for room

    /** Submits a call on a thread of its own, which waits for room; returns the failure that the caller gets. */
    private static FutureTask<Object> waitingCaller(ThreadPool full) {
        var outcome =
                new FutureTask<Object>(() -> full.submit(() -> 1).exception().orElseThrow());
        Thread caller = Thread.ofPlatform().start(outcome);
        await().pollInterval(Duration.ofMillis(1)).until(() -> caller.getState() == Thread.State.WAITING);
        return outcome;
    }

    @Test
    void shutdownRefusesEachCallerThatWaitsForRoom() throws Exception {
        try (var full = ThreadPool.builder().size(1).queueLimit(0).build()) {
            var _ = full.submit(this::passUninterrupted);
            List<FutureTask<Object>> callers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                callers.add(waitingCaller(full));
            }
            full.shutdown();
            gate.countDown();

            for (FutureTask<Object> each : callers) {
                assertThatThrownBy(() -> each.get(10, TimeUnit.SECONDS))
                        .hasCauseInstanceOf(RejectedExecutionException.class);
            }
            assertThat(full.statistics().submitted()).isEqualTo(1);
        }
    }

    @Test
    void eachCallerThatWaitsForRoomLearnsThatThePoolIsBroken() throws Exception {
        try (var full = ThreadPool.builder()
                .size(1)
                .queueLimit(0)
                .initializer(() -> {
                    passUninterrupted();
                    throw new IllegalStateException("on purpose");
                })
                .build()) {
            var first = full.submit(() -> 1);
            List<FutureTask<Object>> callers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                callers.add(waitingCaller(full));
            }
            gate.countDown();

            assertThat(first.exception()).containsInstanceOf(BrokenExecutorException.class);
            for (FutureTask<Object> each : callers) {
                assertThat(each.get(10, TimeUnit.SECONDS)).isInstanceOf(BrokenExecutorException.class);
            }
        }
    }

    // Callbacks

    /** The thread that runs the callback is not free, but it is a thread of the pool. */
    @Test
    void aCallbackInAFullPoolLeavesWaitingCallsInTheQueue() throws Exception {
        try (var pool = new ThreadPool(1)) {
            var go = new CountDownLatch(1);
            var first = pool.submit(() -> go.await(10, TimeUnit.SECONDS));
            first.addDoneCallback(_ -> passUninterrupted());
            var second = pool.submit(() -> 2);
            go.countDown();
            entered.await();

            assertThat(pool.statistics().threads()).isEqualTo(1);
            assertThat(pool.statistics().queued()).isEqualTo(1);
            assertThat(second.isDone()).isFalse();
            gate.countDown();
            assertThat(second.result()).isEqualTo(2);
        }
    }

    // Errors of tasks

    @Test
    void exceptionOfATaskGoesToTheHandlerOfItsThread() throws Exception {
        var uncaught = new CompletableFuture<Throwable>();
        var runs = new AtomicInteger();
        try (var pool = ThreadPool.builder()
                .size(1)
                .initializer(() -> {
                    runs.incrementAndGet();
                    Thread.currentThread().setUncaughtExceptionHandler((_, e) -> {
                        uncaught.complete(e);
                        throw new IllegalStateException("the handler fails, too", e);
                    });
                })
                .build()) {
            var failure = new IllegalStateException("on purpose");
            assertThatCode(() -> pool.execute(() -> {
                        throw failure;
                    }))
                    .doesNotThrowAnyException();

            assertThat(uncaught.get(10, TimeUnit.SECONDS)).isSameAs(failure);
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            assertThat(runs).as("threads").hasValue(1);
        }
    }
}
