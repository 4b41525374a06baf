package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The dispatcher's decisions when workers start, answer and die, in virtual time. The workers have no process and no
 * thread: the test acts for them.
 */
@Timeout(30)
class DispatcherTest {

    /** The number of threads that cannot start from now on. */
    private int notStarted;

    private final List<Worker> started = new CopyOnWriteArrayList<>();
    private final List<Worker> gone = new ArrayList<>();
    private final VirtualTimer timer = new VirtualTimer();
    private final Dispatcher dispatcher = new Dispatcher(
            ProcessPool.builder()
                    .workers(2)
                    .startRetryTime(Duration.ofMillis(1))
                    .options(),
            1,
            null,
            this::bear,
            timer);
    private final Calls calls = new Calls(dispatcher);

    private void bear(Worker worker) {
        if (notStarted > 0) {
            notStarted--;
            throw new OutOfMemoryError("unable to create native thread");
        }
        started.add(worker);
    }

    /** Lets time pass until a condition holds, at most as long as a pool tries to start workers, and a bit more. */
    private void passUntil(BooleanSupplier condition) {
        for (int i = 0; i < 60_000 && !condition.getAsBoolean(); i++) {
            timer.advance(Duration.ofMillis(1));
        }
        assertThat(condition.getAsBoolean()).as("what is waited for").isTrue();
    }

    @AfterEach
    void everyWorkerIsAccountedFor() {
        dispatcher.shutdownNow();
        started.stream().filter(each -> !gone.contains(each)).forEach(each -> die(each, 0));
        timer.advance(Duration.ofMinutes(1));
        assertThat(dispatcher.isTerminated()).as("the end of %s", dispatcher).isTrue();
        assertThat(dispatcher.statistics().alive()).isZero();
        assertThat(dispatcher.statistics().starting()).isZero();
    }

    private PoolCall<Object> accept(PoolCall<Object> call) {
        dispatcher.accept(call);
        return call;
    }

    private void failToStart(Worker worker) {
        dispatcher.startFailed(
                worker, new WorkerDiedException("by hand", null, 0, null, WorkerDiedException.Phase.STARTING, ""));
        gone.add(worker);
        dispatcher.finished(worker);
    }

    /** Lets a worker die while it ran the call with a number, after some answers. */
    private void die(Worker worker, long running, Frame.OfCall... answers) {
        var death = new WorkerDeath("w", 1, null, new LastWords(running, Step.RUNNING, Exit.NONE), null, "", "");
        dispatcher.died(worker, death, new ArrayList<>(List.of(answers)));
        worker.endRest();
        gone.add(worker);
        dispatcher.finished(worker);
    }

    private static Frame.OfCall answer(PoolCall<?> call) {
        return new Frame.Result(call.ticket, call.payload(), 1_000);
    }

    @Test
    void aWorkerWhoseThreadCannotStartIsAFailedStart() {
        notStarted = 1;
        var call = accept(calls.shortOne());
        passUntil(() -> started.size() == 1);

        assertThat(dispatcher.statistics().startsFailed()).isEqualTo(1);
        assertThat(dispatcher.statistics().alive()).isEqualTo(1);
        dispatcher.ready(started.getFirst());
        assertThat(call.promise().isRunning()).isTrue();
    }

    @Test
    void aPoolThatGetsNoThreadsIsBroken() {
        notStarted = Integer.MAX_VALUE;
        var call = accept(calls.shortOne());
        passUntil(() -> call.promise().isDone());

        assertThat(call.promise().exception())
                .containsInstanceOf(BrokenExecutorException.class)
                .hasValueSatisfying(e -> assertThat(e)
                        .hasMessageContaining(" times in a row within PT")
                        .hasMessageContaining("could not be started")
                        .hasMessageContaining("unable to create native thread"));
    }

    /** The worker was started together with one that failed sooner; when it fails, the pause is over. */
    @Test
    void aWorkerThatFailsToStartLateIsReplacedToo() {
        accept(calls.shortOne());
        accept(calls.shortOne());
        assertThat(started).hasSize(2);
        failToStart(started.get(0));
        passUntil(() -> started.size() == 3);
        failToStart(started.get(1));

        assertThat(started).as("a worker for each call").hasSize(4);
    }

    @Test
    void aWorkerThatDiesEarlyDoesNotCountAsStarting() {
        accept(calls.shortOne());
        die(started.getFirst(), 0);

        assertThat(dispatcher.statistics().starting()).isEqualTo(1);
        assertThat(dispatcher.statistics().alive()).isEqualTo(1);
        assertThat(started).hasSize(2);
    }

    @Test
    void aWorkerThatIsReadyLeavesTheOthersTheirShare() {
        for (int i = 0; i < 4; i++) {
            accept(calls.shortOne());
        }
        assertThat(started).hasSize(2);
        dispatcher.ready(started.getFirst());

        assertThat(started.getFirst().inFlight.size()).isEqualTo(3);
    }

