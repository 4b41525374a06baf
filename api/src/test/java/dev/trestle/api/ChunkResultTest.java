package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The outcomes of a chunk of inputs: as they are, as data, and after a refusal. */
@Timeout(30)
class ChunkResultTest {

    private static int positive(int input) {
        if (input < 0) {
            throw new IllegalArgumentException("negative: " + input);
        }
        return 10 * input;
    }

    private static List<Object> outcomes(ChunkResult result) {
        List<Object> all = new ArrayList<>();
        for (ChunkResult.Outcomes each = result.outcomes(); each.hasNext(); ) {
            Throwable failure = each.nextFailure();
            all.add(failure == null ? String.valueOf(each.nextResult()) : failure);
        }
        return all;
    }

    @Test
    void aChunkEndsWithItsFirstFailure() {
        ChunkResult result = ChunkResult.of(ChunkResultTest::positive, List.of(1, 2, -3, 4));

        assertThat(result.size()).isEqualTo(3);
        assertThat(result.hasFailures()).isTrue();
        assertThat(result.nanos()).isNotNegative();
        assertThat(outcomes(result))
                .satisfiesExactly(
                        first -> assertThat(first).isEqualTo("10"),
                        second -> assertThat(second).isEqualTo("20"),
                        third -> assertThat((Throwable) third).hasMessage("negative: -3"));
    }

    @Test
    void aChunkArrivesAsDataAsItWas() {
        ChunkResult result = ChunkResult.of(ChunkResultTest::positive, List.of(1, -2));
        List<@Nullable Object> data = result.toData();
        assertThat(data).hasSize(4);
        assertThat(data.getFirst()).isEqualTo(result.nanos());

        ChunkResult arrived = ChunkResult.from(data);

        assertThat(arrived.nanos()).isEqualTo(result.nanos());
        assertThat(arrived.size()).isEqualTo(2);
        assertThat(outcomes(arrived)).isEqualTo(outcomes(result));
        assertThat(ChunkResult.from(arrived)).isSameAs(arrived);
    }

    @Test
    void resultsAndFailuresThatCannotBeSentAreReplaced() {
        ChunkResult result = ChunkResult.of(ChunkResultTest::positive, List.of(1, 2, 3, -4));
        var seen = new ArrayList<@Nullable Object>();

        result.refuse(each -> {
            seen.add(each);
            return Integer.valueOf(20).equals(each) || each instanceof IllegalArgumentException
                    ? new IllegalStateException("cannot be sent: " + each)
                    : null;
        });

        assertThat(seen).hasSize(4).startsWith(10, 20, 30);
        assertThat(seen.getLast()).isInstanceOf(IllegalArgumentException.class);
        assertThat(result.toData().subList(2, 6)).isEqualTo(Arrays.asList(10, null, 30, null));
        assertThat(outcomes(result))
                .satisfiesExactly(
                        first -> assertThat(first).isEqualTo("10"),
                        second -> assertThat((Throwable) second).hasMessage("cannot be sent: 20"),
                        third -> assertThat(third).isEqualTo("30"),
                        fourth -> assertThat((Throwable) fourth)
                                .hasMessageContaining("cannot be sent")
                                .hasMessageContaining("-4"));
    }

    @Test
    void aChunkThatFailsAsAWholeFailsForEachOfItsInputs() {
        var failure = new IllegalStateException("on purpose");
        ChunkResult result = ChunkResult.failed(failure, 3);

        assertThat(result.size()).isEqualTo(3);
        assertThat(outcomes(result)).containsExactly(failure, failure, failure);
        assertThat(ChunkResult.failed(failure, 0).hasFailures()).isFalse();
    }

    @Test
    void onlyAnErrorOfTheVirtualMachineIsFatal() {
        assertThat(ChunkResult.failed(new OutOfMemoryError("on purpose"), 1).fatalError())
                .hasMessage("on purpose");
        assertThat(ChunkResult.failed(new StackOverflowError(), 1).fatalError()).isNull();
        assertThat(ChunkResult.failed(new AssertionError(), 1).fatalError()).isNull();
        assertThat(ChunkResult.of(ChunkResultTest::positive, List.of(1)).fatalError())
                .isNull();
    }

    @Test
    void anOutcomeIsForgottenWhenItHasBeenTaken() {
        ChunkResult result = ChunkResult.of(ChunkResultTest::positive, List.of(1));
        ChunkResult.Outcomes outcomes = result.outcomes();

        assertThat(outcomes.nextFailure()).isNull();
        assertThat(outcomes.nextResult()).isEqualTo(10);
        assertThat(outcomes.hasNext()).isFalse();
        assertThat(result.toData().getLast()).isNull();
        assertThatThrownBy(outcomes::nextResult)
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage("all 1 outcomes have been taken");
    }

    @Test
    void anInterruptOfAnInputStaysWithItsThread() {
        ChunkResult result = ChunkResult.of(
                _ -> {
                    throw new InterruptedException("on purpose");
                },
                List.of(1));

        assertThat(Thread.interrupted()).isTrue();
        assertThat(outcomes(result)).singleElement().isInstanceOf(InterruptedException.class);
        ChunkResult.of(ChunkResultTest::positive, List.of(-1));
        assertThat(Thread.interrupted()).isFalse();
    }
}
