package dev.trestle.loop;

import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Values and callbacks that break their contracts: the loop goes on, no waiter is lost, and the reports are readable.
 */
@Timeout(30)
class HostileCodeTest extends WithLoop {

    private final List<String> reports = new ArrayList<>();

    HostileCodeTest() {
        loop.setExceptionHandler((_, context) -> reports.add(context.message()));
    }

    /** Cannot be put into words. */
    private static final class Speechless extends RuntimeException implements Runnable {
        private static final long serialVersionUID = 1;

        @Override
        public void run() {
            throw this;
        }

        @Override
        public String getMessage() { // which toString calls
            throw new UnsupportedOperationException("getMessage failed on purpose");
        }
    }

    private static final String SPEECHLESS =
            "dev\\.trestle\\.loop\\.HostileCodeTest\\$Speechless@\\w+ \\(its toString\\(\\) threw"
                    + " java\\.lang\\.UnsupportedOperationException\\)";

    // toString

    @Test
    void aCallbackThatCannotBePutIntoWordsIsReported() {
        loop.runUntilComplete(() -> {
            loop.callSoon(new Speechless());
            yieldNow();
            yieldNow();
        });
        assertThat(reports).singleElement().asString().matches("Exception in callback " + SPEECHLESS);
    }

    @Test
    void anOutcomeWhoseToStringFailsDoesNoHarm() {
        loop.runUntilComplete(() -> {
            LoopFuture<Object> future = loop.createFuture();
            future.addDoneCallback(_ -> {
                throw new IllegalStateException("callback failed on purpose");
            });
            future.setResult(new Speechless());
            yieldNow();
            yieldNow();
            assertThat(reports).singleElement().asString().contains(" of " + future);
            assertThat(future.toString()).matches("LoopFuture@\\w+\\[result " + SPEECHLESS + "]");

            Task<?> task = createTask(() -> {
                throw new Speechless();
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(Speechless.class);
            assertThat(task.toString()).matches("Task\\[Task-\\d+, failed with " + SPEECHLESS + "]");
        });
    }

    @Test
    void aGroupTellsOfAFailureThatCannotBePutIntoWords() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(() -> {
                            throw new Speechless();
                        });
                    }))
                    .isInstanceOf(TaskGroupException.class)
                    .hasCauseInstanceOf(Speechless.class)
                    .message()
                    .matches("In a task group 1 failure: " + SPEECHLESS);
        });
    }

    @Test
    void aFutureWhoseResultIsItselfIsPutIntoWords() {
        LoopFuture<Object> itself = loop.createFuture();
        itself.setResult(itself);
        assertThat(itself.toString()).matches("(LoopFuture@\\w+)\\[result \\1]");

        LoopFuture<Object> inAList = loop.createFuture();
        inAList.setResult(List.of(inAList));
        assertThat(inAList.toString())
                .matches("(LoopFuture@\\w+)\\[result \\[(\\1\\[result \\[){2}\\1\\[result [\\w.$]+@\\w+]+");
    }

    @Test
    void aLongResultIsCutShort() {
        LoopFuture<String> future = loop.createFuture();
        future.setResult("x".repeat(100_000));
        assertThat(future.toString()).matches("LoopFuture@\\w+\\[result x{500}\\.\\.\\. \\(100000 characters\\)]");
    }

    @Test
    void aResultIsNotPutIntoWordsOnItsWay() {
        var result = new Speechless();
        assertThat(EventLoop.<Object>run(() -> await(createTask(() -> result))).equals(result))
                .isTrue();
    }

    // equals

    @Test
    void equalsOfACallbackMayAddAndRemoveCallbacks() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Consumer<LoopFuture<String>> first = _ -> trail.add("first");
            Consumer<Object> any = new Equal(() -> {
                future.removeDoneCallback(first);
                future.addDoneCallback(_ -> trail.add("added"));
            });
            future.addDoneCallback(first);
            future.addDoneCallback(new Equal(() -> {}));
            future.addDoneCallback(new Equal(() -> {}));

            assertThat(future.removeDoneCallback(any)).isEqualTo(2);
            future.setResult("done");
            yieldNow();
            yieldNow();
            assertThat(trail).containsOnly("added");
        });
    }

    @Test
    void equalsOfACallbackMayCompleteItsFuture() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            future.addDoneCallback(_ -> trail.add("first"));
            future.addDoneCallback(new Equal(() -> {}));
            assertThat(future.removeDoneCallback(new Equal(future::cancel)))
                    .as("they are on their way")
                    .isZero();
            yieldNow();
            yieldNow();
            assertThat(trail).containsExactly("first", "called");
        });
    }

    @Test
    void aCallbackEqualToEverythingRemovesNoAwaiter() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<String> awaiting = createTask(() -> await(future));
            LoopFuture<String> shield = shield(future);
            yieldNow();
            Consumer<Object> equalToEverything = new Equal(() -> {}) {
                @Override
                public boolean equals(@Nullable Object other) {
                    return true;
                }
            };
            assertThat(future.removeDoneCallback(equalToEverything)).isZero();
            future.setResult("done");
            assertThat(await(awaiting)).isEqualTo("done");
            assertThat(await(shield)).isEqualTo("done");
        });
    }

    /** A callback that is equal to its like, and does something when it is asked. */
    private class Equal implements Consumer<Object> {
        private final Runnable onEquals;

        Equal(Runnable onEquals) {
            this.onEquals = onEquals;
        }

        @Override
        public void accept(Object future) {
            trail.add("called");
        }

        @Override
        public boolean equals(@Nullable Object other) {
            onEquals.run();
            return other instanceof Equal;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    // Depth, time and memory

    @Test
    void aHundredThousandShieldsAroundEachOther() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> inner = loop.createFuture();
            LoopFuture<String> outer = inner;
            for (int i = 0; i < 100_000; i++) {
                outer = shield(outer);
            }
            LoopFuture<String> outermost = outer;
            Task<String> task = createTask(() -> await(outermost));
            yieldNow();
            assertThat(task.toString()).endsWith("awaiting 100000 shields around " + inner.identity() + "]");
            assertThat(loop.taskGraph().toString()).contains("awaits 100000 shields around " + inner.identity());

            inner.setException(new IllegalStateException("inner failed on purpose"));
            assertThatThrownBy(() -> await(task)).hasMessage("inner failed on purpose");
        });
    }

    /** The JDK cannot put aside a stack that is so deep. */
    @Test
    void aCoroutineMayAwaitThousandsOfCallsDeep() {
        loop.runUntilComplete(() -> {
            var others = new AtomicInteger();
            Task<?> other = createTask(() -> {
                while (others.incrementAndGet() < 10) {
                    sleep(ofSeconds(1));
                }
            });
            int seen = atDepth(8_000, () -> {
                await(other);
                assertThat(loop.isRunningHere()).isTrue();
                assertThat(Async.currentTask().toString()).endsWith("pending]");
                return others.get();
            });
            assertThat(seen).isEqualTo(10);
            assertThat(await(createTask(() -> "goes on"))).isEqualTo("goes on");
        });
    }

    private static int atDepth(int depth, Supplier<Integer> action) {
        return depth == 0 ? action.get() : atDepth(depth - 1, action);
    }

    @Test
    void theLongestTimeThereIsIsATimeLimit() throws Exception {
        Duration forever = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);
        loop.runUntilComplete(() -> {
            assertThat(Async.timeout(forever, () -> "a")).isEqualTo("a");
            String limited = Async.callWithTimeoutAt(forever, _ -> "b");
            assertThat(limited).isEqualTo("b");
            assertThat(Async.waitFor(after(1, "c"), forever)).isEqualTo("c");
            assertThat(asCompleted(List.of(after(1, "d")), forever)
                            .iterator()
                            .next()
                            .result())
                    .isEqualTo("d");
            loop.callLater(forever, () -> trail.add("never")).cancel();
            loop.callAt(forever, () -> trail.add("never")).cancel();
        });
    }

    @Test
    void theShortestTimeThereIsIsOver() {
        Duration over = Duration.ofSeconds(Long.MIN_VALUE);
        loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> Async.timeout(over, () -> yieldNow())).isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> Async.waitFor(after(1, "a"), over)).isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() ->
                            asCompleted(List.of(after(1, "b")), over).iterator().next())
                    .hasCauseInstanceOf(TimeoutException.class);
            loop.callAt(over, () -> trail.add("at once"));
            yieldNow();
            yieldNow();
            assertThat(trail).containsExactly("at once");
        });
    }

    @Test
    void anIterationThatIsLateLeavesNothingWithItsFutures() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> longLived = loop.createFuture();
            WeakReference<Iterator<?>> iteration = lateIteration(longLived);
            while (!iteration.refersTo(null)) { // until the class's time limit
                System.gc();
                Thread.onSpinWait();
            }
            assertThat(longLived.isDone()).isFalse();
        });
    }

    private static WeakReference<Iterator<?>> lateIteration(LoopFuture<String> future) {
        Iterator<LoopFuture<String>> iteration =
                asCompleted(List.of(future), Duration.ZERO).iterator();
        assertThatThrownBy(iteration::next)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class);
        return new WeakReference<>(iteration);
    }
}
