package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The calls of a worker: given, written in order, and taken away again. */
@Timeout(30)
class InFlightTest {

    private static final long MICROSECOND = 1_000;

    private final Dispatcher dispatcher = new Dispatcher(ProcessPool.builder().options(), 1, null);
    private final Calls calls = new Calls(dispatcher);
    private final InFlight inFlight = new InFlight(new ReentrantLock(), System::nanoTime, 1);

    @AfterEach
    void close() {
        dispatcher.shutdown();
    }

    private long[] written() {
        return Stream.of(inFlight.nextToWrite())
                .mapToLong(frame -> ((Frame.Call) frame).id())
                .toArray();
    }

    @Test
    void callsAreWrittenOnceAndInOrderByOneThreadAtATime() {
        assertThat(inFlight.startWriting()).as("nothing to write").isFalse();
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        assertThat(inFlight.startWriting()).isTrue();
        assertThat(inFlight.startWriting()).as("while another writes").isFalse();
        assertThat(written()).containsExactly(1, 2);
        inFlight.add(calls.shortOne());
        assertThat(inFlight.startWriting()).isFalse();
        assertThat(written()).containsExactly(3);
        assertThat(written()).isEmpty();
        assertThat(inFlight.startWriting()).isFalse();
    }

    /** A call may be given back, and get another number, before this connection has written it. */
    @Test
    void aCallThatIsTakenAwayBeforeItIsWrittenIsNotWritten() {
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        inFlight.take(requireNonNull(inFlight.find(2)), System.nanoTime());

        assertThat(written()).containsExactly(1, 3);
        assertThat(inFlight.find(2)).isNull();
    }

    /**
     * Calls that are given back are answered before those in front of them; and what a worker sends may be nonsense.
     */
    @ParameterizedTest
    @CsvSource({"1 2 3, 1 2 3", "2 3 1, 2 3 1", "3, 3", "2 1 2 3, 2 1 3", "1 1, 1", "4 1 0 2, 1 2", "7, ''"})
    void answersFindTheirCalls(String tickets, String found) {
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        var answers = new ArrayList<Frame.OfCall>();
        for (String each : tickets.split(" ", -1)) {
            answers.add(new Frame.Cancelled(Long.parseLong(each)));
        }
        inFlight.all().forEach(PoolCall::askBack);
        var matched = new ArrayList<PoolCall<?>>();
        inFlight.match(answers, matched);

        assertThat(matched.stream().map(call -> Long.toString(call.ticket)).collect(joining(" ")))
                .isEqualTo(found);
        assertThat(answers.stream().map(answer -> Long.toString(answer.id())).collect(joining(" ")))
                .isEqualTo(found);
        assertThat(inFlight.size()).as("nothing is taken yet").isEqualTo(3);
    }

    /** A worker that could give back a call forever would keep its future from ending. */
    @Test
    void onlyAskedOrEndedCallsAreDropped() {
        for (int i = 0; i < 4; i++) {
            inFlight.add(calls.shortOne());
        }
        inFlight.all().get(1).askBack();
        inFlight.all().get(2).promise().cancel(true);
        var answers = new ArrayList<Frame.OfCall>();
        inFlight.all().forEach(call -> answers.add(new Frame.Cancelled(call.ticket)));
        var matched = new ArrayList<PoolCall<?>>();
        inFlight.match(answers, matched);

        assertThat(answers).containsExactly(new Frame.Cancelled(2), new Frame.Cancelled(3));
        assertThat(matched).containsExactlyElementsOf(inFlight.all().subList(1, 3));
    }

    @Test
    void onlyCallsBehindTheFirstAreAskedFor() {
        for (int i = 0; i < 3; i++) {
            inFlight.add(calls.shortOne());
        }

        assertThat(inFlight.toAskBack()).containsExactly(2L, 3L);
        assertThat(inFlight.all()).map(PoolCall::mayBeDropped).containsExactly(false, true, true);
    }

