package dev.trestle.loop;

import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.gatherOutcomes;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ReturnWhen;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** gather, waitUntil, asCompleted and shield. */
@Timeout(30)
class WaitingForManyTest extends WithLoop {

    @Test
    void gatherOfNothingIsDone() {
        loop.runUntilComplete(() -> {
            LoopFuture<List<String>> none = gather(List.<Task<String>>of());
            assertThat(none.result()).isEmpty();
        });
    }

    @Test
    void gatherKeepsNullsAndTakesWhatIsDoneAlready() {
        loop.runUntilComplete(() -> {
            LoopFuture<@Nullable String> nothing = loop.createFuture();
            nothing.setResult(null);
            assertThat(gather(nothing, nothing).result()).containsExactly(null, null);
        });
    }

    @Test
    void aPartThatIsCancelledFailsTheGatherAndDoesNotCancelIt() {
        loop.runUntilComplete(() -> {
            Task<String> part = after(10, "never");
            Task<String> other = after(20, "other");
            LoopFuture<List<String>> all = gather(part, other);
            yieldNow();
            part.cancel("only this one");
            assertThatThrownBy(() -> await(all))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("only this one");
            assertThat(all.isCancelled()).isFalse();
            assertThat(await(other)).isEqualTo("other");
        });
    }

    @Test
    void cancellingAGatherCancelsItsPartsAndEndsAfterThem() {
        loop.runUntilComplete(() -> {
            Task<String> one = after(10, "one");
            Task<String> two = after(20, "two");
            LoopFuture<List<Outcome<String>>> all = gatherOutcomes(List.of(one, two));
            yieldNow();
            assertThat(all.cancel()).isTrue();
            assertThat(all.isDone()).isFalse();
            assertThatThrownBy(() -> await(all)).isInstanceOf(CancelledError.class);
            assertThat(all.isCancelled()).isTrue();
            assertThat(List.of(one, two)).allMatch(LoopFuture::isCancelled);
            assertThat(all.cancel()).isFalse();
        });
    }

    @Test
    void gatherOutcomesTellsResultsFailuresAndCancellations() {
        loop.runUntilComplete(() -> {
            Task<String> good = after(1, "good");
            Task<String> bad = failing(2);
            Task<String> gone = after(3, "gone");
            yieldNow();
            gone.cancel("no more");
            List<Outcome<String>> outcomes = await(gatherOutcomes(List.of(good, bad, gone)));
            assertThat(outcomes.get(0)).isEqualTo(new Outcome.Success<>("good"));
            assertThat(outcomes.get(1))
                    .isInstanceOfSatisfying(
                            Outcome.Failure.class,
                            failure -> assertThat(failure.exception()).hasMessage("after 2"));
            assertThat(outcomes.get(2))
                    .isInstanceOfSatisfying(
                            Outcome.Cancelled.class,
                            cancelled -> assertThat(cancelled.error()).hasMessage("no more"));
        });
    }

