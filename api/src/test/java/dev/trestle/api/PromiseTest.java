package dev.trestle.api;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future.State;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One promise, one thread at a time; {@link PromiseRaceTest} has the races. */
@Timeout(30)
class PromiseTest {

    private final Promise<String> promise = new Promise<>();
    private final List<String> trail = new ArrayList<>();

    @Test
    void aNewPromiseIsPending() {
        assertThat(promise.isDone()).isFalse();
        assertThat(promise.isRunning()).isFalse();
        assertThat(promise.isCancelled()).isFalse();
        assertThat(promise.state()).isEqualTo(State.RUNNING);
        assertThat(promise).hasToString("Promise@%x[pending]".formatted(System.identityHashCode(promise)));
    }

    @Test
    void exceptionGivenAsResultIsAResult() throws Exception {
        var report = new IOException("on purpose");
        var reported = new Promise<IOException>();
        reported.setResult(report);

        assertThat(reported.result()).isSameAs(report);
        assertThat(reported.get()).isSameAs(report);
        assertThat(reported.resultNow()).isSameAs(report);
        assertThat(reported.exception()).isEmpty();
        assertThat(reported.state()).isEqualTo(State.SUCCESS);
        assertThat(reported.toCompletableFuture()).isCompletedWithValue(report);
        assertThat(reported).asString().contains("result of java.io.IOException");
    }

    @Test
    void waitThatGivesUpLeavesTheOtherListeners() {
        var told = new ArrayList<String>();
        Promise.Wait kept = _ -> told.add("kept");
        Promise.Wait removed = _ -> told.add("removed");
        promise.addWait(kept);
        promise.addWait(removed);
        promise.addDoneCallback(_ -> told.add("callback"));
        assertThat(promise.listenerCount()).isEqualTo(3);

        promise.removeWait(removed);
        assertThat(promise.listenerCount()).isEqualTo(2);
        promise.setResult("x");
        assertThat(told).containsExactly("kept", "callback");
        assertThat(promise.listenerCount()).isZero();
    }

    @Test
    void aResultIsReadInEveryWay() throws Exception {
        promise.setRunningOrNotifyCancel();
        promise.setResult("x");

        assertThat(promise.result()).isEqualTo("x");
        assertThat(promise.result(Duration.ZERO)).isEqualTo("x");
        assertThat(promise.get()).isEqualTo("x");
        assertThat(promise.get(0, TimeUnit.SECONDS)).isEqualTo("x");
        assertThat(promise.resultNow()).isEqualTo("x");
        assertThat(promise.exception()).isEmpty();
        assertThat(promise.state()).isEqualTo(State.SUCCESS);
        assertThat(promise.toCompletableFuture()).isCompletedWithValue("x");
        assertThatThrownBy(promise::exceptionNow).isInstanceOf(IllegalStateException.class);
    }

    /** An exception whose text cannot be had. */
    @SuppressWarnings({"serial", "OverrideThrowableToString"})
    private static final class Rude extends Exception {
        private final Throwable thrown;

        Rude(Throwable thrown) {
            this.thrown = thrown;
        }

        @Override
        public String toString() {
            if (thrown instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException("rude", thrown);
        }
    }

    @Test
    void anExceptionWithoutATextIsACauseLikeOthers() {
        for (Throwable each : List.of(new IOException(), new AssertionError("rude"), new StackOverflowError())) {
            var failed = new Promise<String>();
            var before = failed.toCompletableFuture().handle((_, e) -> e);
            var rude = new Rude(each);
            failed.setException(rude);
            String text = Rude.class.getName() + " (its toString() gives no text)";

            assertThatThrownBy(failed::result)
                    .isExactlyInstanceOf(CompletionException.class)
                    .hasMessage(text)
                    .satisfies(e -> assertThat(e.getCause()).isSameAs(rude));
            assertThatThrownBy(failed::get)
                    .isExactlyInstanceOf(ExecutionException.class)
                    .hasMessage(text)
                    .satisfies(e -> assertThat(e.getCause()).isSameAs(rude));
            assertThat(before).isCompletedWithValueMatching(e -> e.getCause() == rude);
            assertThat(failed.toCompletableFuture().thenApply(_ -> 1)).isCompletedExceptionally();
        }
    }

