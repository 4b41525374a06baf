package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The end of a pool. After the whole class, nothing of its pools may be left. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class PoolCloseTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void closeWaitsForWhatWasSubmitted() {
        var pool = TestPools.of(1);
        var first = pool.submit(() -> 1);
        var second = pool.submit(() -> 2);
        pool.close();

        assertThat(first.resultNow()).isEqualTo(1);
        assertThat(second.resultNow()).isEqualTo(2);
        assertThat(pool.isTerminated()).isTrue();
        assertThat(pool.workerPids()).isEmpty();
        assertThatThrownBy(() -> pool.submit(() -> 3))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("it has been shut down");
    }

    @Test
    void aPoolThatWasNeverUsedClosesAtOnce() {
        var pool = TestPools.of(1);
        pool.close();
        pool.close();

        assertThat(pool.isTerminated()).isTrue();
        assertThat(pool.statistics().workersStarted()).isZero();
    }

    @Test
    void shutdownNowEndsEveryFuture() throws Exception {
        String in = folder.toString();
        var pool = TestPools.of(1);
        var running = pool.submit(() -> Gate.stay(in, "running"));
        Gate.await(folder, "running");
        var queued = pool.submit(() -> 1);

        assertThat(pool.shutdownNow()).hasSize(1);
        assertThat(running.isCancelled()).isTrue();
        assertThat(queued.isCancelled()).isTrue();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    /** Its future has ended already; so a cancel would not reach it. */
    @Test
    void shutdownNowInterruptsACallThatWasCancelledPolitely() throws Exception {
        String in = folder.toString();
        var pool = TestPools.of(1);
        var running = pool.submit(() -> Gate.stay(in, "running"));
        Gate.await(folder, "running");
        running.cancel(false);
        pool.shutdownNow();

        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void shutdownNowWhileWorkersStartEndsThem() throws Exception {
        var pool = TestPools.of(2);
        var call = pool.submit(() -> 1);
        pool.shutdownNow();

        assertThat(call.isCancelled()).isTrue();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void killedWorkersFailTheirCalls() throws Exception {
        String in = folder.toString();
        var pool = TestPools.of(1);
        var running = pool.submit(() -> Gate.stay(in, "running"), CallOptions.DEFAULT.withRetries(5));
        Gate.await(folder, "running");
        var queued = pool.submit(() -> 1);
        pool.killWorkers();

        assertThatThrownBy(running::result)
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining("killWorkers was called");
        assertThat(queued.isCancelled()).isTrue();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void terminatedWorkersRunTheirShutdownHooks() throws Exception {
        String in = folder.toString();
        var pool = TestPools.builder(1)
                .initializer(() -> Runtime.getRuntime().addShutdownHook(new Thread(() -> markQuietly(in, "hook"))))
                .build();
        var running = pool.submit(() -> Gate.stay(in, "running"));
        Gate.await(folder, "running");
        pool.terminateWorkers();

        assertThatThrownBy(running::result).isInstanceOf(WorkerDiedException.class);
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(Gate.isMarked(folder, "hook")).isTrue();
    }

    private static void markQuietly(String folder, String name) {
        try {
            Gate.mark(folder, name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aWorkerThatDoesNotEndIsKilled() {
        try (var pool = TestPools.builder(1)
                .closeGrace(Duration.ofMillis(200))
                .initializer(() -> Runtime.getRuntime().addShutdownHook(new Thread(Gate::hang)))
                .build()) {
            pool.submit(() -> 1).result();
        }
    }

    /** Each way in which the end of a worker can be asked for. */
    enum Way {
        SHUTDOWN,
        SHUTDOWN_NOW,
        TERMINATE_WORKERS,
        TERMINATE_WORKERS_AFTER_SHUTDOWN,
        SHUTDOWN_NOW_AFTER_TERMINATE_WORKERS,
        KILL_WORKERS,
        CANCEL,
        IDLENESS,
        RECYCLING;

        boolean endsCalls() {
            return this != SHUTDOWN && this != IDLENESS && this != RECYCLING;
        }

        void take(ProcessPool pool, ConcurrentFuture<?> call) {
            switch (this) {
                case SHUTDOWN -> pool.shutdown();
                case SHUTDOWN_NOW -> pool.shutdownNow();
                case TERMINATE_WORKERS -> pool.terminateWorkers();
                case TERMINATE_WORKERS_AFTER_SHUTDOWN -> {
                    pool.shutdown();
                    pool.terminateWorkers();
                }
                case SHUTDOWN_NOW_AFTER_TERMINATE_WORKERS -> {
                    pool.terminateWorkers();
                    pool.shutdownNow();
                }
                case KILL_WORKERS -> pool.killWorkers();
                case CANCEL -> call.cancel(true);
                case IDLENESS, RECYCLING -> {} // it comes by itself
            }
        }
    }

    /** Its call ignores interrupts, if it is not to have ended; and one of its shutdown hooks hangs. */
    @ParameterizedTest
    @EnumSource
    void aWorkerThatResistsIsKilledHoweverItsEndWasAskedFor(Way way) {
        String in = folder.toString();
        var builder = TestPools.builder(1)
                .closeGrace(Duration.ofMillis(200))
                .cancelGrace(Duration.ofMillis(200))
                .initializer(() -> Runtime.getRuntime().addShutdownHook(new Thread(Gate::hang)));
        if (way == Way.IDLENESS) {
            builder.idleTime(Duration.ofMillis(1));
        } else if (way == Way.RECYCLING) {
            builder.maxTasksPerWorker(1);
        }
        try (var pool = builder.build()) {
            var call = way.endsCalls()
                    ? pool.submit(() -> Gate.pass(in, "call"))
                    : pool.submit(() -> Gate.mark(in, "call"));
            long worker = Gate.await(folder, "call");
            if (!way.endsCalls()) {
                call.result();
            }
            way.take(pool, call);

            Gate.until(() -> ProcessHandle.of(worker).isEmpty());
            Gate.until(call::isDone);
        }
    }

    @Test
    void aNonDaemonThreadOfACallDoesNotHoldItsWorker() {
        try (var pool = TestPools.builder(1).closeGrace(Duration.ofHours(1)).build()) {
            pool.submit(() -> Thread.ofPlatform().start(Gate::hang).isDaemon()).result();
        }
    }

    @Test
    void closeInACallbackIsRefused() throws Exception {
        try (var pool = TestPools.of(1)) {
            var refused = new CompletableFuture<Throwable>();
            String in = folder.toString();
            var future = pool.submit(() -> Gate.pass(in, "call"));
            future.addDoneCallback(_ -> {
                try {
                    pool.close();
                } catch (IllegalStateException e) {
                    refused.complete(e);
                }
            });
            Gate.open(folder, "call");

            assertThat(refused.get()).hasMessageContaining("callback").hasMessageContaining("shutdown()");
        }
    }

    /** A pool ends after the callbacks of the calls that it cancels, so a callback cannot wait for its end. */
    @Test
    void closeInACallbackOfShutdownNowIsRefused() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var _ = pool.submit(() -> Gate.stay(in, "running"));
            Gate.await(folder, "running");
            var refused = new CompletableFuture<Throwable>();
            pool.submit(() -> 1).addDoneCallback(_ -> refused.complete(catchThrowable(pool::close)));
            pool.shutdownNow();

            assertThat(refused.get())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("in a callback of one of its own futures");
        }
    }

    @Test
    void waitingForTheSamePoolInACallbackIsRefused() throws Exception {
        try (var pool = TestPools.of(1);
                var other = TestPools.of(1)) {
            var refused = new CompletableFuture<Throwable>();
            String in = folder.toString();
            var future = pool.submit(() -> Gate.pass(in, "call"));
            future.addDoneCallback(_ -> {
                try {
                    assertThat(other.submit(() -> 1).result())
                            .as("of another pool")
                            .isEqualTo(1);
                    pool.submit(() -> 2).result();
                    refused.completeExceptionally(new AssertionError("It waited"));
                } catch (Throwable e) {
                    refused.complete(e);
                }
            });
            Gate.open(folder, "call");

            assertThat(refused.get())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("in a callback of a future of the same pool")
                    .hasMessageContaining("Add a callback to this future too, or wait on another thread.");
        }
    }

    @Test
    void waitingForRoomInACallbackIsRefused() throws Exception {
        try (var pool = TestPools.builder(1).queueLimit(0).build()) {
            var refused = new CompletableFuture<Throwable>();
            String in = folder.toString();
            pool.submit(() -> Gate.pass(in, "call")).addDoneCallback(_ -> {
                try {
                    var _ = pool.submit(() -> 1); // in the place of the call that has ended
                    var _ = pool.submit(() -> 2);
                    refused.completeExceptionally(new AssertionError("It waited"));
                } catch (RejectedExecutionException e) {
                    refused.complete(e);
                }
            });
            Gate.open(folder, "call");

            assertThat(refused.get()).hasMessageContaining("is full: 1 calls have not ended");
        }
    }

    /** Answers arrive together: the one that is waited for may have been read, by the very thread that waits. */
    @Test
    void waitingForTheNextAnswerInACallbackIsRefused() throws Exception {
        try (var pool = TestPools.of(1)) {
            var outcomes = new ArrayList<CompletableFuture<Object>>();
            List<ConcurrentFuture<Integer>> futures = IntStream.range(0, 2_000)
                    .mapToObj(i -> pool.submit(() -> i))
                    .toList();
            for (int i = 0; i + 1 < futures.size(); i++) {
                var next = futures.get(i + 1);
                var outcome = new CompletableFuture<>();
                outcomes.add(outcome);
                futures.get(i).addDoneCallback(_ -> {
                    try {
                        outcome.complete(next.result());
                    } catch (IllegalStateException e) {
                        outcome.complete(e);
                    }
                });
            }
            for (var outcome : outcomes) {
                assertThat(outcome.get()).isInstanceOfAny(Integer.class, IllegalStateException.class);
            }
            assertThat(futures.getLast().result()).isEqualTo(1_999);
        }
    }

    /** The thread that shuts down cancels one after the other, and runs their callbacks. */
    @Test
    void waitingForTheNextThatIsCancelledInACallbackIsRefused() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var running = pool.submit(() -> Gate.stay(in, "running"));
            Gate.await(folder, "running");
            var first = pool.submit(() -> 1);
            var second = pool.submit(() -> 2);
            var refused = new CompletableFuture<Throwable>();
            first.addDoneCallback(_ -> {
                try {
                    second.result();
                } catch (IllegalStateException e) {
                    refused.complete(e);
                }
            });
            pool.shutdownNow();

            assertThat(refused.get()).hasMessageContaining("is about to end that one, after the callback");
            assertThat(second.isCancelled()).isTrue();
            assertThat(running.isCancelled()).isTrue();
        }
    }

    @Test
    void aPoolThatIsDroppedEndsByItself() {
        long pid = droppedPool();

        Gate.until(() -> {
            System.gc();
            return ProcessHandle.of(pid).isEmpty();
        });
    }

    private static long droppedPool() {
        return TestPools.of(1).submit(() -> ProcessHandle.current().pid()).result();
    }
}
