package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class StartBackoffTest {

    private static final Duration SOON = Duration.ofMillis(5);

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final StartBackoff starts = new StartBackoff(PATIENCE);
    private long now;

    /** Lets all starts of a round fail while no worker is ready. */
    private Duration failRound() {
        return fail(true, false).orElseThrow();
    }

    private Optional<Duration> fail(boolean alone, boolean refused) {
        return starts.failed(starts.begun(now), alone, refused, now);
    }

    private void pass(Duration time) {
        now += time.toNanos();
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
    void aPauseEndsWithThePatience() {
        for (int i = 0; i < 10; i++) {
            failRound();
        }
        pass(PATIENCE.minusSeconds(1));
        assertThat(failRound()).isEqualTo(Duration.ofSeconds(1));
        pass(Duration.ofSeconds(1));
        failRound();
        assertThat(starts.haveFailedForGood()).isTrue();
    }

    @Test
    void startsOfOneRoundFailOnce() {
        var first = starts.begun(now);
        var second = starts.begun(now);
        assertThat(starts.failed(first, true, false, now)).isPresent();
        assertThat(starts.failed(second, true, false, now)).isEmpty();
        assertThat(starts.failures()).isEqualTo("1 times in a row within PT0S");
    }

    @Test
    void manyFailuresInAShortTimeAreNotForGood() {
        for (int i = 0; i < 100; i++) {
            failRound();
            pass(PATIENCE.dividedBy(100));
            assertThat(starts.haveFailedForGood()).isFalse();
        }
        failRound();
        assertThat(starts.haveFailedForGood()).isTrue();
        assertThat(starts.failures()).isEqualTo("101 times in a row within PT10S");
    }

    @Test
    void twoFailuresAreNotForGoodHoweverLongTheyTake() {
        failRound();
        pass(PATIENCE);
        failRound();
        assertThat(starts.haveFailedForGood()).isFalse();
        failRound();
        assertThat(starts.haveFailedForGood()).isTrue();
    }

    @Test
    void aWorkerThatGetsReadyResetsTheFailures() {
        failRound();
        failRound();
        pass(PATIENCE);
        starts.succeeded(starts.begun(now), now);
        failRound();
        assertThat(starts.haveFailedForGood()).isFalse();
    }

    @Test
    void failuresBesideAWorkerThatIsReadyDoNotCount() {
        for (int i = 0; i < 10; i++) {
            pass(PATIENCE);
            assertThat(fail(false, false)).isPresent();
            assertThat(starts.haveFailedForGood()).isFalse();
        }
        failRound();
        assertThat(starts.haveFailedForGood()).as("the patience begins").isFalse();
    }

    /** No start was tried in between. */
    @Test
    void failuresOfLongAgoDoNotCount() {
        failRound();
        failRound();
        pass(Duration.ofHours(1));
        failRound();
        assertThat(starts.haveFailedForGood()).isFalse();
    }

    @Test
    void threeJvmsThatRefuseTheirOptionsAreForGood() {
        for (int i = 1; i <= StartBackoff.ATTEMPTS; i++) {
            assertThat(starts.haveFailedForGood()).isFalse();
            fail(true, true);
        }
        assertThat(starts.haveFailedForGood()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Unrecognized VM option 'NoSuchFlag'",
                "Unrecognized option: -foo",
                "Error occurred during initialization of VM\n"
                        + "Initial heap size set to a larger value than the maximum heap size",
                "Error occurred during initialization of VM\nMultiple garbage collectors selected",
                "Invalid maximum heap size: -Xmx1y",
                "Improperly specified VM option 'MaxMetaspaceSize=-1'"
            })
    void aJvmThatRefusesItsOptionsIsForGood(String said) {
        assertThat(StartBackoff.refusedOptions(OptionalInt.of(1), said)).isTrue();
        assertThat(StartBackoff.refusedOptions(OptionalInt.of(7), said))
                .as("of another program")
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "There is insufficient memory for the Java Runtime Environment to continue.",
                "Could not reserve enough space for 1048576KB object heap",
                "Error: Could not find or load main class dev.trestle.processpool.child.WorkerMain",
                "Could not find agent library nope on the library path",
                ""
            })
    void failuresThatMayPassAreNotForGood(String said) {
        assertThat(StartBackoff.refusedOptions(OptionalInt.of(1), said)).isFalse();
    }

    @Test
    void pausesFollowTheSecondEarlyDeath() {
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

    @Test
    void aLimitOfTheSystemIsNamedWithWhatToDo() {
        assertThat(StartBackoff.advice("Cannot run program \"java\": error=12, Cannot allocate memory"))
                .contains("too little memory", "have fewer workers");
        assertThat(StartBackoff.advice("Cannot run program \"java\": error=11, Resource temporarily unavailable"))
                .contains("ulimit -u", "have fewer workers");
        assertThat(StartBackoff.advice("Unrecognized VM option")).isEmpty();
    }
}
