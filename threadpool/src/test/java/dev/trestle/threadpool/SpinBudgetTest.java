package dev.trestle.threadpool;

import static dev.trestle.threadpool.SpinBudget.LONGEST_NANOS;
import static dev.trestle.threadpool.SpinBudget.PAUSES_PER_TRIAL;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The time for which a thread spins, by the times at which its calls come. No clock is involved. */
class SpinBudgetTest {

    private static final long NEVER = Long.MAX_VALUE;

    private final SpinBudget budget = new SpinBudget(2);

    /** Lets one pause pass, after which a call comes; returns the time that the thread has spun. */
    private static long pause(SpinBudget budget, long nanosUntilCall) {
        long nanos = budget.nextPause();
        if (nanos == 0) {
            return 0;
        }
        if (nanosUntilCall <= nanos) {
            budget.paid();
            return nanosUntilCall;
        }
        budget.wasInVain();
        return nanos;
    }

    private long pauses(int count, LongSupplier nanosUntilCall) {
        long spun = 0;
        for (int i = 0; i < count; i++) {
            spun += pause(budget, nanosUntilCall.getAsLong());
        }
        return spun;
    }

    @Test
    void theFirstPauseSpinsForTheLongestTime() {
        assertThat(budget.nextPause()).isEqualTo(LONGEST_NANOS);
    }

    @Test
    void eachSpinInVainHalvesTheTimeUntilNothingIsLeft() {
        for (long expected : new long[] {LONGEST_NANOS, LONGEST_NANOS / 2, LONGEST_NANOS / 4, LONGEST_NANOS / 8, 0}) {
            assertThat(pause(budget, NEVER)).isEqualTo(expected);
        }
    }

    @Test
    void eachSpinThatPaidDoublesTheTime() {
        pauses(3, () -> NEVER);
        for (long expected : new long[] {LONGEST_NANOS / 8, LONGEST_NANOS / 4, LONGEST_NANOS / 2, LONGEST_NANOS}) {
            assertThat(budget.nextPause()).isEqualTo(expected);
            budget.paid();
        }
    }

    @Test
    void theTimeNeverExceedsTheLongestHoweverOftenItPays() {
        for (int i = 0; i < 1000; i++) {
            assertThat(budget.nextPause()).isEqualTo(LONGEST_NANOS);
            budget.paid();
        }
        assertThat(pauses(20, () -> NEVER))
                .as("what a thousand that paid are worth")
                .isLessThan(6 * LONGEST_NANOS);
    }

    /** A call that takes a little more than half of the longest time to come would miss any shorter spin. */
    @Test
    void aRarePauseInVainDoesNotShortenTheNext() {
        pauses(5, () -> LONGEST_NANOS - 1);
        for (int i = 0; i < 100; i++) {
            assertThat(pause(budget, i % 3 == 0 ? NEVER : LONGEST_NANOS - 1))
                    .as("pause " + i)
                    .isGreaterThanOrEqualTo(LONGEST_NANOS - 1);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {LONGEST_NANOS + 1, 3 * LONGEST_NANOS, NEVER})
    void aThreadWhoseCallsComeLaterSpinsRarely(long nanosUntilCall) {
        pauses(100, () -> 0);
        pauses(10, () -> nanosUntilCall);

        assertThat(pauses(64_000, () -> nanosUntilCall) / 64_000).isLessThanOrEqualTo(LONGEST_NANOS / PAUSES_PER_TRIAL);
    }

    @Test
    void aThreadWhoseCallsMostlyComeLaterSpinsRarely() {
        var random = new Random(7);

        long spun = pauses(64_000, () -> random.nextInt(4) == 0 ? 100 : NEVER);

        assertThat(spun / 64_000).isLessThan(LONGEST_NANOS / 20);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, LONGEST_NANOS / 2 + 1, LONGEST_NANOS})
    void oneTrialIsEnoughToSpinAgain(long nanosUntilCall) {
        pauses(1000, () -> NEVER);

        pauses(PAUSES_PER_TRIAL, () -> nanosUntilCall);

        assertThat(budget.nextPause()).isEqualTo(LONGEST_NANOS);
        assertThat(pauses(100, () -> nanosUntilCall)).isEqualTo(100 * nanosUntilCall);
    }

    @Test
    void onePauseInManyIsATrial() {
        pauses(4, () -> NEVER);
        for (int trial = 0; trial < 3; trial++) {
            for (int i = 1; i < PAUSES_PER_TRIAL; i++) {
                assertThat(budget.nextPause()).as("pause " + i).isZero();
            }
            assertThat(pause(budget, NEVER)).isEqualTo(LONGEST_NANOS);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aThreadOnTheOnlyProcessorNeverSpins(int processors) {
        var none = new SpinBudget(processors);
        for (int i = 0; i < 3 * PAUSES_PER_TRIAL; i++) {
            assertThat(none.nextPause()).isZero();
        }
    }
}
