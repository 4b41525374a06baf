package dev.trestle.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.Call;
import dev.trestle.api.CallFunction;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.Futures;
import dev.trestle.api.RunnableCall;
import dev.trestle.api.SharedArray;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@link java.util.concurrent.ExecutorService} and {@link Future}, for every pool. A pool's module
 * extends this class. It has a package of its own, because a test of one module cannot add to the package of another.
 * Calls and tests talk through files, because a call may run in another process.
 */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ExecutorContract {

    @TempDir
    Path folder = Path.of("");

    /** The executor under test, which tests share as long as it is as good as new. */
    private FutureExecutor executor = newExecutorLater();

    /** Creates the contract, for the subclasses of each pool. */
    protected ExecutorContract() {}

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

    // What calls do. Static methods with names as arguments: they travel.

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

    private static void mark(String folder, String name) {
        try {
            Files.writeString(Path.of(folder, name), "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String fail(String message) throws IOException {
        throw new IOException(message);
    }

    private ConcurrentFuture<String> submitWaiting(FutureExecutor to, String name) {
        String in = folder.toString();
        return to.submit(() -> waitAtGate(in, name));
    }

    private void openGate(String name) {
        mark(folder.toString(), name + ".open");
    }

    private void awaitMark(String name) {
        await().pollInterval(Duration.ofMillis(1)).until(() -> Files.exists(folder.resolve(name)));
    }

    private boolean marked(String name) {
        return Files.exists(folder.resolve(name));
    }

    /** A callable whatever the pool: its type says that it can travel. */
    private static <T> Callable<T> travelling(Call<T> call) {
        return call;
    }

    // submit, execute

    @Test
    void everyWayOfSubmittingRunsTheTask() throws Exception {
        String in = folder.toString();
        RunnableCall marking = () -> mark(in, "b");

        assertThat(executor.submit(() -> 1).get()).isEqualTo(1);
        assertThat(executor.submit(travelling(() -> 2)).get()).isEqualTo(2);
        assertThat(executor.submit(() -> mark(in, "a")).get()).isNull();
        assertThat(executor.submit((Runnable) marking).get()).isNull();
        assertThat(executor.submit(marking, "given").get()).isEqualTo("given");
        executor.execute((RunnableCall) () -> mark(in, "c"));

        assertThat(marked("a")).isTrue();
        assertThat(marked("b")).isTrue();
        awaitMark("c");
    }

    @Test
    @SuppressWarnings("NullAway")
    void nullsAreRefusedAtOnce() {
        assertThatThrownBy(() -> executor.submit((Callable<String>) null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.submit((Call<String>) null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.submit((Runnable) null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.submit((RunnableCall) null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.submit(null, "x")).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.execute(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.invokeAll(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.invokeAny(null)).isInstanceOf(NullPointerException.class);
        var withNull = new ArrayList<@Nullable Callable<Integer>>();
        withNull.add(travelling(() -> 1));
        withNull.add(null);
        assertThatThrownBy(() -> executor.invokeAll(withNull)).isInstanceOf(NullPointerException.class);
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

    // invokeAll, invokeAny

    @Test
    void invokeAllReturnsDoneFuturesInOrder() throws Exception {
        List<Future<Integer>> futures = executor.invokeAll(
                List.of(travelling(() -> 1), travelling(() -> Integer.parseInt("no number")), travelling(() -> 3)));

        assertThat(futures).allMatch(Future::isDone);
        assertThat(futures.get(0).get()).isEqualTo(1);
        assertThat(futures.get(1).exceptionNow()).isInstanceOf(NumberFormatException.class);
        assertThat(futures.get(2).get()).isEqualTo(3);
        assertThat(executor.invokeAll(List.<Callable<Integer>>of())).isEmpty();
    }

    @Test
    void invokeAllCancelsWhatIsNotDoneInTime() throws Exception {
        String in = folder.toString();
        executor.submit(() -> "warm").result();
        List<Future<String>> futures = executor.invokeAll(
                List.of(travelling(() -> "quick"), travelling(() -> waitAtGate(in, "slow"))), 500, MILLISECONDS);

        assertThat(futures.get(0).get()).isEqualTo("quick");
        assertThat(futures.get(1).isCancelled()).isTrue();
    }

    @Test
    void invokeAllWaitsForEachTaskWhateverTheOthersDo() throws Exception {
        String in = folder.toString();
        List<Callable<String>> tasks =
                List.of(travelling(() -> fail("first")), travelling(() -> waitAtGate(in, "second")), travelling(() -> {
                    throw new CancellationException("third");
                }));
        var invocation = new FutureTask<>(() -> executor.invokeAll(tasks));
        Thread.ofVirtual().start(invocation);
        awaitMark("second.started");
        executor.submit(() -> "after the third").result();
        assertThat(invocation.isDone()).isFalse();
        openGate("second");

        assertThat(invocation.get())
                .extracting(Future::state)
                .containsExactly(Future.State.FAILED, Future.State.SUCCESS, Future.State.FAILED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anInterruptedInvokeAllOrInvokeAnyCancelsItsTasks(boolean any) throws Exception {
        String in = folder.toString();
        List<Callable<String>> tasks = List.of(
                travelling(() -> waitAtGate(in, "first")),
                travelling(() -> waitAtGate(in, "second")),
                travelling(() -> waitAtGate(in, "waiting")));
        var invocation = new FutureTask<Object>(() -> any ? executor.invokeAny(tasks) : executor.invokeAll(tasks));
        Thread thread = Thread.ofPlatform().start(invocation);
        awaitMark("first.started");
        awaitMark("second.started");
        thread.interrupt();

        assertThatThrownBy(invocation::get).hasCauseInstanceOf(InterruptedException.class);
        awaitMark("first.interrupted");
        awaitMark("second.interrupted");
        assertThat(executor.submit(() -> "free").result()).isEqualTo("free");
        assertThat(marked("waiting.started")).isFalse();
    }

    @Test
    void invokeAnyReturnsAResultAndCancelsTheOthers() throws Exception {
        String in = folder.toString();
        var invocation = new FutureTask<>(() -> executor.<String>invokeAny(List.of(
                travelling(() -> waitAtGate(in, "first")),
                travelling(() -> waitAtGate(in, "second")),
                travelling(() -> waitAtGate(in, "waiting")))));
        Thread.ofVirtual().start(invocation);
        awaitMark("first.started");
        awaitMark("second.started");
        openGate("second");

        assertThat(invocation.get()).isEqualTo("second");
        awaitMark("first.interrupted");
        assertThat(executor.submit(() -> "free").result()).isEqualTo("free");
    }

    @Test
    void invokeAnyReturnsAResultThatComesAfterFailures() throws Exception {
        assertThat(executor.<String>invokeAny(List.of(travelling(() -> fail("first")), travelling(() -> "second"))))
                .isEqualTo("second");
    }

    @Test
    void invokeAnyOfFailuresThrowsTheLast() {
        assertThatThrownBy(() -> executor.invokeAny(List.of(travelling(() -> fail("only")))))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IOException.class)
                .hasMessageContaining("only");
        assertThatThrownBy(() -> executor.invokeAny(List.<Callable<String>>of()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void invokeAnyGivesUpInTime() {
        String in = folder.toString();

        assertThatThrownBy(() ->
                        executor.invokeAny(List.of(travelling(() -> waitAtGate(in, "call"))), 20, MILLISECONDS))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("None of 1 tasks");
    }

    @ParameterizedTest
    @EnumSource
    void invokeAllAndInvokeAnyTakeAnyTimeLimit(TimeUnit unit) throws Exception {
        List<Callable<Integer>> tasks = List.of(travelling(() -> 1), travelling(() -> 1));

        assertThat(executor.invokeAll(tasks, Long.MAX_VALUE, unit))
                .extracting(Future::resultNow)
                .containsExactly(1, 1);
        assertThat(executor.invokeAny(tasks, Long.MAX_VALUE, unit)).isEqualTo(1);
        assertThat(executor.awaitTermination(Long.MIN_VALUE, unit)).isFalse();
        for (long none : new long[] {0, -1, Long.MIN_VALUE}) {
            assertThat(executor.invokeAll(tasks, none, unit)).allMatch(Future::isDone);
            String in = folder.toString();
            assertThatThrownBy(() -> executor.invokeAny(List.of(travelling(() -> waitAtGate(in, "never"))), none, unit))
                    .isInstanceOf(TimeoutException.class);
        }
    }

    // CompletableFuture

    /** A type that no signature of the calls names. */
    record Word(String text, int length) {}

    private static Word measure(String text) {
        return new Word(text, text.length());
    }

    enum AsyncMethod {
        SUPPLY {
            @Override
            CompletableFuture<?> start(FutureExecutor executor, String folder) {
                return executor.supplyAsync(() -> waitAtGate(folder, "call"));
            }
        },
        RUN {
            @Override
            CompletableFuture<?> start(FutureExecutor executor, String folder) {
                return executor.runAsync(() -> waitUninterrupted(folder));
            }
        },
        FUNCTION {
            @Override
            CompletableFuture<?> start(FutureExecutor executor, String folder) {
                return executor.async((String in) -> waitAtGate(in, "call")).apply(folder);
            }
        };

        abstract CompletableFuture<?> start(FutureExecutor executor, String folder);

        private static void waitUninterrupted(String folder) {
            try {
                waitAtGate(folder, "call");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void asyncMethodsComposeTheirCalls() {
        String in = folder.toString();

        // @start region="stages"
        CompletableFuture<Word> word = executor.supplyAsync(() -> "trestle")
                .orTimeout(10, SECONDS) // interrupts this call when the time is over
                .thenCompose(executor.async(text -> measure(text + "s")));
        CompletableFuture<Integer> sum = word.thenCombine(executor.supplyAsync(() -> 34), (w, n) -> w.length() + n);
        // @end
        CompletableFuture<@Nullable Void> marked = executor.runAsync(() -> mark(in, "ran"));
        var methods = executor.supplyAsync(() -> "a").thenCompose(executor.async(ExecutorContract::measure));

        assertThat(word.join()).isEqualTo(new Word("trestles", 8));
        assertThat(sum.join()).isEqualTo(42);
        assertThat(methods.join()).isEqualTo(new Word("a", 1));
        assertThat(marked.join()).isNull();
        assertThat(marked("ran")).isTrue();
    }

    private static double norm(SharedArray<double[]> matrix, int row) {
        MemorySegment values = matrix.segment();
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            double value = values.getAtIndex(ValueLayout.JAVA_DOUBLE, 3L * row + i);
            sum += value * value;
        }
        return Math.sqrt(sum);
    }

    @Test
    void callsReadASharedArray() {
        double[] values = {1, 2, 2, 0, 3, 4};
        List<Integer> rows = List.of(0, 1);
        List<Double> norms;

        // @start region="share"
        try (SharedArray<double[]> matrix = executor.share(values)) {
            norms = executor.map(row -> norm(matrix, row), rows).toList();
        }
        // @end

        assertThat(norms).containsExactly(3.0, 5.0);
    }

    @Test
    void callsReadASharedFileAndReturnASharedArray() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "hello");
        try (SharedArray<byte[]> bytes = executor.share(file)) {
            assertThat(executor.submit(() -> bytes.toArray()).result()).containsExactly("hello".getBytes(UTF_8));
            assertThat(executor.submit(() -> bytes).result()).isSameAs(bytes);
        }
        assertThatThrownBy(() -> executor.share(folder)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> executor.share(folder.resolve("none"))).isInstanceOf(UncheckedIOException.class);
        assertThatThrownBy(() -> executor.share("text")).isInstanceOf(IllegalArgumentException.class);
    }

    private static int square(SharedArray<byte[]> results, int i) {
        results.segment().setAtIndex(ValueLayout.JAVA_LONG, i, (long) i * i);
        return i;
    }

    @Test
    void callsWriteToAllocatedMemory() {
        List<Integer> inputs = List.of(0, 1, 2, 3);

        // @start region="allocate"
        try (SharedArray<byte[]> results = executor.allocate(4 * Long.BYTES)) {
            executor.map(i -> square(results, i), inputs).forEach(i -> {});
            long last = results.segment().getAtIndex(ValueLayout.JAVA_LONG, 3);
            // @end
            assertThat(last).isEqualTo(9);
        }
        assertThatThrownBy(() -> executor.allocate(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void memoryOfAClosedSharedArrayIsRefused() {
        SharedArray<long[]> shared = executor.share(new long[] {5});
        assertThat(executor.submit(() -> shared.segment().get(ValueLayout.JAVA_LONG, 0))
                        .result())
                .isEqualTo(5);
        MemorySegment segment = shared.segment();

        shared.close();
        shared.close();

        assertThat(shared.isClosed()).isTrue();
        assertThat(shared.length()).isEqualTo(1);
        assertThatThrownBy(shared::segment).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void asyncFunctionTakesAndGivesNull() {
        CallFunction<@Nullable String, @Nullable String> same = text -> text;

        assertThat(executor.async(same).apply(null).join()).isNull();
        assertThat(executor.supplyAsync(() -> null).join()).isNull();
    }

    @ParameterizedTest
    @EnumSource
    void cancelOfAnAsyncMethodReachesTheCall(AsyncMethod method) {
        CompletableFuture<?> future = method.start(executor, folder.toString());
        awaitMark("call.started");

        assertThat(future.cancel(false)).isTrue();
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
        awaitMark("call.interrupted");
        assertThat(executor.submit(() -> 1).result()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void orTimeoutOfAnAsyncMethodReachesTheCall(AsyncMethod method) {
        CompletableFuture<?> future = method.start(executor, folder.toString());
        awaitMark("call.started");

        assertThatThrownBy(future.orTimeout(1, MILLISECONDS)::join)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class)
                .hasMessageContaining("it has been cancelled");
        awaitMark("call.interrupted");
    }

    @ParameterizedTest
    @EnumSource
    void completeOnTimeoutOfAnAsyncMethodReachesTheCall(AsyncMethod method) {
        CompletableFuture<?> future = method.start(executor, folder.toString());
        awaitMark("call.started");

        assertThat(future.completeOnTimeout(null, 1, MILLISECONDS).join()).isNull();
        awaitMark("call.interrupted");
    }

    @Test
    void cancelOfAStageLeavesTheCallAlone() {
        String in = folder.toString();
        var call = executor.supplyAsync(() -> waitAtGate(in, "call"));
        var stage = call.thenApply(String::length);
        awaitMark("call.started");

        assertThat(stage.cancel(true)).isTrue();
        assertThat(stage.orTimeout(1, MILLISECONDS)).isCancelled();
        openGate("call");
        assertThat(call.join()).isEqualTo("call");
    }

    @Test
    void anAsyncCallCancelledInTheQueueNeverRuns() {
        String in = folder.toString();
        var first = submitWaiting(executor, "first");
        var second = submitWaiting(executor, "second");
        awaitMark("first.started");
        awaitMark("second.started");
        var queued = executor.runAsync(() -> mark(in, "queued"));

        assertThat(queued.cancel(true)).isTrue();
        openGate("first");
        openGate("second");
        assertThat(List.of(first.result(), second.result())).containsExactly("first", "second");
        assertThat(executor.submit(() -> 1).result()).isEqualTo(1);
        assertThat(marked("queued")).isFalse();
    }

    @Test
    void exceptionOfAnAsyncCallIsTheCauseInItsStages() {
        var failed = executor.supplyAsync(() -> fail("no such file"));
        var composed = executor.supplyAsync(() -> "two").thenCompose(executor.async(Integer::parseInt));
        var run = executor.runAsync(() -> {
            throw new IllegalStateException("ran");
        });

        assertThat(failed.handle((_, e) -> e).join()).isInstanceOf(IOException.class);
        assertThat(failed.exceptionNow()).isInstanceOf(IOException.class).hasMessage("no such file");
        assertThatThrownBy(failed::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseExactlyInstanceOf(IOException.class);
        for (CompletableFuture<?> stage : List.of(failed, failed.thenApply(String::length))) {
            assertThatThrownBy(stage::join)
                    .isExactlyInstanceOf(CompletionException.class)
                    .hasCauseExactlyInstanceOf(IOException.class);
        }
        assertThatThrownBy(composed::join)
                .isExactlyInstanceOf(CompletionException.class)
                .hasCauseExactlyInstanceOf(NumberFormatException.class);
        assertThatThrownBy(run::join)
                .isExactlyInstanceOf(CompletionException.class)
                .cause()
                .isExactlyInstanceOf(IllegalStateException.class)
                .hasMessage("ran");
    }

    @Test
    @SuppressWarnings("NullAway")
    void asyncMethodsRefuseNullsAtOnce() {
        assertThatThrownBy(() -> executor.supplyAsync(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.runAsync(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> executor.async(null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("fn");
    }

    @Test
    void asyncMethodsAreRejectedAfterShutdown() {
        var gate = new CompletableFuture<String>();
        var composed = gate.thenCompose(executor.async(String::length));
        executor.shutdown();
        gate.complete("late");

        assertThatThrownBy(composed::join)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("it has been shut down");
    }

    // Ending

    /** Tasks of every kind, also such as cannot travel. */
    @SuppressWarnings({"FutureReturnValueIgnored", "ReturnValueIgnored"}) // there is none
    private List<Consumer<FutureExecutor>> submissions() {
        var here = new Object();
        return List.of(
                to -> to.submit(() -> 1),
                to -> to.submit(travelling(() -> 1)),
                to -> to.submit((Callable<Object>) () -> here),
                to -> to.submit((Runnable) here::notifyAll),
                to -> to.submit((Runnable) here::notifyAll, "result"),
                to -> to.submit(new FutureTask<>(() -> here)),
                to -> to.supplyAsync(() -> here),
                to -> to.runAsync(here::notifyAll),
                to -> to.async(_ -> here).apply("argument"),
                to -> to.execute(here::notifyAll),
                to -> to.execute(new FutureTask<>(() -> here)),
                to -> to.map(_ -> here, List.of(1)));
    }

    @Test
    void aRejectionAfterShutdownNamesTheExecutorOnce() {
        executor.shutdown();

        for (Consumer<FutureExecutor> each : submissions()) {
            assertThatThrownBy(() -> each.accept(executor))
                    .isInstanceOf(RejectedExecutionException.class)
                    .satisfies(e -> assertThat(String.valueOf(e.getMessage()))
                            .containsOnlyOnce(executor.toString())
                            .containsOnlyOnce("it has been shut down"));
        }
    }

    @Test
    void afterShutdownEverythingIsRefused() {
        executor.shutdown();
        executor.shutdown();

        assertThat(executor.isShutdown()).isTrue();
        assertThatThrownBy(() -> executor.submit(() -> 1))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("shut down");
        assertThatThrownBy(() -> executor.submit(travelling(() -> 1))).isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(() -> executor.execute((RunnableCall) () -> {}))
                .isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(() -> executor.invokeAll(List.of(travelling(() -> 1))))
                .isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(() -> executor.map(i -> i, List.of(1))).isInstanceOf(RejectedExecutionException.class);
    }

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

    @Test
    void anUnusedExecutorTerminatesAtOnce() throws Exception {
        executor.shutdown();

        assertThat(executor.awaitTermination(10, SECONDS)).isTrue();
        assertThat(executor.shutdownNow()).isEmpty();
    }

    // map, and waiting for many

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
    void whatAFullExecutorRefusesTakesNoPlace() throws Exception {
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

    @Test
    void mapKeepsTheOrderAndNamesTheFailedItem() {
        assertThat(executor.map(i -> i * 2, List.of(1, 2, 3)).toList()).containsExactly(2, 4, 6);
        assertThatThrownBy(() -> executor.map(Integer::parseInt, List.of("1", "two", "3"))
                        .toList())
                .isInstanceOf(NumberFormatException.class)
                .hasMessageContaining("two");
    }

    @Test
    void asCompletedGivesWhatEndsFirst() {
        var slow = submitWaiting(executor, "slow");
        var quick = executor.submit(() -> "quick");
        var completions = Futures.asCompleted(List.of(slow, quick)).iterator();

        assertThat(completions.next().result()).isEqualTo("quick");
        openGate("slow");
        assertThat(completions.next().result()).isEqualTo("slow");
    }

    // What goes along with a call

    private static String baggage() {
        return new TreeMap<>(Baggage.carried()).toString();
    }

    private static String changeBaggage(String value) {
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

    @Test
    void executedTasksSeeWhatTheirSubmitterCarries() {
        String in = folder.toString();
        Baggage.put("user", "carol");
        executor.execute((RunnableCall)
                () -> mark(in, "executed for " + Baggage.carried().get("user")));
        Baggage.clear();

        awaitMark("executed for carol");
    }

    @ParameterizedTest
    @ValueSource(strings = {"carrying", "empty-handed"})
    void whatACallCarriesIsGoneAfterIt(String submitter) {
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

    @Test
    void callbacksSeeWhatTheThreadCarriedThatAddedThem() {
        List<String> seen = new CopyOnWriteArrayList<>();
        var future = submitWaiting(executor, "carrying");
        Baggage.put("user", "erin");
        future.addDoneCallback(_ -> seen.add(changeBaggage("by a callback")));
        Baggage.put("user", "frank");
        future.addDoneCallback(_ -> seen.add(baggage()));
        Baggage.clear();
        future.addDoneCallback(_ -> seen.add(baggage()));
        openGate("carrying");
        future.result();
        await().until(() -> seen.size() == 3);

        Baggage.put("user", "grace");
        future.addDoneCallback(_ -> seen.add(changeBaggage("by a late callback")));
        assertThat(seen).containsExactly("{user=erin}", "{user=frank}", "{}", "{user=grace}");
        assertThat(baggage()).isEqualTo("{user=grace}");
        Baggage.clear();
    }

    @Test
    void callbacksOfACancelledCallSeeNothingOfTheCancellingThread() {
        List<String> seen = new CopyOnWriteArrayList<>();
        var future = submitWaiting(executor, "to be cancelled");
        future.addDoneCallback(_ -> seen.add(baggage()));
        Baggage.put("user", "heidi");
        future.cancel(true);
        Baggage.clear();

        await().until(() -> !seen.isEmpty());
        assertThat(seen).containsExactly("{}");
    }

    @Test
    void callsSubmittedByCallbacksCarryOn() {
        var seen = new CompletableFuture<String>();
        Baggage.put("user", "ivan");
        executor.submit(() -> 1)
                .addDoneCallback(_ -> executor.submit(() -> baggage()).addDoneCallback(f -> seen.complete(f.result())));
        Baggage.clear();

        assertThat(seen.join()).isEqualTo("{user=ivan}");
    }
}