    @Test
    void waitUntilFirstExceptionIgnoresCancelledFutures() {
        loop.runUntilComplete(() -> {
            Task<String> cancelled = after(50, "never");
            Task<String> bad = failing(5);
            Task<String> slow = after(100, "slow");
            yieldNow();
            cancelled.cancel();
            var both = waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(cancelled, bad, slow));
            assertThat(both.done()).containsExactly(cancelled, bad);
            assertThat(both.pending()).containsExactly(slow);
            assertThat(bad.exception()).isPresent();
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(5));
        });
    }

    @Test
    void waitUntilReportsAllThatAreDoneWhenItReturns() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> one = loop.createFuture();
            LoopFuture<String> two = loop.createFuture();
            loop.callSoon(() -> one.setResult("1"));
            loop.callSoon(() -> loop.callSoon(() -> two.setResult("2")));
            var first = waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(one, two));
            assertThat(first.done()).containsExactly(one, two);
        });
    }

    @Test
    void waitUntilCancelsNothingWhenItIsCancelled() {
        loop.runUntilComplete(() -> {
            Task<String> part = after(10, "went on");
            Task<?> waiting = createTask(() -> {
                waitUntil(ReturnWhen.ALL_COMPLETED, List.of(part));
            });
            yieldNow();
            waiting.cancel();
            assertThatThrownBy(() -> await(waiting)).isInstanceOf(CancelledError.class);
            assertThat(await(part)).isEqualTo("went on");
            assertThatThrownBy(() -> waitUntil(ReturnWhen.ALL_COMPLETED, List.<Task<?>>of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("at least one future");
        });
    }

    @Test
    void asCompletedYieldsInTheOrderOfCompletion() {
        loop.runUntilComplete(() -> {
            Task<String> slow = after(3, "slow");
            Task<String> quick = after(1, "quick");
            Task<String> bad = failing(2);
            var order = new ArrayList<Task<String>>();
            for (Task<String> done : asCompleted(List.of(slow, quick, bad, quick))) {
                assertThat(done.isDone()).isTrue();
                order.add(done);
            }
            assertThat(order).containsExactly(quick, bad, slow);
            assertThat(bad.exception()).isPresent();
        });
    }

    @Test
    void asCompletedCountsWhatIsMissingWhenTheTimeIsOver() {
        loop.runUntilComplete(() -> {
            Task<String> slow = after(100, "slow");
            Task<String> quick = after(1, "quick");
            var futures = asCompleted(List.of(slow, quick), ofSeconds(5)).iterator();
            assertThat(futures.next()).isSameAs(quick);
            assertThatThrownBy(futures::next)
                    .isInstanceOf(CompletionException.class)
                    .cause()
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("1 (of 2) futures unfinished");
            assertThat(slow.isDone()).isFalse();
            slow.cancel();
        });
    }

    @Test
    void aShieldPassesOnWhatTheInnerFutureDoes() {
        loop.runUntilComplete(() -> {
            Task<String> inner = after(1, "done");
            LoopFuture<String> shield = shield(inner);
            assertThat(await(shield)).isEqualTo("done");
            assertThat(shield(inner)).isSameAs(inner);

            Task<String> cancelled = after(1, "never");
            LoopFuture<String> other = shield(cancelled);
            yieldNow();
            cancelled.cancel();
            assertThatThrownBy(() -> await(other)).isInstanceOf(CancelledError.class);
        });
    }

    @Test
    void aFutureOfAnotherLoopIsRefused() {
        try (var other = new EventLoop(clock)) {
            LoopFuture<String> foreign = other.createFuture();
            loop.runUntilComplete(() -> {
                assertThatThrownBy(() -> await(foreign))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("only be awaited in its own loop");
                assertThatThrownBy(() -> gather(foreign)).hasMessageContaining("in its own loop");
                assertThatThrownBy(() -> shield(foreign)).hasMessageContaining("in its own loop");
            });
        }
    }

    /** The loop makes a step of its own again if an error has ended it. */
    @Test
    void asCompletedReturnsAFutureOnceThoughItsStepIsRepeated() {
        loop.runUntilComplete(() -> {
            LoopFuture<Integer> first = loop.createFuture();
            LoopFuture<Integer> second = loop.createFuture();
            var futures = new LinkedHashSet<>(List.of(first, second));
            var completed = new AsCompletedIterator<>(loop, futures, null);

            completed.done(first);
            completed.done(first);
            assertThat(completed.next()).isSameAs(first);
            completed.done(first);
            completed.done(second);

            assertThat(completed.next()).isSameAs(second);
            assertThat(completed.hasNext()).isFalse();
        });
    }

    @Test
    void theTimersOfWaitsThatEndedEarlyAreGone() {
        loop.runUntilComplete(() -> {
            Task<String> quick = after(1, "quick");
            waitUntil(ReturnWhen.ALL_COMPLETED, List.of(quick), ofHours(5));
            for (Task<String> done : asCompleted(List.of(quick), ofHours(5))) {
                assertThat(done).isSameAs(quick);
            }
            loop.callSoon(() -> {});
        });

        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }
}