    @Test
    void nullIsAResult() {
        var nothing = new Promise<@Nullable Void>();
        nothing.setResult(null);

        assertThat(nothing.isDone()).isTrue();
        assertThat(nothing.result()).isNull();
        assertThat(nothing.resultNow()).isNull();
        assertThat(nothing.toString()).contains("result null");
    }

    /** A promise that told its state by the literal "running" took that result for the state. */
    @Test
    void aResultThatIsTheNameOfAStateIsAResult() {
        for (String name : List.of("running", "pending", "cancelled", "null result")) {
            var named = new Promise<String>();
            named.setRunningOrNotifyCancel();
            named.setResult(name);

            assertThat(named.result()).isEqualTo(name);
        }
    }

    @Test
    void anUncheckedExceptionIsThrownAsItIs() {
        var boom = new IllegalArgumentException("boom");
        promise.setException(boom);

        assertThatThrownBy(promise::result).isSameAs(boom);
        assertThatThrownBy(() -> promise.result(Duration.ZERO)).isSameAs(boom);
        assertThatThrownBy(promise::get).isInstanceOf(ExecutionException.class).hasCause(boom);
        assertThat(promise.exception()).containsSame(boom);
        assertThat(promise.exceptionNow()).isSameAs(boom);
        assertThat(promise.state()).isEqualTo(State.FAILED);
        assertThatThrownBy(promise::resultNow)
                .isInstanceOf(IllegalStateException.class)
                .hasCause(boom);
    }

    @Test
    void anErrorIsThrownAsItIs() {
        var error = new StackOverflowError();
        promise.setException(error);

        assertThatThrownBy(promise::result).isSameAs(error);
    }

    @Test
    void aCheckedExceptionIsWrapped() {
        var broken = new IOException("pipe");
        promise.setException(broken);

        assertThatThrownBy(promise::result)
                .isInstanceOf(CompletionException.class)
                .hasCause(broken);
        assertThat(promise.exception()).containsSame(broken);
        assertThat(promise.toCompletableFuture()).isCompletedExceptionally();
        assertThat(promise.toCompletableFuture().exceptionNow()).isSameAs(broken);
    }

    @Test
    void aCancelledPromiseSaysSoInEveryWay() {
        assertThat(promise.cancel(true)).isTrue();

        assertThat(promise.isDone()).isTrue();
        assertThat(promise.isCancelled()).isTrue();
        assertThat(promise.state()).isEqualTo(State.CANCELLED);
        assertThatThrownBy(promise::result).isInstanceOf(CancellationException.class);
        assertThatThrownBy(promise::exception).isInstanceOf(CancellationException.class);
        assertThatThrownBy(promise::get).isInstanceOf(CancellationException.class);
        assertThatThrownBy(promise::resultNow).isInstanceOf(IllegalStateException.class);
        assertThat(promise.toCompletableFuture()).isCancelled();
        assertThat(promise.cancel(true)).as("a second time").isFalse();
    }

    @Test
    void aCancelledPromiseIsNotStarted() {
        promise.cancel(false);

        assertThat(promise.setRunningOrNotifyCancel()).isFalse();
    }

    @Test
    void aRunningPromiseIsNotCancelledUnlessItsWorkCanBeStopped() {
        promise.setRunningOrNotifyCancel();

        assertThat(promise.isRunning()).isTrue();
        assertThat(promise.cancel(true)).isFalse();
        assertThat(promise.isRunning()).isTrue();
    }

    @Test
    void cancellerIsToldOnceAndBeforeTheCallbacks() {
        var stoppable = new Promise<String>((running, interrupt) -> trail.add("stop " + running + " " + interrupt));
        stoppable.addDoneCallback(_ -> trail.add("callback"));
        stoppable.setRunningOrNotifyCancel();

        assertThat(stoppable.cancel(true)).isTrue();
        assertThat(stoppable.cancel(true)).isFalse();
        assertThat(stoppable.trySetResult("late")).isFalse();
        assertThat(trail).containsExactly("stop true true", "callback");
    }

