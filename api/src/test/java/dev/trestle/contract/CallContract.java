package dev.trestle.contract;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The part of the contract of pools that depends on where calls run: how they run, are cancelled and end, what they
 * carry, and how many an executor takes. A pool's module extends this class for each kind of place that its calls have,
 * and {@link ExecutorContract}, which has the rest, once. It has a package of its own, because a test of one module
 * cannot add to the package of another. Calls and tests talk through files, because a call may run in another process.
 */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class CallContract {

    @TempDir
    Path folder = Path.of("");

    /** The executor under test, which tests share as long as it is as good as new. */
    FutureExecutor executor = newExecutorLater();

    /** Creates the contract, for the subclasses of each pool. */
    protected CallContract() {}

    /**
     * Returns a new executor under test.
     *
     * @param size its parallelism
     * @return the executor
     */
    protected abstract FutureExecutor newExecutor(int size);

    /**
     * Returns a new executor with a bounded queue.
     *
     * @param size its parallelism
     * @param queueLimit how many calls may wait
     * @return the executor
     */
    protected abstract FutureExecutor newExecutor(int size, int queueLimit);

    @SuppressWarnings("NullAway") // set before each test
    private static FutureExecutor newExecutorLater() {
        return null;
    }

    /**
     * Returns whether an executor of two that a test has used is as good as a new one: it runs, has no calls, and has
     * lost nothing. Then the next test has it too, for which starting another one may take long.
     *
     * @param used the executor
     * @return whether it may be used again
     */
    protected boolean isAsNew(FutureExecutor used) {
        return false;
    }

    @BeforeEach
    void open() {
        if (executor == null) {
            executor = newExecutor(2);
        }
    }

    @AfterEach
    void closeUnlessAsNew() {
        if (!isAsNew(executor)) {
            close();
        }
    }

    @AfterAll
    void close() {
        if (executor != null) {
            executor.shutdownNow();
            executor.close();
            executor = newExecutorLater();
        }
    }

    // The code of calls: static methods, with names as arguments, which travel

    /** Marks that it has started, and waits for the gate; marks an interrupt and passes it on. */
    static String waitAtGate(String folder, String name) throws InterruptedException {
        mark(folder, name + ".started");
        while (!Files.exists(Path.of(folder, name + ".open"))) {
            LockSupport.parkNanos(1_000_000);
            if (Thread.interrupted()) {
                mark(folder, name + ".interrupted");
                throw new InterruptedException();
            }
        }
        mark(folder, name + ".ended");
        return name;
    }

    static void mark(String folder, String name) {
        try {
            Files.writeString(Path.of(folder, name), "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String fail(String message) throws IOException {
        throw new IOException(message);
    }

    ConcurrentFuture<String> submitWaiting(FutureExecutor to, String name) {
        String in = folder.toString();
        return to.submit(() -> waitAtGate(in, name));
    }

    void openGate(String name) {
        mark(folder.toString(), name + ".open");
    }

    void awaitMark(String name) {
        await().pollInterval(Duration.ofMillis(1)).until(() -> Files.exists(folder.resolve(name)));
    }

    boolean marked(String name) {
        return Files.exists(folder.resolve(name));
    }

    /** A callable whatever the pool: its type says that it can travel. */
    static <T> Callable<T> travelling(Call<T> call) {
        return call;
    }

    @Test
    void moreCallsThanWorkersAllRun() {
        var futures = IntStream.range(0, 100)
                .mapToObj(i -> executor.submit(() -> i * i))
                .toList();

        assertThat(futures)
                .extracting(ConcurrentFuture::result)
                .isEqualTo(IntStream.range(0, 100).mapToObj(i -> i * i).toList());
    }

    @Test
    void twoCallsRunAtTheSameTime() {
        var first = submitWaiting(executor, "first");
        var second = submitWaiting(executor, "second");
        awaitMark("first.started");
        awaitMark("second.started");
        openGate("second");

        assertThat(second.result()).isEqualTo("second");
        assertThat(first.isDone()).isFalse();
        openGate("first");
        assertThat(first.result()).isEqualTo("first");
    }

    // Future

    @Test
    void anExceptionComesBackAsItsOwnClass() {
        var future = executor.submit(() -> fail("no such file"));

        assertThatThrownBy(future::get)
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(IOException.class)
                .hasMessage("no such file");
        assertThatThrownBy(future::result)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(IOException.class);
        assertThat(future.state()).isEqualTo(Future.State.FAILED);
        assertThat(future.exceptionNow()).isInstanceOf(IOException.class);
        assertThat(future.exception()).get().isInstanceOf(IOException.class);
    }

    @Test
    void aFutureTellsItsStates() {
        var future = submitWaiting(executor, "call");
        awaitMark("call.started");
        await().pollInterval(Duration.ofMillis(1)).until(future::isRunning);
        assertThat(future.state()).isEqualTo(Future.State.RUNNING);
        assertThatThrownBy(future::resultNow).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(future::exceptionNow).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> future.get(1, MILLISECONDS)).isInstanceOf(TimeoutException.class);
        assertThatThrownBy(() -> future.result(Duration.ofMillis(1))).isInstanceOf(TimeoutException.class);

        openGate("call");
        assertThat(future.result()).isEqualTo("call");
        assertThat(future.state()).isEqualTo(Future.State.SUCCESS);
        assertThat(future.resultNow()).isEqualTo("call");
        assertThat(future.isRunning()).isFalse();
        assertThat(future.cancel(true)).isFalse();
    }

    @Test
    void cancelTrueInterruptsARunningCall() {
        var future = submitWaiting(executor, "call");
        awaitMark("call.started");

        assertThat(future.cancel(true)).isTrue();
        assertThat(future.isCancelled()).isTrue();
        assertThat(future.isDone()).isTrue();
        assertThatThrownBy(future::get).isInstanceOf(CancellationException.class);
        assertThatThrownBy(future::result).isInstanceOf(CancellationException.class);
        awaitMark("call.interrupted");
        assertThat(executor.submit(() -> Thread.currentThread().isInterrupted()).result())
                .as("a later call")
                .isFalse();
    }

    @Test
    void cancelFalseNeverInterrupts() {
        var future = submitWaiting(executor, "call");
        awaitMark("call.started");

        assertThat(future.cancel(false)).isTrue();
        assertThat(future.isCancelled()).isTrue();
        openGate("call");
        awaitMark("call.ended");
        assertThat(marked("call.interrupted")).isFalse();
    }

    @Test
    void aCallCancelledInTheQueueNeverRuns() {
        var first = submitWaiting(executor, "first");
        var second = submitWaiting(executor, "second");
        awaitMark("first.started");
        awaitMark("second.started");
        var queued = submitWaiting(executor, "queued");

        assertThat(queued.cancel(false)).isTrue();
        openGate("first");
        openGate("second");
        assertThat(first.result()).isEqualTo("first");
        assertThat(second.result()).isEqualTo("second");
        assertThat(executor.submit(() -> "later").result()).isEqualTo("later");
        assertThat(marked("queued.started")).isFalse();
    }

    @Test
    void anInterruptedGetThrowsAndTheCallGoesOn() {
        var future = submitWaiting(executor, "call");
        awaitMark("call.started");
        Thread.currentThread().interrupt();
        assertThatThrownBy(future::get).isInstanceOf(InterruptedException.class);
        openGate("call");

        assertThat(future.result()).isEqualTo("call");
    }

    @Test
    void submitAndResultPublishWritesBetweenThreads() {
        var values = new ArrayList<Integer>();
        for (int i = 0; i < 1000; i++) {
            values.add(i);
            var sum = executor.submit(
                    () -> values.stream().mapToInt(Integer::intValue).sum());
            assertThat(sum.result()).isEqualTo(i * (i + 1) / 2);
        }
    }

    // Ending

    @Test
    void shutdownLetsRunWhatWasSubmitted() throws Exception {
        var running = submitWaiting(executor, "running");
        awaitMark("running.started");
        var queued =
                IntStream.range(0, 5).mapToObj(i -> executor.submit(() -> i)).toList();
        executor.shutdown();

        assertThat(executor.isTerminated()).isFalse();
        assertThat(executor.awaitTermination(1, MILLISECONDS)).isFalse();
        openGate("running");
        assertThat(executor.awaitTermination(30, SECONDS)).isTrue();
        assertThat(executor.isTerminated()).isTrue();
        assertThat(running.resultNow()).isEqualTo("running");
        assertThat(queued).extracting(Future::resultNow).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void shutdownNowInterruptsHandsBackAndEndsEveryFuture() throws Exception {
        var first = submitWaiting(executor, "first");
        var second = submitWaiting(executor, "second");
        awaitMark("first.started");
        awaitMark("second.started");
        var queued = submitWaiting(executor, "queued");

        List<Runnable> never = executor.shutdownNow();
        assertThat(never).hasSize(1).doesNotContainNull();
        never.forEach(Runnable::run);
        assertThat(executor.awaitTermination(30, SECONDS)).isTrue();
        assertThat(List.of(first, second, queued)).allMatch(Future::isCancelled);
        assertThat(marked("first.interrupted")).isTrue();
        assertThat(marked("second.interrupted")).isTrue();
        assertThat(marked("queued.started")).isFalse();
    }

    @Test
    void closeWaitsForItsCalls() {
        var future = submitWaiting(executor, "call");
        awaitMark("call.started");
        var closing = Thread.ofPlatform().start(executor::close);
        await().pollInterval(Duration.ofMillis(1)).until(executor::isShutdown);
        assertThat(future.isDone()).isFalse();

        openGate("call");
        await().pollInterval(Duration.ofMillis(1)).until(() -> !closing.isAlive());
        assertThat(future.resultNow()).isEqualTo("call");
        assertThat(executor.isTerminated()).isTrue();
    }

    @Test
    void anInterruptedCloseStopsItsCallsAndKeepsTheInterrupt() {
        var future = submitWaiting(executor, "call");
        awaitMark("call.started");
        Thread.currentThread().interrupt();

        executor.close();

        assertThat(Thread.interrupted()).isTrue();
        assertThat(executor.isTerminated()).isTrue();
        assertThat(future.isDone()).isTrue();
    }

    // A bounded queue

    /** Submits a call to an executor that is full, on a thread of its own, and has begun to wait for room. */
    private static final class Submitter {
        final CompletableFuture<ConcurrentFuture<Integer>> outcome = new CompletableFuture<>();
        final Thread thread;

        Submitter(FutureExecutor full) {
            thread = Thread.ofPlatform().daemon().start(() -> submit(full));
            await().pollInterval(Duration.ofMillis(1)).until(() -> thread.getState() == Thread.State.WAITING);
        }

        private void submit(FutureExecutor full) {
            try {
                outcome.complete(full.submit(() -> 3));
            } catch (RuntimeException e) {
                outcome.completeExceptionally(e);
            }
        }
    }

    @Test
    void aFullQueueHoldsTheSubmitterUntilThereIsRoom() throws Exception {
        try (var bounded = newExecutor(1, 1)) {
            var _ = submitWaiting(bounded, "first");
            ConcurrentFuture<Integer> second = bounded.submit(() -> 2);
            Submitter third = new Submitter(bounded);
            assertThat(third.outcome).isNotDone();

            openGate("first");
            assertThat(third.outcome.get(30, SECONDS).result()).isEqualTo(3);
            assertThat(second.result()).isEqualTo(2);
        }
    }

    @Test
    void aCallCancelledInABoundedQueueMakesRoom() throws Exception {
        try (var bounded = newExecutor(1, 1)) {
            var _ = submitWaiting(bounded, "first");
            for (int i = 0; i < 10; i++) {
                bounded.submit(() -> 2).cancel(false);
            }
            ConcurrentFuture<Integer> second = bounded.submit(() -> 2);
            Submitter third = new Submitter(bounded);
            second.cancel(false);

            ConcurrentFuture<Integer> submitted = third.outcome.get(30, SECONDS);
            openGate("first");
            assertThat(submitted.result()).isEqualTo(3);
        }
    }

    @Test
    void aWaitForRoomEndsByInterruptAndByShutdown() throws Exception {
        try (var bounded = newExecutor(1, 0)) {
            var _ = submitWaiting(bounded, "first");
            awaitMark("first.started");
            Submitter interrupted = new Submitter(bounded);
            interrupted.thread.interrupt();
            assertThatThrownBy(interrupted.outcome::join)
                    .hasCauseInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("nothing was submitted");

            Submitter stopped = new Submitter(bounded);
            bounded.shutdownNow();
            assertThatThrownBy(stopped.outcome::join)
                    .hasCauseInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("it has been shut down");
        }
    }

    @Test
    void aRefusedCallTakesNoPlaceInAFullExecutor() throws Exception {
        try (var bounded = newExecutor(1, 0)) {
            bounded.submit(() -> fail("not the executor's problem")).exception();
            for (int i = 0; i < 3; i++) {
                assertThat(bounded.submit(() -> 1).result()).isEqualTo(1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void thePlaceOfACallIsFreeInItsCallback(int queueLimit) {
        try (var bounded = newExecutor(1, queueLimit)) {
            for (int i = 0; i < queueLimit; i++) {
                var _ = submitWaiting(bounded, "gate");
            }
            var last = new CompletableFuture<Integer>();
            submitWaiting(bounded, "gate").addDoneCallback(_ -> submitInCallback(bounded, 100, last));
            openGate("gate");

            assertThat(last.join()).isZero();
        }
    }

    /**
     * A full executor refuses the call in a callback that must not wait; a wait there would last forever.
     */
    private static void submitInCallback(FutureExecutor bounded, int left, CompletableFuture<Integer> last) {
        if (left == 0) {
            last.complete(left);
            return;
        }
        try {
            bounded.submit(() -> left).addDoneCallback(_ -> submitInCallback(bounded, left - 1, last));
        } catch (RejectedExecutionException e) {
            last.completeExceptionally(e);
        }
    }

    @Test
    void mapWorksThroughABoundedQueue() {
        try (var bounded = newExecutor(2, 1)) {
            assertThat(bounded.map(n -> n + 1, IntStream.range(0, 500).boxed().toList())
                            .toList())
                    .isEqualTo(IntStream.rangeClosed(1, 500).boxed().toList());
        }
    }

    // The context of a call

    static String baggage() {
        return new TreeMap<>(Baggage.carried()).toString();
    }

    static String changeBaggage(String value) {
        String found = baggage();
        Baggage.put("left behind", value);
        return found;
    }

    @Test
    void callsSeeWhatTheirSubmitterCarries() throws Exception {
        Baggage.put("user", "alice");
        var first = executor.submit(() -> baggage());
        var second = executor.submit(travelling(() -> baggage()));
        Baggage.put("user", "bob");
        var third = executor.submit(() -> baggage());
        List<Future<String>> all = executor.invokeAll(List.of(travelling(() -> baggage())));
        List<String> mapped = executor.map(n -> n + baggage(), List.of(1, 2)).toList();
        Baggage.clear();

        assertThat(first.result()).isEqualTo("{user=alice}");
        assertThat(second.result()).isEqualTo("{user=alice}");
        assertThat(third.result()).isEqualTo("{user=bob}");
        assertThat(all.getFirst().get()).isEqualTo("{user=bob}");
        assertThat(mapped).containsExactly("1{user=bob}", "2{user=bob}");
        assertThat(executor.submit(() -> baggage()).result()).isEqualTo("{}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"carrying", "empty-handed"})
    void theContextOfACallIsGoneAfterIt(String submitter) {
        try (var one = newExecutor(1)) {
            if (submitter.equals("carrying")) {
                Baggage.put("user", "dan");
            }
            List<String> found = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                found.add(one.submit(() -> changeBaggage("by a call")).result());
            }
            assertThatThrownBy(() -> one.submit(() -> fail(changeBaggage("by a failure")))
                            .result())
                    .hasRootCauseMessage(found.getFirst());
            Baggage.clear();

            assertThat(found).containsOnly(submitter.equals("carrying") ? "{user=dan}" : "{}");
            assertThat(one.submit(() -> baggage()).result()).isEqualTo("{}");
        } finally {
            Baggage.clear();
        }
    }
}
