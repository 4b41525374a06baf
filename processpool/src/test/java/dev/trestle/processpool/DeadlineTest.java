package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Promise;
import dev.trestle.processpool.Deadline.Verdict;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Progress;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Time limits of calls that are sent, taken back and sent again. Workers have no process: the test speaks for them. */
@Timeout(30)
class DeadlineTest {

    private static final Duration LIMIT = Duration.ofMillis(300);

    private final PoolOptions options = ProcessPool.builder().workers(2).options();
    private final VirtualTimer timer = new VirtualTimer();
    private final List<Worker> workers = new ArrayList<>();
    private final Dispatcher dispatcher = new Dispatcher(options, 1, null, workers::add, timer);
    private final Calls calls = new Calls(dispatcher);

    private final Set<Worker> dead = new HashSet<>();

    @AfterEach
    void close() {
        dispatcher.shutdownNow();
        alive().forEach(each -> die(each, Step.RUNNING));
        timer.advance(Duration.ZERO);
        assertThat(dispatcher.isTerminated()).isTrue();
    }

    private List<Worker> alive() {
        return workers.stream().filter(each -> !dead.contains(each)).toList();
    }

    /** Lets a worker die while it did something with its first call. */
    private void die(Worker worker, Step step) {
        PoolCall<?> first = worker.inFlight.first();
        var last = new LastWords(first == null ? 0 : first.ticket, step, Exit.NONE);
        dead.add(worker);
        dispatcher.died(worker, new WorkerDeath("w", 1, null, last, null, "", ""), new ArrayList<>());
        worker.endRest();
        dispatcher.finished(worker);
    }

    private PoolCall<Object> accept(CallOptions options) {
        var call = calls.of(() -> 1, options);
        call.runTime().note(5_000);
        dispatcher.accept(call);
        return call;
    }

    @Test
    void aCallThatIsTakenBackToAnotherWorkerKeepsItsLimitThere() {
        dispatcher.prestart(2);
        Worker first = workers.get(0);
        Worker second = workers.get(1);
        dispatcher.ready(first);
        accept(CallOptions.DEFAULT);
        var call = accept(CallOptions.DEFAULT.withTimeout(LIMIT));
        assertThat(call.worker).as("sent ahead").isSameAs(first);
        dispatcher.ready(second);
        timer.advance(InFlight.SHORT);

        var answers = new ArrayList<Frame.OfCall>(List.of(new Frame.Cancelled(call.ticket)));
        var answered = new ArrayList<PoolCall<?>>();
        dispatcher.answered(first, answers, answered);
        assertThat(call.worker).as("given again").isSameAs(second);
        first.setAnswered(answered, answers);
        var _ = first.endAnswered();
        timer.advance(LIMIT);

        assertThat(call.promise().isDone()).isTrue();
        assertThat(call.promise().exceptionNow()).isInstanceOf(TimeoutException.class);
    }

    private Deadline deadlineOf(CallOptions callOptions) {
        dispatcher.prestart(1);
        dispatcher.ready(workers.getFirst());
        return requireNonNull(accept(callOptions).deadline);
    }

    private static Progress doing(Step step, Duration begun) {
        return new Progress(1, step, begun.toNanos());
    }

    /** Lets time pass, then looks as the timer would. */
    private Verdict after(Duration time, Deadline deadline, Progress progress) {
        timer.pass(time);
        return deadline.look(requireNonNull(deadline.assignment()), progress);
    }