    @Test
    void aReturnedCallIsTheFirstInTheQueue() {
        var twins = new Twins();
        twins.lost.askBack();
        var later = accept(calls.shortOne());
        assertThat(later.worker).as("it waits").isNull();
        var answers = new ArrayList<>(List.of(new Frame.Cancelled(twins.lost.ticket), answer(twins.answered)));
        dispatcher.answered(twins.worker, answers, new ArrayList<>());

        assertThat(twins.worker.inFlight.all()).startsWith(twins.lost);
    }

    /** A worker with two calls, of which it answers one and dies of the other. */
    private final class Twins {
        final PoolCall<Object> answered = accept(calls.shortOne());
        final Worker worker = started.getFirst();
        final PoolCall<Object> lost;

        Twins() {
            dispatcher.prestart(2);
            dispatcher.ready(worker);
            lost = accept(calls.shortOne());
            assertThat(lost.worker).as("sent ahead").isSameAs(worker);
        }

        void end() {
            die(worker, lost.ticket, answer(answered));
        }
    }

    /** Adds a callback that waits for another call; returns what it throws. */
    private static CompletableFuture<Throwable> waitAfter(PoolCall<?> call, PoolCall<?> awaited) {
        var thrown = new CompletableFuture<Throwable>();
        call.promise()
                .addDoneCallback(_ ->
                        thrown.complete(catchThrowable(() -> awaited.promise().result())));
        return thrown;
    }

    @Test
    void aCallbackOfALostCallFindsAnswersThatCameBeforeIt() throws Exception {
        var twins = new Twins();
        var thrown = waitAfter(twins.lost, twins.answered);
        twins.end();

        assertThat(thrown.get())
                .as("of the answer, which is nonsense")
                .isInstanceOf(CallNotSerializableException.class);
        assertThat(twins.lost.promise().exceptionNow()).isInstanceOf(WorkerDiedException.class);
    }

    @Test
    void aCallbackMustNotWaitForACallThatIsLostWithTheSameWorker() throws Exception {
        var twins = new Twins();
        var thrown = waitAfter(twins.answered, twins.lost);
        twins.end();

        assertThat(thrown.get())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is about to end that one");
        assertThat(twins.lost.promise().exceptionNow()).isInstanceOf(WorkerDiedException.class);
    }

    /** Its number is smaller than that of the call in which the worker died. */
    @Test
    void aCallThatWasDroppedBeforeItsWorkerDiedHadNotBegun() {
        var twins = new Twins();
        long next = twins.lost.ticket + 1;
        twins.lost.askBack();
        die(twins.worker, next, answer(twins.answered), new Frame.Cancelled(twins.lost.ticket));

        assertThat(twins.lost.promise().isDone()).isFalse();
        assertThat(dispatcher.statistics().rerun()).isEqualTo(1);
    }

    /** The call may have had effects, whatever its worker says. */
    @Test
    void aCallThatItsWorkerDropsUnaskedAndThatHadBegunIsLost() {
        var twins = new Twins();
        die(twins.worker, twins.lost.ticket, answer(twins.answered), new Frame.Cancelled(twins.lost.ticket));
        twins.end();

        assertThat(twins.lost.promise().exceptionNow()).isInstanceOf(WorkerDiedException.class);
        assertThat(dispatcher.statistics().rerun()).isZero();
    }

    /** The thread that ends it may be in a callback, which waits for the thread that asks. */
    @Test
    void aCallThatAnotherThreadIsAboutToEndIsPending() throws Exception {
        var first = accept(calls.shortOne());
        var second = accept(calls.shortOne());
        var pending = new CompletableFuture<Boolean>();
        first.promise().addDoneCallback(_ -> pending.complete(dispatcher.isPending(second.promise())));
        dispatcher.shutdownNow();

        assertThat(pending.get()).isTrue();
        assertThat(dispatcher.isPending(second.promise())).isFalse();
    }

    /** Its worker dropped it when it was asked to, and only then does it hear of the end. */
    @Test
    void aCallThatComesBackToAPoolThatHasStoppedIsCancelled() {
        var twins = new Twins();
        twins.lost.askBack();
        twins.answered.promise().addDoneCallback(_ -> {
            var dropped = new ArrayList<Frame.OfCall>(List.of(new Frame.Cancelled(twins.lost.ticket)));
            dispatcher.answered(twins.worker, dropped, new ArrayList<>());
            assertThat(twins.lost.promise().isCancelled()).isTrue();
        });
        dispatcher.shutdownNow();

        assertThat(twins.lost.promise().isCancelled()).isTrue();
        assertThat(dispatcher.statistics().queued()).isZero();
    }
}
