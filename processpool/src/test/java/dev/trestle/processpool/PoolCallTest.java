package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.QueueLimit;
import dev.trestle.processpool.values.CallDecoder;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WireOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The things that a call takes when it is accepted, and gives back when it ends. */
@Timeout(10)
class PoolCallTest {

    private final List<Worker> workers = new ArrayList<>();
    private final Dispatcher dispatcher =
            new Dispatcher(ProcessPool.builder().workers(1).daemon().options(), 1, null, workers::add);
    private final PoolCall<Object> call = new Calls(dispatcher).of(() -> 1);

    @AfterEach
    void close() {
        dispatcher.shutdownNow();
        workers.forEach(each -> each.couldNotStart(new IllegalStateException("The test is over")));
    }

    /** Each way in which the future of a call ends. */
    enum End {
        RESULT,
        UNREADABLE_RESULT,
        FAILURE,
        DEATH,
        CANCELLATION,
        POLITE_CANCELLATION,
        STOP;

        void of(PoolCall<?> call, Dispatcher dispatcher) throws Exception {
            switch (this) {
                case RESULT -> {
                    var decoder = new CallDecoder(new WireOptions(1 << 20, Set.of()), End.class.getClassLoader());
                    call.end(new Frame.Result(1, decoder.decode(call.payload()).encodeResult(1), 1), "a worker", false);
                }
                case UNREADABLE_RESULT -> call.end(new Frame.Result(1, call.payload(), 1), "a worker", false);
                case FAILURE ->
                    call.end(
                            new Frame.Failed(
                                    1, Frame.Phase.RUNNING, Failure.of(new IllegalStateException("on purpose")), 1),
                            "a worker",
                            false);
                case DEATH -> call.fail(new IllegalStateException("on purpose"));
                case CANCELLATION -> call.promise().cancel(true);
                case POLITE_CANCELLATION -> call.promise().cancel(false);
                case STOP -> dispatcher.shutdownNow();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPlaceInTheQueueIsFreeBeforeTheFutureIsDoneAndOnce(End end) throws Exception {
        var limit = new QueueLimit(1, 0);
        limit.enterNow(this);
        call.takesPlace(limit);
        var free = new ArrayList<Boolean>();
        call.promise().addDoneCallback(_ -> {
            limit.enterNow(this);
            free.add(true);
        });
        dispatcher.accept(call);
        end.of(call, dispatcher);
        call.fail(new IllegalStateException("too late"));
        call.freePlace();

        assertThat(free).containsExactly(true);
        assertThat(catchFull(limit)).contains("is full");
    }

    private String catchFull(QueueLimit limit) {
        try {
            limit.enterNow(this);
            return "there was a second place";
        } catch (RejectedExecutionException e) {
            return String.valueOf(e.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCallIsInFlightUntilItHasEndedAndNotAfter(End end) throws Exception {
        var during = new ArrayList<Integer>();
        dispatcher.accept(call);
        assertThat(dispatcher.acceptedCalls().size()).isEqualTo(1);
        call.promise()
                .addDoneCallback(_ -> during.add(dispatcher.acceptedCalls().size()));
        end.of(call, dispatcher);
        call.fail(new IllegalStateException("too late"));
        call.promise().cancel(true);
        call.holdProgram();

        assertThat(dispatcher.acceptedCalls().size()).isZero();
        // A thread of the program that cancels a call keeps the program running itself, or does not want to.
        assertThat(during).hasSize(1).allMatch(count -> end.name().endsWith("CANCELLATION") || count == 1);
    }

    @Test
    void aCallThatIsRefusedIsNotInFlight() {
        dispatcher.shutdown();
        var limit = new QueueLimit(1, 0);
        limit.enterNow(this);
        call.takesPlace(limit);

        assertThat(catchThrowable(() -> dispatcher.accept(call))).isInstanceOf(RejectedExecutionException.class);
        assertThat(dispatcher.acceptedCalls().size()).isZero();
        limit.enterNow(this);
    }
}
