package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.InvalidStateException;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The target and the moment of a cancellation, and its effect in the coroutine. */
@Timeout(30)
class CancellationTest extends WithLoop {

    @Test
    void aCancelThatArrivesWhileTheCoroutineReturnsWins() {
        loop.runUntilComplete(() -> {
            Task<String> task = createTask(() -> {
                currentTask().cancel("at the end");
                return "result";
            });
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("at the end");
            assertThat(task.isCancelled()).isTrue();
        });
    }

    @Test
    void cancelWinsOverAResultThatArrivesInTheSameTurn() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<String> task = createTask(() -> await(future));
            yieldNow();
            future.setResult("too late for the task");
            assertThat(task.cancel()).isTrue();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            assertThat(future.result()).isEqualTo("too late for the task");
        });
    }

    @Test
    void taskThatCancelsItselfEndsAtItsNextAwait() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                currentTask().cancel();
                trail.add("still running");
                sleep(ofHours(1));
                trail.add("never");
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });

        assertThat(trail).containsExactly("still running");
        assertThat(clock.elapsed()).isEqualTo(ZERO);
    }

    @Test
    void aTaskMaySwallowItsCancellationAndASecondOneCounts() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } catch (CancelledError e) {
                    trail.add("swallowed, cancelling=" + currentTask().cancelling());
                }
                sleep(ofHours(1));
            });
            yieldNow();
            assertThat(task.cancel()).isTrue();
            yieldNow();
            yieldNow();
            assertThat(task.isDone()).isFalse();
            assertThat(task.cancel()).isTrue();
            assertThat(task.cancelling()).isEqualTo(2);
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            assertThat(task.cancel()).isFalse();
        });

        assertThat(trail).containsExactly("swallowed, cancelling=1");
    }

    @Test
    void aSecondRequestDoesNotReplaceTheMessageOfTheFirst() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> sleep(ofHours(1)));
            yieldNow();
            task.cancel("the first");
            task.cancel("the second");
            assertThatThrownBy(() -> await(task)).hasMessage("the first");
        });
    }

    @Test
    void uncancelDownToZeroForgetsWhatHasNotBeenThrown() {
        loop.runUntilComplete(() -> {
            Task<String> task = createTask(() -> {
                currentTask().cancel();
                assertThat(currentTask().uncancel()).isZero();
                assertThat(currentTask().uncancel()).isZero();
                yieldNow();
                return "went on";
            });
            assertThat(await(task)).isEqualTo("went on");
        });
    }

    @Test
    void cancellingReachesWhatTheTaskAwaitsAndComesBack() {
        loop.runUntilComplete(() -> {
            Task<?> inner = createTask(() -> sleep(ofHours(1)));
            Task<?> outer = createTask(() -> await(inner));
            yieldNow();
            yieldNow();
            outer.cancel("all of it");
            assertThatThrownBy(() -> await(outer)).hasMessage("all of it");
            assertThat(inner.isCancelled()).isTrue();
        });
    }

    @Test
    void aLongChainOfTasksIsCancelledInConstantStack() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> end = loop.createFuture();
            Task<String> first = createTask(() -> await(end));
            Task<String> last = first;
            for (int i = 0; i < 100_000; i++) {
                Task<String> before = last;
                last = createTask(() -> await(before));
            }
            yieldNow();
            Task<String> outermost = last;
            outermost.cancel();
            assertThatThrownBy(() -> await(outermost)).isInstanceOf(CancelledError.class);
            assertThat(end.isCancelled()).isTrue();
            assertThat(first.isCancelled()).isTrue();
        });
    }

    @Test
    void manyNestedGathersAreCancelledInConstantStack() {
        loop.runUntilComplete(() -> {
            Task<?> inner = createTask(() -> sleep(ofHours(1)));
            LoopFuture<?> last = inner;
            for (int i = 0; i < 100_000; i++) {
                last = gather(List.of(last));
            }
            yieldNow();
            LoopFuture<?> outermost = last;
            assertThat(outermost.cancel("all of you")).isTrue();
            assertThatThrownBy(() -> await(outermost))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("all of you");
            assertThat(outermost.isCancelled()).isTrue();
            assertThat(inner.isCancelled()).isTrue();
        });
        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void cancelOfNestedGathersNeedsConstantStack() {
        loop.runUntilComplete(() -> {
            Task<?> inner = createTask(() -> sleep(ofHours(1)));
            Task<?> last = inner;
            for (int i = 0; i < 100_000; i++) {
                Task<?> before = last;
                last = createTask(() -> await(gather(List.of(before))));
            }
            yieldNow();
            Task<?> outermost = last;
            assertThat(outermost.cancel()).isTrue();
            assertThatThrownBy(() -> await(outermost)).isInstanceOf(CancelledError.class);
            assertThat(inner.isCancelled()).isTrue();
        });
        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void aTaskWithADoneGatherIsCancelledAtItsNextAwait() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> part = loop.createFuture();
            Task<?> inner = createTask(() -> await(gather(List.of(part))));
            Task<?> task = createTask(() -> await(gather(List.of(gather(List.of(inner)), gather(List.of(part))))));
            yieldNow();
            part.setResult("done");
            assertThat(gather(List.of(part)).cancel()).isFalse();
            assertThat(task.cancel()).isTrue();
            assertThat(inner.cancelling()).isEqualTo(1);
            assertThatThrownBy(() -> await(inner)).isInstanceOf(CancelledError.class);
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });
    }

    @Test
    void textOfATaskShowsOnlyTheFutureThatItAwaits() {
        loop.runUntilComplete(() -> {
            var circle = new AtomicReference<Task<?>>();
            Task<?> a = createTask(() -> await(circle.get()), "a");
            Task<?> b = createTask(() -> await(a), "b");
            circle.set(b);
            yieldNow();
            assertThat(a).hasToString("Task[a, pending, awaiting Task[b]]");
            b.cancel();
        });
    }

    @Test
    void tasksThatAwaitEachOtherCanBeCancelled() {
        loop.runUntilComplete(() -> {
            var circle = new AtomicReference<Task<?>>();
            Task<?> a = createTask(() -> await(circle.get()));
            Task<?> b = createTask(() -> await(a));
            Task<?> c = createTask(() -> await(b));
            circle.set(c);
            Task<?> outside = createTask(() -> await(b));
            yieldNow();
            assertThat(outside.cancel()).isTrue();
            assertThatThrownBy(() -> await(outside)).isInstanceOf(CancelledError.class);
            assertThat(List.of(a, b)).allMatch(LoopFuture::isDone);
        });
    }

    @Test
    void tasksThatAwaitEachOtherCanBeCancelledTwiceInATurn() {
        loop.runUntilComplete(() -> {
            var circle = new AtomicReference<Task<?>>();
            Task<?> a = createTask(() -> {
                yieldNow(); // so that each of the two has a thread, and either can go on first
                try {
                    await(circle.get());
                } finally {
                    trail.add("a");
                    sleep(ofSeconds(1));
                    trail.add("a has cleaned up");
                }
            });
            Task<?> b = createTask(() -> await(a));
            circle.set(b);
            yieldNow();
            yieldNow();
            b.cancel();
            b.cancel();
            assertThatThrownBy(() -> await(b)).isInstanceOf(CancelledError.class);
            assertThat(a.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("a", "a has cleaned up");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    @Test
    void aTaskThatAwaitsAGatherOfItselfCanBeCancelled() {
        loop.runUntilComplete(() -> {
            var circle = new AtomicReference<LoopFuture<?>>();
            Task<?> a = createTask(() -> await(circle.get()));
            Task<?> b = createTask(() -> await(a));
            circle.set(gather(b));
            yieldNow();
            assertThat(a.cancel()).isTrue();
            assertThat(a.cancel()).isTrue();
            assertThatThrownBy(() -> await(b)).isInstanceOf(CancelledError.class);
            assertThat(a.isCancelled()).isTrue();
        });
    }

    /** asyncio has no threads to interrupt. Here an interrupt must neither be lost nor be seen without the baton. */
    @Test
    void interruptingASuspendedCoroutineCancelsItsTask() {
        loop.runUntilComplete(() -> {
            var thread = new AtomicReference<Thread>();
            Task<?> task = createTask(() -> {
                thread.set(Thread.currentThread());
                try {
                    await(loop.createFuture());
                } finally {
                    trail.add("holding=" + loop.isRunningHere() + ", interrupted="
                            + Thread.currentThread().isInterrupted());
                }
            });
            yieldNow();
            thread.get().interrupt();
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("its thread was interrupted");
        });

        assertThat(trail).containsExactly("holding=true, interrupted=false");
    }

    @Test
    void everyAwaiterGetsTheMessageAndTheFirstTheErrorItself() {
        loop.runUntilComplete(() -> {
            var thrown = new CancelledError("mine");
            Task<?> task = createTask(() -> {
                throw thrown;
            });
            assertThatThrownBy(() -> await(task)).isSameAs(thrown);
            assertThatThrownBy(() -> await(task))
                    .isNotSameAs(thrown)
                    .hasMessage("mine")
                    .hasCause(thrown);
            assertThat(task.isCancelled()).isTrue();
        });
    }

    @Test
    void aFutureCompletesOnceAndSaysSo() {
        LoopFuture<String> future = loop.createFuture();
        assertThatThrownBy(future::result)
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("is not there yet")
                .hasMessageContaining("await(future)");
        future.setResult("x");
        assertThatThrownBy(() -> future.setResult("y"))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("already done");
        assertThat(future.cancel()).isFalse();
    }

    @Test
    void theOutcomeOfATaskCannotBeSetByHand() {
        Task<String> task = loop.createTask(() -> "its own");
        assertThatThrownBy(() -> task.setResult("x")).hasMessageContaining("is what its coroutine returns");
        assertThatThrownBy(() -> task.setException(new Exception()))
                .hasMessageContaining("is what its coroutine throws");
        assertThat(loop.runUntilComplete(task)).isEqualTo("its own");
    }
}