    @Test
    void theTimeBeforeACallsOwnCodeBeginsDoesNotCount() {
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var running = doing(Step.RUNNING, LIMIT.multipliedBy(3));

        assertThat(after(LIMIT, deadline, doing(Step.NOTHING, Duration.ZERO))).isEqualTo(Verdict.GO_ON);
        assertThat(after(LIMIT, deadline, doing(Step.DECODING, Duration.ZERO))).isEqualTo(Verdict.GO_ON);
        assertThat(after(LIMIT, deadline, running)).isEqualTo(Verdict.GO_ON);
        assertThat(after(LIMIT.minusNanos(1), deadline, running)).isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, running)).isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void aCallThatDoesNotBeginHasTheTimeOfAStart() {
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var reading = doing(Step.DECODING, Duration.ZERO);

        assertThat(after(options.limits().startTimeout().minusNanos(1), deadline, reading))
                .isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, reading)).isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void aCallThatDoesNotBeginHasItsLimitIfThatIsLonger() {
        var limit = options.limits().startTimeout().multipliedBy(2);
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(limit));
        var reading = doing(Step.DECODING, Duration.ZERO);

        assertThat(after(limit.minusNanos(1), deadline, reading)).isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, reading)).isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void aWorkerThatAlwaysHasJustBegunGainsNoMoreThanAStart() {
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var lying = doing(Step.RUNNING, Duration.ofDays(1));

        assertThat(after(options.limits().startTimeout().plus(LIMIT).minusNanos(1), deadline, lying))
                .isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, lying)).isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void theTimeInWhichAWorkerSetsUpToWriteAResultDoesNotCount() {
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var setup = LIMIT.multipliedBy(3);

        assertThat(after(LIMIT, deadline, doing(Step.SETTING_UP, Duration.ofNanos(1))))
                .isEqualTo(Verdict.GO_ON);
        assertThat(after(setup.minus(LIMIT), deadline, doing(Step.ENCODING, setup)))
                .isEqualTo(Verdict.GO_ON);
        assertThat(after(LIMIT.minusNanos(1), deadline, doing(Step.ENCODING, setup)))
                .isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, doing(Step.ENCODING, setup)))
                .isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void aWorkerThatSetsUpForeverHasTheTimeOfAStart() {
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var settingUp = doing(Step.SETTING_UP, Duration.ofNanos(1));

        assertThat(after(options.limits().startTimeout().minusNanos(1), deadline, settingUp))
                .isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, settingUp)).isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void aCallThatBeganBeforeItsTurnHasItsWholeLimit() {
        timer.pass(LIMIT);
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var begunBefore = doing(Step.RUNNING, Duration.ZERO);

        assertThat(after(LIMIT.minusNanos(1), deadline, begunBefore)).isEqualTo(Verdict.GO_ON);
        assertThat(after(Duration.ofNanos(1), deadline, begunBefore)).isEqualTo(Verdict.EXPIRE);
    }

    @Test
    void theAnswerOfACallThatHasEndedIsAskedForOnce() {
        var deadline = deadlineOf(CallOptions.DEFAULT.withTimeout(LIMIT));
        var past = new Progress(2, Step.RUNNING, 0);

        assertThat(after(LIMIT, deadline, past)).isEqualTo(Verdict.ASK_FOR_ANSWER);
        assertThat(after(Duration.ofSeconds(1), deadline, past)).isEqualTo(Verdict.EXPIRE);
    }

    /**
     * Lets calls live in random order: they come, are answered, given back, lost and cancelled, workers get ready and
     * die, and time passes. A worker's answers are taken in two steps, as its thread does it; anything may happen
     * between them. After each step a call with a limit has a deadline if, and only if, it is the first of a worker,
     * and then the deadline is for this worker, or if its answer is being read; and no other is left.
     */
    @ParameterizedTest
    @MethodSource("seeds")
    void aCallHasADeadlineExactlyWhileAWorkerRunsIt(long seed) {
        new Life(new SplittableRandom(seed)).live();
    }

    static LongStream seeds() {
        return LongStream.range(0, 300);
    }

    private final class Life {
        private final SplittableRandom random;
        private final List<PoolCall<Object>> all = new ArrayList<>();
        /** The remaining step of each worker's thread, before it reads on. */
        private final Map<Worker, Runnable> unfinished = new HashMap<>();

        Life(SplittableRandom random) {
            this.random = random;
        }

        void live() {
            all.add(accept(options()));
            for (int i = 0; i < 80; i++) {
                step();
                check();
            }
            timer.advance(LIMIT.multipliedBy(2));
            timer.advance(options.limits().cancelGrace());
            check();
            for (Worker each : alive()) {
                PoolCall<?> first = each.inFlight.first();
                if (first != null && first.deadline != null) {
                    assertThat(first.promise().isDone()).as("%s", first).isTrue();
                    assertThat(each.toString()).contains("killed because");
                }
            }
            dispatcher.shutdownNow();
            List.copyOf(unfinished.values()).forEach(Runnable::run);
            alive().forEach(each -> die(each, Step.RUNNING));
            assertThat(all).allMatch(each -> each.promise().isDone());
            assertThatEachIsCountedAsItEnded();
        }

        private void assertThatEachIsCountedAsItEnded() {
            var ends = new EnumMap<PoolCall.Ending, Long>(PoolCall.Ending.class);
            for (PoolCall.Ending each : PoolCall.Ending.values()) {
                ends.put(each, 0L);
            }
            all.forEach(each -> ends.merge(endOf(each.promise()), 1L, Long::sum));
            var counted = dispatcher.statistics();
            assertThat(counted.submitted()).isEqualTo(all.size());
            assertThat(Map.of(
                            PoolCall.Ending.COMPLETED, counted.completed(),
                            PoolCall.Ending.CANCELLED, counted.cancelled(),
                            PoolCall.Ending.TIMED_OUT, counted.timedOut(),
                            PoolCall.Ending.LOST, counted.lost()))
                    .isEqualTo(ends);
        }

        private PoolCall.Ending endOf(Promise<?> future) {
            if (future.isCancelled()) {
                return PoolCall.Ending.CANCELLED;
            }
            return switch (future.state() == Future.State.FAILED ? future.exceptionNow() : null) {
                case TimeoutException _ -> PoolCall.Ending.TIMED_OUT;
                case WorkerDiedException _ -> PoolCall.Ending.LOST;
                case null, default -> PoolCall.Ending.COMPLETED;
            };
        }

        private void step() {
            List<Worker> alive = alive();
            Worker worker = alive.isEmpty() ? null : alive.get(random.nextInt(alive.size()));
            switch (random.nextInt(10)) {
                case 0, 1, 2 -> all.add(accept(options()));
                case 3 -> all.get(random.nextInt(all.size())).promise().cancel(random.nextBoolean());
                case 4 -> timer.advance(Duration.ofMillis(random.nextInt(200)));
                default -> {
                    if (worker != null) {
                        go(worker);
                    }
                }
            }
        }

        private CallOptions options() {
            CallOptions some = CallOptions.DEFAULT.withRetries(random.nextInt(2));
            return random.nextInt(3) == 0 ? some : some.withTimeout(LIMIT);
        }

        private void go(Worker worker) {
            Runnable next = unfinished.remove(worker);
            if (next != null) {
                next.run();
            } else if (worker.state == Worker.State.STARTING) {
                dispatcher.ready(worker);
            } else if (random.nextInt(5) == 0) {
                unfinished.remove(worker);
                die(worker, random.nextBoolean() ? Step.RUNNING : Step.RECEIVING);
            } else if (!worker.inFlight.isEmpty()) {
                answer(worker);
            }
        }

        /** Answers the first call, or drops some behind it, or both. */
        private void answer(Worker worker) {
            var answers = new ArrayList<Frame.OfCall>();
            List<PoolCall<?>> has = worker.inFlight.all();
            if (random.nextBoolean()) {
                answers.add(
                        new Frame.Result(has.getFirst().ticket, has.getFirst().payload(), 1_000));
            }
            for (PoolCall<?> each : has.subList(1, has.size())) {
                if (random.nextBoolean()) {
                    answers.add(new Frame.Cancelled(each.ticket));
                }
            }
            var answered = new ArrayList<PoolCall<?>>();
            dispatcher.answered(worker, answers, answered);
            unfinished.put(worker, () -> {
                worker.setAnswered(answered, answers);
                var _ = worker.endAnswered();
            });
        }

        private void check() {
            var expected = new ArrayList<Deadline>();
            for (PoolCall<?> each : all) {
                Worker worker = each.worker;
                boolean runs = worker != null && worker.inFlight.first() == each;
                Deadline deadline = each.deadline;
                if (deadline != null) {
                    assertThat(deadline.assignment())
                            .as("what %s is for", deadline)
                            .isEqualTo(worker != null && runs ? new Assignment(worker, each.ticket) : null);
                }
                boolean isRead = each.isAnswered && !each.promise().isDone();
                if (deadline != null && (runs || isRead) && !deadline.isExpired()) {
                    expected.add(deadline);
                }
            }
            assertThat(timer.scheduled().stream()
                            .filter(Deadline.Look.class::isInstance)
                            .map(each -> ((Deadline.Look) each).deadline()))
                    .containsExactlyInAnyOrderElementsOf(expected);
            for (Worker each : alive()) {
                if (each.toString().contains("killed because")) {
                    PoolCall<?> first = each.inFlight.first();
                    assertThat(first != null && first.promise().isDone())
                            .as("the call of %s is unwanted", each)
                            .isTrue();
                }
            }
        }
    }
}
