package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.api.Promise;
import dev.trestle.api.ReturnWhen;
import dev.trestle.processpool.jvm.Nesting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Callbacks are the user's code, and run on threads that the pool needs: nothing that they do may harm the pool. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class CallbackTest {

    @TempDir
    Path folder = Path.of("");

    /** Adds a callback; returns what it returned or threw. */
    private static <T> CompletableFuture<T> after(ConcurrentFuture<?> future, Supplier<T> action) {
        var outcome = new CompletableFuture<T>();
        future.addDoneCallback(_ -> {
            try {
                outcome.complete(action.get());
            } catch (Throwable e) {
                outcome.completeExceptionally(e);
            }
        });
        return outcome;
    }

    /**
     * A callback restores the interrupt status, as is usual after an InterruptedException. The thread goes on to read
     * from a channel.
     */
    @Test
    void aCallbackMayLeaveItsThreadInterrupted() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            long worker = pool.submit(Gate::pid).result();
            for (int i = 0; i < 4; i++) {
                String name = "call" + i;
                var call = pool.submit(() -> Gate.pass(in, name));
                call.addDoneCallback(_ -> Thread.currentThread().interrupt()); // the call runs, so not on this thread
                assertThat(Gate.await(folder, name)).isEqualTo(worker);
                Gate.open(folder, name);

                assertThat(call.result()).isEqualTo(name);
            }
        }
    }

    /** The connection is lost then, wherever the thread is at that moment; but no call may hang, and nothing stay. */
    @Test
    void interruptsOfAThreadOfThePoolCostOneWorkerOnly() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var first = pool.submit(() -> Gate.pass(in, "first"));
            var reader = after(first, Thread::currentThread);
            Gate.open(folder, "first");
            var running = pool.submit(() -> Gate.stay(in, "running"));
            Gate.await(folder, "running");
            Thread worker = reader.get();
            Thread interrupter = Thread.ofPlatform().start(() -> {
                while (worker.isAlive()) {
                    worker.interrupt();
                    LockSupport.parkNanos(50_000);
                }
            });

            assertThatThrownBy(running::result)
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining("its connection failed")
                    .hasMessageContaining("interrupted the thread that reads its answers");
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            interrupter.join();
        }
    }

    /** The callback runs after the interrupt of the late call, or both would wait for each other. */
    @Test
    void aCallbackOfACallThatIsLateMayWaitForTheNext() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var late =
                    pool.submit(() -> Gate.stay(in, "late"), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(100)));
            var next = after(late, () -> pool.submit(() -> 2).result());

            assertThatThrownBy(late::result).hasRootCauseInstanceOf(TimeoutException.class);
            assertThat(next.get()).isEqualTo(2);
        }
    }

    /**
     * Returns the exception of a callback, of a call in the queue, that waits for the running call while the pool is
     * ended.
     */
    private Throwable waitingForTheRunningCall(Consumer<ProcessPool> ending) throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var running = pool.submit(() -> Gate.stay(in, "running"));
            Gate.await(folder, "running");
            var queued = pool.submit(() -> 1);
            var waited = after(queued, running::result);
            ending.accept(pool);

            return waited.handle((_, thrown) -> thrown).get();
        }
    }

    @Test
    void aCallbackMayWaitForARunningCallThatShutdownNowEnds() throws Exception {
        assertThat(waitingForTheRunningCall(ProcessPool::shutdownNow)).isInstanceOf(CancellationException.class);
    }

    @Test
    void aCallbackMayWaitForARunningCallWhoseWorkerIsTerminated() throws Exception {
        assertThat(waitingForTheRunningCall(ProcessPool::terminateWorkers)).isInstanceOf(WorkerDiedException.class);
    }

    @Test
    void aCallbackMayWaitForARunningCallWhoseWorkerIsKilled() throws Exception {
        assertThat(waitingForTheRunningCall(ProcessPool::killWorkers)).isInstanceOf(WorkerDiedException.class);
    }

    /** Each way to wait for many futures, of which some end and one cannot while a callback waits. */
    enum WayToWait {
        ALL,
        ALL_WITHIN,
        NO_FAILURE,
        ITERATION,
        ITERATION_WITHIN;

        void take(List<? extends ConcurrentFuture<?>> futures) {
            switch (this) {
                case ALL -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, futures);
                case ALL_WITHIN -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, futures, Duration.ofDays(1));
                case NO_FAILURE -> Futures.waitUntil(ReturnWhen.FIRST_EXCEPTION, futures);
                case ITERATION -> Futures.asCompleted(futures).forEach(_ -> {});
                case ITERATION_WITHIN ->
                    Futures.asCompleted(futures, Duration.ofDays(1)).forEach(_ -> {});
            }
        }
    }

    /** The thread would wait for what it reads itself, wherever that stands among the others. */
    @ParameterizedTest
    @EnumSource
    void aWaitForManyIsRefusedIfOneOfThemIsPending(WayToWait way) throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var done = pool.submit(() -> 1);
            done.result();
            var elsewhere = new Promise<Integer>();
            var first = pool.submit(() -> Gate.pass(in, "first"));
            var pending = pool.submit(() -> 2);
            var refusals = new ArrayList<CompletableFuture<?>>();
            for (var futures : List.of(
                    List.of(done, pending),
                    List.of(pending, done),
                    List.of(done, elsewhere, pending),
                    List.of(done, pending, elsewhere))) {
                refusals.add(after(first, () -> catchThrowable(() -> way.take(futures))));
            }
            Gate.open(folder, "first");

            for (var each : refusals) {
                assertThat((Throwable) each.get())
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining(
                                "Cannot wait for " + pending.toString().substring(0, 12))
                        .hasMessageContaining("in a callback of a future of the same pool");
            }
            assertThat(pending.result()).isEqualTo(2);
        }
    }

    /** A value whose constructor fails only where the result is read, with an unexpected error. */
    record Picky(int number) {
        Picky {
            if (Nesting.depth() == 0) {
                throw new AssertionError("not in this process");
            }
        }
    }

    @Test
    void aResultThatCannotBeMadeFailsItsCallWhateverItThrows() {
        try (var pool = TestPools.of(1)) {
            var pid = pool.submit(Gate::pid);

            assertThatThrownBy(pool.submit(() -> new Picky(1))::result)
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("CallbackTest")
                    .hasMessageContaining("not in this process");
            assertThat(pool.submit(Gate::pid).result()).as("the same worker").isEqualTo(pid.result());
        }
    }
}