    @Test
    void aPromiseCannotBeStartedTwice() {
        promise.setRunningOrNotifyCancel();

        assertThatThrownBy(promise::setRunningOrNotifyCancel)
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("running")
                .hasMessageContaining("One promise stands for one call");
    }

    @Test
    void completingTwiceIsRefusedAndSaysWhatToDo() {
        promise.setResult("first");

        assertThatThrownBy(() -> promise.setResult("second"))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("result of java.lang.String")
                .hasMessageContaining("trySetResult");
        assertThatThrownBy(() -> promise.setException(new IOException())).isInstanceOf(InvalidStateException.class);
        assertThat(promise.result()).isEqualTo("first");
    }

    @Test
    void callbacksRunInTheOrderTheyWereAdded() {
        promise.addDoneCallback(_ -> trail.add("a"));
        promise.addDoneCallback(_ -> trail.add("b"));
        promise.addDoneCallback(_ -> trail.add("c"));
        promise.setResult("x");
        promise.addDoneCallback(f -> trail.add("d " + f.result()));

        assertThat(trail).containsExactly("a", "b", "c", "d x");
    }

    @Test
    void callbacksRunOnEveryOutcomeAndAtOnceIfItIsThere() {
        var failed = new Promise<String>();
        var cancelled = new Promise<String>();
        for (Promise<String> each : List.of(promise, failed, cancelled)) {
            each.addDoneCallback(f -> trail.add("then " + f.state()));
        }
        promise.setResult("x");
        failed.setException(new IOException("y"));
        cancelled.cancel(false);
        assertThat(trail).containsExactly("then SUCCESS", "then FAILED", "then CANCELLED");

        for (Promise<String> each : List.of(promise, failed, cancelled)) {
            var here = Thread.currentThread();
            each.addDoneCallback(f -> trail.add("now " + f.state() + " " + (Thread.currentThread() == here)));
        }
        assertThat(trail).endsWith("now SUCCESS true", "now FAILED true", "now CANCELLED true");
    }

    @Test
    void aCallbackAddedByACallbackRunsAfterTheOthers() {
        promise.addDoneCallback(f -> {
            trail.add("a");
            f.addDoneCallback(_ -> trail.add("late"));
        });
        promise.addDoneCallback(_ -> trail.add("b"));
        promise.setResult("x");

        assertThat(trail).containsExactly("a", "b", "late");
    }

    @Test
    void aCallbackThatThrowsDoesNotKeepTheOthersFromRunning() {
        promise.addDoneCallback(_ -> {
            throw new IllegalStateException("callback failed on purpose");
        });
        promise.addDoneCallback(_ -> trail.add("b"));
        promise.setResult("x");

        assertThat(trail).containsExactly("b");
    }

    @Test
    void aCallbackThatThrowsAndCannotBePutIntoWordsDoesNotEither() {
        promise.addDoneCallback(new Consumer<>() {
            @Override
            public void accept(ConcurrentFuture<String> future) {
                throw new IllegalStateException("callback failed on purpose");
            }

            @Override
            public String toString() {
                throw new IllegalStateException("toString failed on purpose");
            }
        });
        promise.addDoneCallback(_ -> trail.add("b"));
        promise.setResult("x");
        promise.addDoneCallback(_ -> trail.add("later"));

        assertThat(trail).containsExactly("b", "later");
    }

    @Test
    void anIterationThatIsLateLeavesNothingWithItsFutures() {
        WeakReference<Iterator<?>> iteration = lateIteration();
        Awaitility.await().until(() -> {
            System.gc();
            return iteration.refersTo(null);
        });
        assertThat(promise.isDone()).isFalse();
    }

    private WeakReference<Iterator<?>> lateIteration() {
        Iterator<?> iteration =
                Futures.asCompleted(List.of(promise), Duration.ZERO).iterator();
        assertThatThrownBy(iteration::next)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class);
        assertThatThrownBy(iteration::next).as("again").hasCauseInstanceOf(TimeoutException.class);
        return new WeakReference<>(iteration);
    }

