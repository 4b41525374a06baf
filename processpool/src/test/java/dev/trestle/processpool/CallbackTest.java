package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.nio.file.Path;
import java.time.Duration;
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

/** Callbacks are anybody's code, and run on threads that the pool needs: it must not matter what they do there. */
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

    /** As everybody does who catches an InterruptedException. The thread goes on to read from a channel. */
    @Test
    void aCallbackMayLeaveItsThreadInterrupted() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var call = pool.submit(() -> Gate.pass(in, "call"));
            call.addDoneCallback(_ -> Thread.currentThread().interrupt());
            long worker = Gate.await(folder, "call");
            Gate.open(folder, "call");

            assertThat(call.result()).isEqualTo("call");
            for (int i = 0; i < 3; i++) {
                var next = pool.submit(Gate::pid);
                next.addDoneCallback(_ -> Thread.currentThread().interrupt());
                assertThat(next.result()).isEqualTo(worker);
            }
        }
    }

    /** The connection is lost then, wherever the thread is at that moment; but no call may hang, and nothing stay. */
    @Test
    void aThreadOfThePoolThatIsInterruptedAgainAndAgainCostsItsWorkerOnly() throws Exception {
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
                    .hasMessageContaining("its conversation failed")
                    .hasMessageContaining("interrupted the thread that reads its answers");
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            interrupter.join();
        }
    }

    /** It runs after the interrupt of the call that is late, or both would wait for each other. */
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

    /** What a callback of a call in the queue throws when it waits for the one that runs, while the pool is ended. */
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

    /** A value whose constructor fails only where the result is read, and with what nobody expects. */
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
