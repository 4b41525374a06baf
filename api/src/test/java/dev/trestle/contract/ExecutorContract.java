package dev.trestle.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.api.Call;
import dev.trestle.api.CallFunction;
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
import java.util.ArrayList;
import java.util.List;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@link java.util.concurrent.ExecutorService} and {@link Future}, for every pool: that of its calls,
 * and what the executor does in the thread that submits them.
 */
public abstract class ExecutorContract extends CallContract {

    /** Creates the contract, for the subclasses of each pool. */
    protected ExecutorContract() {}

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

    /** Returns whether calls run on this machine, so that they can read memory of the program. */
    protected boolean sharesMemory() {
        return true;
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
        assumeTrue(sharesMemory(), "calls of this executor run on other machines");
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
        assumeTrue(sharesMemory(), "calls of this executor run on other machines");
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
        assumeTrue(sharesMemory(), "calls of this executor run on other machines");
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
        assumeTrue(sharesMemory(), "calls of this executor run on other machines");
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
    void aRejectionAfterShutdownNamesTheExecutorOnce() throws Exception {
        executor.shutdown();
        assertThat(executor.awaitTermination(30, SECONDS)).isTrue(); // its text tells its state

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
    void anUnusedExecutorTerminatesAtOnce() throws Exception {
        executor.shutdown();

        assertThat(executor.awaitTermination(10, SECONDS)).isTrue();
        assertThat(executor.shutdownNow()).isEmpty();
    }

    // map, and waiting for many

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

    // The context of a call

    @Test
    void executedTasksSeeWhatTheirSubmitterCarries() {
        String in = folder.toString();
        Baggage.put("user", "carol");
        executor.execute((RunnableCall)
                () -> mark(in, "executed for " + Baggage.carried().get("user")));
        Baggage.clear();

        awaitMark("executed for carol");
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
    void callbacksOfACancelledCallSeeNoForeignContext() {
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