    /** An iteration that is left by a break is garbage, and its future may live as long as the program. */
    @ParameterizedTest
    @ValueSource(ints = {0, 10, 200})
    void abandonedIterationsLeaveNothingWithAFuture(int callbacks) {
        for (int i = 0; i < callbacks; i++) {
            promise.addDoneCallback(_ -> trail.add("x"));
        }
        Promise<String> done = new Promise<>();
        done.setResult("done");
        var kept = Futures.asCompleted(List.of(promise, done)).iterator();
        assertThat(kept.next()).isSameAs(done);
        int most = 0;
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < 100; i++) {
                for (Promise<String> each : Futures.asCompleted(List.of(promise, done))) {
                    assertThat(each).isSameAs(done);
                    break;
                }
            }
            System.gc();
            most = promise.listenerCount();
        }

        assertThat(most).isLessThan(64 + 2 * (callbacks + 1) + 100);
        promise.setResult("x");
        assertThat(kept.next()).isSameAs(promise);
        assertThat(trail).hasSize(callbacks);
    }

    @Test
    void callbacksMayAddCallbacksForEverWithoutGrowingTheStack() {
        promise.setResult("x");
        addChain(100_000);

        assertThat(trail).containsExactly("end");
    }

    private void addChain(int length) {
        promise.addDoneCallback(_ -> {
            if (length == 0) {
                trail.add("end");
            } else {
                addChain(length - 1);
            }
        });
    }

    @Test
    void aTimeoutLeavesThePromiseAlone() throws Exception {
        assertThatThrownBy(() -> promise.result(ofMillis(1)))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("pending")
                .hasMessageContaining("PT0.001S")
                .hasMessageContaining("it goes on");
        assertThatThrownBy(() -> promise.result(ofDays(-1))).isInstanceOf(TimeoutException.class);
        assertThatThrownBy(() -> promise.get(1, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);

        promise.setResult("x");
        assertThat(promise.result(ofDays(1_000_000))).isEqualTo("x");
    }

    @Test
    void aWaiterIsWokenBeforeACallbackThatBlocks() throws Exception {
        var waiting = Thread.ofPlatform().start(promise::result);
        Awaitility.await().until(() -> waiting.getState() == Thread.State.WAITING);
        var waiterEnded = new CountDownLatch(1);
        promise.addDoneCallback(_ -> {
            try {
                waiting.join();
                waiterEnded.countDown();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        promise.setResult("x");

        assertThat(waiterEnded.getCount()).isZero();
    }

    /** The thread that tells the listeners is busy with that callback; a new wait needs no telling. */
    @Test
    void aWaitThatBeginsWhileACallbackBlocksFindsTheFutureDone() throws Exception {
        var entered = new CountDownLatch(1);
        var gate = new CountDownLatch(1);
        promise.addDoneCallback(_ -> {
            entered.countDown();
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        var completing = Thread.ofVirtual().start(() -> promise.setResult("x"));
        entered.await();
        try {
            assertThat(Futures.asCompleted(List.of(promise)).iterator().next()).isSameAs(promise);
            var pending = new Promise<String>();
            assertThat(Futures.asCompleted(List.of(pending, promise), Duration.ZERO)
                            .iterator()
                            .next())
                    .isSameAs(promise);
            assertThat(Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(promise))
                            .done())
                    .containsExactly(promise);
        } finally {
            gate.countDown();
            completing.join();
        }
    }

    @Test
    void anInterruptedWaitKeepsTheInterruptStatus() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(promise::result)
                .isInstanceOf(CompletionException.class)
                .hasMessageContaining("Interrupted while waiting for Promise@")
                .hasCauseInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void getThrowsTheInterruptItself() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(promise::get).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void cancellingTheCompletableFutureCancelsThePromise() {
        var view = promise.toCompletableFuture();
        view.cancel(true);

        assertThat(promise.isCancelled()).isTrue();
    }

    @Test
    void aCompletableFutureFollowsALaterResult() {
        var view = promise.toCompletableFuture().thenApply(text -> text + "!");
        promise.setResult("x");

        assertThat(view).isCompletedWithValue("x!");
    }
}