    @Test
    void onlyShortCallsGetCompany() {
        long now = System.nanoTime();
        var longCall = calls.of(() -> 2);
        longCall.runTime().note(Duration.ofMillis(50).toNanos());
        assertThat(inFlight.hasRoomFor(longCall, now)).as("alone").isTrue();

        inFlight.add(calls.shortOne());
        assertThat(inFlight.hasRoomFor(calls.shortOne(), now)).isTrue();
        assertThat(inFlight.hasRoomFor(longCall, now)).isFalse();
        assertThat(inFlight.hasRoomFor(calls.of(() -> 3), now))
                .as("one never measured")
                .isFalse();
        assertThat(inFlight.hasRoomFor(calls.shortOne(), System.nanoTime() + InFlight.SHORT.toNanos()))
                .as("behind one that was thought to be short")
                .isFalse();

        var behindLong = new InFlight(new ReentrantLock(), System::nanoTime, 1);
        behindLong.add(longCall);
        assertThat(behindLong.hasRoomFor(calls.shortOne(), now)).isFalse();
    }

    @Test
    void theNumberOfGivenCallsIsBounded() {
        long now = System.nanoTime();
        while (inFlight.hasRoomFor(calls.shortOne(), now)) {
            inFlight.add(calls.shortOne());
        }
        assertThat(inFlight.size()).isBetween(10, 128);
        assertThat(inFlight.expectedNanos()).isLessThanOrEqualTo(400 * MICROSECOND);

        var bytes = new InFlight(new ReentrantLock(), System::nanoTime, 1);
        byte[] large = new byte[20_000];
        for (int i = 0; i < 10; i++) {
            var call = calls.of(() -> large.length);
            call.runTime().note(MICROSECOND);
            if (bytes.hasRoomFor(call, now)) {
                bytes.add(call);
            }
        }
        assertThat(bytes.size()).isEqualTo(3);
    }

    /** The worker is a member of a cluster with two places. */
    @Test
    void aMemberHasShortCallsBehindThoseThatRun() {
        var clock = new long[1];
        var member = new InFlight(new ReentrantLock(), () -> clock[0], 2);
        assertThat(member.hasRoomFor(calls.shortOne(), 0)).isTrue();
        member.add(calls.shortOne());
        member.add(calls.shortOne());
        assertThat(member.hasRoomFor(calls.shortOne(), 0))
                .as("a process with two places")
                .isFalse();

        member.setMostAhead(3);
        for (int i = 0; i < 3; i++) {
            assertThat(member.hasRoomFor(calls.shortOne(), 0)).isTrue();
            member.add(calls.shortOne());
        }
        assertThat(member.hasRoomFor(calls.shortOne(), 0)).isFalse();
        assertThat(member.ahead()).isEqualTo(3);
        assertThat(member.nextToBegin()).isNull();
        assertThat(member.toAskBack()).containsExactly(3L, 4L, 5L);

        member.take(requireNonNull(member.find(2)), clock[0]);
        assertThat(requireNonNull(member.nextToBegin()).ticket).isEqualTo(3);
        assertThat(member.nextToBegin()).isNull();
        assertThat(member.hasRoomFor(calls.shortOne(), 0)).isTrue();
        member.noteGivenBack();
        assertThat(member.hasRoomFor(calls.shortOne(), 0))
                .as("after it gave one back")
                .isFalse();
        member.take(requireNonNull(member.find(1)), clock[0]);
        assertThat(member.hasRoomFor(calls.shortOne(), 0)).as("after an answer").isTrue();
        assertThat(requireNonNull(member.nextToBegin()).ticket).isEqualTo(4);
    }

    @Test
    void callsAreAskedBackOnce() {
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        inFlight.add(calls.shortOne());
        assertThat(inFlight.toAskBack()).containsExactly(2L, 3L);
        inFlight.add(calls.shortOne());
        assertThat(inFlight.toAskBack()).containsExactly(4L);
        assertThat(inFlight.toAskBack()).isEmpty();
    }

    @Test
    void anEstimateRisesQuicklyAndFallsSlowly() {
        var time = calls.of(() -> 4).runTime();
        assertThat(time.nanos()).isEqualTo(Long.MAX_VALUE);
        time.note(1_000);
        assertThat(time.nanos()).isEqualTo(1_000);
        time.note(9_000);
        assertThat(time.nanos()).isEqualTo(5_000);
        time.note(1_000);
        assertThat(time.nanos()).isEqualTo(4_500);
        time.note(-5);
        assertThat(time.nanos()).as("what a worker says may be nonsense").isPositive();
    }
}
