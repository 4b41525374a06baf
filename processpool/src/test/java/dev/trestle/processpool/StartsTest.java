package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class StartsTest {

    private static final Duration SOON = Duration.ofMillis(5);

    private final Starts starts = new Starts();

    private Duration failRound() {
        return starts.failed(starts.round()).orElseThrow();
    }

    @Test
    void pausesGetTwiceAsLongUpToALimit() {
        assertThat(failRound()).isBetween(Duration.ofMillis(50), Duration.ofMillis(100));
        assertThat(failRound()).isBetween(Duration.ofMillis(100), Duration.ofMillis(200));
        assertThat(failRound()).isBetween(Duration.ofMillis(200), Duration.ofMillis(400));
        for (int i = 0; i < 100; i++) {
            failRound();
        }
        assertThat(failRound()).isBetween(Duration.ofSeconds(5), Duration.ofSeconds(10));
    }

    @Test
    void thoseThatWereStartedTogetherFailOnce() {
        long round = starts.round();
        assertThat(starts.failed(round)).isPresent();
        assertThat(starts.failed(round)).isEmpty();
        assertThat(starts.failed(round)).isEmpty();
        assertThat(starts.haveFailedForGood()).isFalse();
    }

    @Test
    void threeRoundsInARowAreForGood() {
        failRound();
        failRound();
        assertThat(starts.haveFailedForGood()).isFalse();
        starts.succeeded(1);
        failRound();
        failRound();
        assertThat(starts.haveFailedForGood()).isFalse();
        failRound();
        assertThat(starts.haveFailedForGood()).isTrue();
    }

    @Test
    void oneEarlyDeathIsAnAccidentAndTheNextOnesAreFollowedByPauses() {
        assertThat(starts.diedIdle(SOON)).isEmpty();
        assertThat(starts.arePausing()).isFalse();

        assertThat(starts.diedIdle(SOON))
                .hasValueSatisfying(
                        pause -> assertThat(pause).isBetween(Duration.ofMillis(50), Duration.ofMillis(100)));
        assertThat(starts.arePausing()).isTrue();
        assertThat(starts.diedIdle(SOON)).as("there is a pause").isEmpty();

        starts.pauseEnds();
        assertThat(starts.diedIdle(SOON))
                .hasValueSatisfying(
                        pause -> assertThat(pause).isBetween(Duration.ofMillis(200), Duration.ofMillis(400)));
    }

    @Test
    void aPauseThatBeginsInAnotherOutlastsIt() {
        starts.diedIdle(SOON);
        assertThat(starts.diedIdle(SOON)).isPresent();
        failRound();
        starts.pauseEnds();
        assertThat(starts.arePausing()).isTrue();
        starts.pauseEnds();
        assertThat(starts.arePausing()).isFalse();
    }

    @Test
    void anAnswerShowsThatWorkersLive() {
        starts.diedIdle(SOON);
        starts.proved();
        assertThat(starts.diedIdle(SOON)).isEmpty();
    }

    @Test
    void aWorkerThatDiesAfterALongTimeIsReplacedAtOnce() {
        for (int i = 0; i < 10; i++) {
            assertThat(starts.diedIdle(Duration.ofMinutes(1))).isEmpty();
        }
    }
}
