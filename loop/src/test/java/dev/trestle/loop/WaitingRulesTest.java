package dev.trestle.loop;

import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.gatherOutcomes;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ReturnWhen;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The corners of gather, waitUntil, asCompleted and shield, by asyncio's own tests. */
@Timeout(30)
class WaitingRulesTest extends WithLoop {

    private final List<String> reports = new ArrayList<>();

    // gather

    @Test
    void gatherKeepsTheOrderOfItsPartsWhateverThatOfTheirEnds() {
        loop.runUntilComplete(() -> assertThat(await(gather(after(3, "a"), after(1, "b"), after(2, "c"))))
                .containsExactly("a", "b", "c"));
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(3));
    }

    @Test
    void aPartThatStandsTwiceHasItsResultTwice() {
        loop.runUntilComplete(() -> {
            Task<String> a = after(1, "a");
            assertThat(await(gather(a, after(1, "b"), a, a))).containsExactly("a", "b", "a", "a");
        });
        assertThat(trail).containsExactly("a", "b");
    }

    @Test
    void aFailureOfAPartIsTheGathersAtOnceAndTheOthersGoOn() {
        loop.runUntilComplete(() -> {
            LoopFuture<List<String>> all = gather(failing(1), after(3, "went on"));
            assertThatThrownBy(() -> await(all)).hasMessage("after 1");
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
            sleep(ofSeconds(5));
        });
        assertThat(trail).containsExactly("went on");
    }

    /** asyncio loses it. */
    @Test
    void aSecondFailureOfAGatherIsReported() {
        loop.setExceptionHandler((_, report) -> reports.add(String.valueOf(report.exception())));
        loop.runUntilComplete(() -> {
            LoopFuture<List<String>> all = gather(failing(1), failing(2));
            assertThatThrownBy(() -> await(all)).hasMessage("after 1");
            sleep(ofSeconds(5));
        });
        loop.close();
        assertThat(reports).singleElement().asString().contains("after 2");
    }

    @Test
    void aGatherOfWhatIsDoneIsDoneAtOnceAndIsNotCancelled() {
        loop.runUntilComplete(() -> {
            Task<String> a = after(1, "a");
            Task<String> b = failing(1);
            waitUntil(ReturnWhen.ALL_COMPLETED, List.of(a, b));
            LoopFuture<List<Outcome<String>>> outcomes = gatherOutcomes(List.of(a, b));
            assertThat(outcomes.isDone()).isTrue();
            assertThat(outcomes.cancel()).isFalse();
            LoopFuture<List<String>> results = gather(a, b);
            assertThatThrownBy(results::result).hasMessage("after 1");
        });
    }

    @Test
    void gatherOfDoneFuturesIsNotCancelled() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> a = loop.createFuture();
            LoopFuture<List<String>> all = gather(List.of(a));
            a.setResult("a");
            assertThat(all.isDone()).isFalse();
            assertThat(all.cancel()).isFalse();
            assertThat(await(all)).containsExactly("a");
        });
    }

    @Test
    void cancellingAGatherCancelsAndAwaitsEveryPart() {
        loop.runUntilComplete(() -> {
            Task<String> slow = createTask(() -> {
                try {
                    sleep(ofHours(1));
                    return "never";
                } finally {
                    sleep(ofSeconds(2));
                    trail.add("cleaned up");
                }
            });
            Task<?> outer = createTask(() -> await(gatherOutcomes(List.of(slow, after(9, "never")))));
            yieldNow();
            yieldNow();
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(slow.isCancelled()).isTrue();
        });
        assertThat(trail).containsExactly("cleaned up");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(2));
    }

    @Test
    void gathersNest() {
        loop.runUntilComplete(() -> {
            LoopFuture<List<String>> inner = gather(after(1, "a"), after(2, "b"));
            assertThat(await(gather(inner, gather(List.of(after(3, "c"))))))
                    .containsExactly(List.of("a", "b"), List.of("c"));
        });
    }

    // waitUntil

    @Test
    void waitUntilNeedsAFuture() {
        loop.runUntilComplete(() -> assertThatThrownBy(() -> waitUntil(ReturnWhen.ALL_COMPLETED, List.<Task<?>>of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least one future"));
    }

    @Test
    void waitUntilAllAreDoneWaitsForFailuresAsForResults() {
        loop.runUntilComplete(() -> {
            Task<String> a = failing(1);
            Task<String> b = after(2, "b");
            var waited = waitUntil(ReturnWhen.ALL_COMPLETED, List.of(a, b, a));
            assertThat(waited.done()).containsExactly(a, b);
            assertThat(waited.pending()).isEmpty();
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(2));
            assertThat(a.exception()).isPresent();
        });
    }

    @Test
    void waitUntilTheFirstIsDoneLeavesTheOthersAlone() {
        loop.runUntilComplete(() -> {
            Task<String> a = after(2, "a");
            Task<String> b = after(1, "b");
            var waited = waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(a, b));
            assertThat(waited.done()).containsExactly(b);
            assertThat(waited.pending()).containsExactly(a);
            assertThat(await(a)).isEqualTo("a");
        });
    }

    @Test
    void waitUntilTheFirstExceptionEndsWithItOrWithTheLast() {
        loop.runUntilComplete(() -> {
            Task<String> a = after(5, "a");
            Task<String> b = failing(3);
            var waited = waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(a, b));
            assertThat(waited.done()).containsExactly(b);
            assertThat(b.exception()).isPresent();
            waited = waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(a));
            assertThat(waited.pending()).isEmpty();
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(5));
        });
    }

    @Test
    void waitUntilGivesUpAfterItsTimeWithoutAnError() {
        loop.runUntilComplete(() -> {
            Task<String> a = after(1, "a");
            Task<String> b = after(5, "b");
            var waited = waitUntil(ReturnWhen.ALL_COMPLETED, List.of(a, b), ofSeconds(2));
            assertThat(waited.done()).containsExactly(a);
            assertThat(waited.pending()).containsExactly(b);
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(2));
            assertThat(b.isDone()).isFalse();
        });
    }

    // asCompleted

    @Test
    void asCompletedYieldsEveryFutureOnceAndTheFuturesThemselves() {
        loop.runUntilComplete(() -> {
            Task<String> a = after(2, "a");
            Task<String> b = after(1, "b");
            var yielded = new ArrayList<Task<String>>();
            asCompleted(List.of(a, b, a)).forEach(yielded::add);
            assertThat(yielded).containsExactly(b, a);
        });
    }

    @Test
    void asCompletedIsTakenUpWhereItWasLeft() {
        loop.runUntilComplete(() -> {
            var completed = asCompleted(List.of(after(3, "c"), after(1, "a"), after(2, "b")))
                    .iterator();
            assertThat(completed.next().result()).isEqualTo("a");
            sleep(ofHours(1));
            assertThat(completed.next().result()).isEqualTo("b");
            assertThat(completed.next().result()).isEqualTo("c");
            assertThat(completed.hasNext()).isFalse();
            assertThatThrownBy(completed::next).hasMessageContaining("All 3 futures have been returned");
        });
    }

    @Test
    void asCompletedYieldsFailuresAndCancelsNothing() {
        loop.runUntilComplete(() -> {
            Task<String> bad = failing(1);
            Task<String> good = after(2, "good");
            assertThat(asCompleted(List.of(good, bad)).iterator().next()).isSameAs(bad);
            assertThat(bad.exception()).isPresent();
            assertThat(await(good)).isEqualTo("good");
        });
    }

    @Test
    void anIteratorOfCompletionsHasOneConsumer() {
        loop.runUntilComplete(() -> {
            var completed = asCompleted(List.of(after(1, "a"), after(2, "b"))).iterator();
            Task<?> first = createTask(() -> completed.next().result());
            yieldNow();
            assertThatThrownBy(completed::next)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("one consumer");
            await(first);
        });
    }

    @Test
    void asCompletedOfNothingIsEmpty() {
        loop.runUntilComplete(() -> {
            assertThat(asCompleted(List.<Task<?>>of()).iterator().hasNext()).isFalse();
            for (Task<String> each : asCompleted(List.of(after(1, "a")), ofSeconds(2))) {
                assertThat(each.result()).isEqualTo("a");
            }
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
        });
    }

    // shield

    @Test
    void aShieldOfWhatIsDoneIsThatItself() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> done = loop.createFuture();
            done.setResult("done");
            assertThat(shield(done)).isSameAs(done);
        });
    }

    @Test
    void aShieldIsCancelledWithWhatItShields() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> inner = loop.createFuture();
            LoopFuture<String> outer = shield(inner);
            inner.cancel("inner");
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("inner");
            assertThat(outer.isCancelled()).isTrue();
        });
    }

    @Test
    void aShieldedTaskGoesOnWhenItsAwaiterIsCancelled() {
        loop.runUntilComplete(() -> {
            Task<String> inner = after(5, "inner");
            Task<?> outer = createTask(() -> await(shield(inner)));
            yieldNow();
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(inner.isDone()).isFalse();
            assertThat(await(inner)).isEqualTo("inner");
        });
    }

    @Test
    void aFailureBehindACancelledShieldIsReportedOnce() {
        loop.setExceptionHandler((_, report) -> reports.add(String.valueOf(report.exception())));
        loop.runUntilComplete(() -> {
            Task<String> inner = failing(1);
            LoopFuture<String> one = shield(inner);
            LoopFuture<String> two = shield(inner);
            one.cancel();
            two.cancel();
            sleep(ofSeconds(5));
        });
        loop.close();
        assertThat(reports).singleElement().asString().contains("after 1");
    }

    @Test
    void aShieldInAGatherIsCancelledAndWhatItShieldsIsNot() {
        loop.runUntilComplete(() -> {
            Task<String> kept = after(3, "kept");
            Task<String> other = after(3, "other");
            LoopFuture<List<String>> all = gather(shield(kept), other);
            yieldNow();
            all.cancel();
            assertThatThrownBy(() -> await(all)).isInstanceOf(CancelledError.class);
            assertThat(await(kept)).isEqualTo("kept");
            assertThat(other.isCancelled()).isTrue();
        });
    }

    @Test
    void aShieldedGatherGoesOn() {
        loop.runUntilComplete(() -> {
            LoopFuture<List<String>> inner = gather(after(1, "a"), after(2, "b"));
            LoopFuture<List<String>> outer = shield(inner);
            outer.cancel();
            assertThat(await(inner)).containsExactly("a", "b");
        });
    }
}
