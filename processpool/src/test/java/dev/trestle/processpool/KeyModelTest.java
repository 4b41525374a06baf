package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.Worker.State;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Progress;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random programs over calls with keys, priorities and time limits, in workers with one place or several: calls are
 * submitted, answered, taken back, cancelled, late, run again, and lost with their workers, in any order. There is no
 * process and no thread: the test acts for the workers.
 */
@Timeout(60)
class KeyModelTest {

    private static final int PROGRAMS = Integer.getInteger("trestle.model.programs", 60);

    /** Longer than any pause before a start. */
    private static final Duration PAUSE = Duration.ofSeconds(20);

    static IntStream seeds() {
        return IntStream.range(0, PROGRAMS);
    }

    private static final class Model {
        final SplittableRandom random;
        final VirtualTimer timer = new VirtualTimer();
        final List<Worker> live = new ArrayList<>();
        final PoolOptions options;
        final Dispatcher dispatcher;
        final Calls calls;
        final List<PoolCall<?>> all = new ArrayList<>();
        final Map<PoolCall<?>, Integer> keys = new HashMap<>();
        final Map<Integer, Worker> homes = new HashMap<>();
        final Set<PoolCall<?>> retried = new HashSet<>();
        final boolean recycles;
        final int places;

        Model(int seed) {
            random = new SplittableRandom(seed);
            var builder = ProcessPool.builder().aotCache(false).workers(random.nextInt(1, 5));
            places = random.nextBoolean() ? 1 : random.nextInt(2, 5);
            builder.callsPerWorker(places);
            boolean wearsOut = random.nextInt(3) == 0;
            if (wearsOut) {
                builder.maxTasksPerWorker(random.nextInt(1, 6));
            }
            boolean ages = random.nextInt(3) == 0;
            if (ages) {
                builder.maxAge(Duration.ofMillis(random.nextInt(1, 5_000)));
            }
            recycles = wearsOut || ages;
            if (random.nextInt(3) == 0) {
                builder.idleTime(Duration.ofSeconds(1));
            }
            options = builder.options();
            dispatcher = new Dispatcher(options, 1, null, live::add, timer);
            calls = new Calls(dispatcher);
        }

        Optional<Worker> any(Predicate<Worker> which) {
            List<Worker> found = live.stream().filter(which).toList();
            return found.isEmpty() ? Optional.empty() : Optional.of(found.get(random.nextInt(found.size())));
        }

        void step() {
            switch (random.nextInt(14)) {
                case 0, 1, 2, 3 -> submit();
                case 4, 5 -> any(each -> each.state == State.STARTING).ifPresent(this::getReady);
                case 6, 7, 8 -> any(each -> !each.inFlight.isEmpty()).ifPresent(this::answer);
                case 9 -> any(each -> each.inFlight.ahead() > 0).ifPresent(this::giveBack);
                case 10 ->
                    any(each -> each.state != State.STARTING && random.nextBoolean())
                            .ifPresent(this::die);
                case 11 -> any(each -> each.state == State.LEAVING).ifPresent(this::die);
                case 12 -> {
                    if (!all.isEmpty()) {
                        var _ = all.get(random.nextInt(all.size())).promise().cancel(random.nextBoolean());
                    }
                }
                default -> timer.advance(Duration.ofMillis(random.nextInt(1, 2_000)));
            }
        }

        void submit() {
            var callOptions = CallOptions.DEFAULT;
            int key = random.nextInt(6);
            if (key < 4) {
                callOptions = callOptions.withKey("key " + key);
            }
            if (random.nextInt(3) == 0) {
                callOptions = callOptions.withPriority(random.nextInt(-2, 3));
            }
            if (random.nextInt(3) == 0) {
                callOptions = callOptions.withRetries(1);
            }
            if (random.nextInt(4) == 0) {
                callOptions = callOptions.withTimeout(Duration.ofMillis(random.nextInt(1, 3_000)));
            }
            var call = calls.of(() -> 1, callOptions);
            call.runTime().note(random.nextBoolean() ? 5_000 : 1_000_000_000);
            all.add(call);
            if (key < 4) {
                keys.put(call, key);
            }
            dispatcher.accept(call);
        }

        void getReady(Worker worker) {
            worker.follow(dispatcher.ready(worker));
        }

        void answer(Worker worker) {
            List<PoolCall<?>> running = worker.inFlight.all();
            PoolCall<?> call = running.get(places == 1 ? 0 : random.nextInt(running.size()));
            finish(worker, call, new Frame.Result(call.ticket, call.payload(), random.nextInt(1_000_000)));
        }

        void giveBack(Worker worker) {
            PoolCall<?> call = worker.inFlight.all().getLast();
            call.askBack();
            finish(worker, call, new Frame.Cancelled(call.ticket));
        }

        void finish(Worker worker, PoolCall<?> call, Frame.OfCall answer) {
            List<Frame.OfCall> answers = new ArrayList<>(List.of(answer));
            List<PoolCall<?>> answered = new ArrayList<>();
            worker.follow(dispatcher.answered(worker, answers, answered));
            worker.setAnswered(answered, answers);
            var _ = worker.endAnswered();
            assertThat(answered).containsExactly(call);
        }

        void die(Worker worker) {
            live.remove(worker);
            List<PoolCall<?>> had = worker.inFlight.all();
            LastWords words = lastWords(had);
            var death = new WorkerDeath("w", 1, null, words, null, "", "");
            Set<PoolCall<?>> begun = new HashSet<>();
            Set<PoolCall<?>> done = new HashSet<>();
            for (PoolCall<?> call : had) {
                if (death.hadBegun(call)) {
                    begun.add(call);
                }
                if (call.promise().isDone()) {
                    done.add(call);
                }
                assertThat(places == 1 || done.contains(call) || call.promise().isRunning())
                        .as("%s runs, in a place of its own", call)
                        .isTrue();
            }
            dispatcher.died(worker, death, new ArrayList<>());
            worker.endRest();
            dispatcher.finished(worker);
            for (PoolCall<?> call : had) {
                if (done.contains(call) || dispatcher.isShutdown()) {
                    continue;
                }
                if (!begun.contains(call)) {
                    assertThat(call.promise().isDone())
                            .as("%s had not begun", call)
                            .isFalse();
                } else if (call.promise().isDone()) {
                    assertThat(call.promise().exceptionNow())
                            .isInstanceOf(WorkerDiedException.class)
                            .hasMessageMatching(
                                    begun.size() > 1
                                            ? "(?s).*" + begun.size() + " calls ran in this worker.*"
                                            : "(?s)(?!.*calls ran in this worker).*");
                } else {
                    assertThat(retried.add(call))
                            .as("%s is run again once", call)
                            .isTrue();
                }
            }
        }

        /** Returns what a journal says if some of the calls had begun. */
        LastWords lastWords(List<PoolCall<?>> had) {
            if (places == 1) {
                return new LastWords(had.isEmpty() ? 0 : had.getFirst().ticket, Step.RUNNING, Exit.NONE);
            }
            int received = random.nextInt(had.size() + 1);
            var notes = new ArrayList<Progress>();
            for (PoolCall<?> call : had.subList(0, received)) {
                notes.add(new Progress(call.ticket, random.nextInt(3) == 0 ? Step.RECEIVING : Step.RUNNING, 1));
            }
            long last = received == 0 ? 0 : had.get(received - 1).ticket;
            return new LastWords(last, Step.RECEIVING, Exit.NONE, notes);
        }

        void check() {
            Map<Integer, Set<Worker>> now = new HashMap<>();
            for (Worker worker : live) {
                for (PoolCall<?> call : worker.inFlight.all()) {
                    Integer key = keys.get(call);
                    if (key != null) {
                        now.computeIfAbsent(key, _ -> new HashSet<>()).add(worker);
                    }
                }
                for (PoolCall<?> call : worker.keyHome.waiting) {
                    assertThat(keys).as("what waits for %s", worker).containsKey(call);
                    assertThat(requireNonNull(call.key()).worker()).isSameAs(worker);
                }
                if (worker.state == State.IDLE || worker.inFlight.size() < places) {
                    assertThat(worker.keyHome.waiting)
                            .as("waiting for %s, which has a free place", worker)
                            .isEmpty();
                }
            }
            now.forEach((key, workers) -> {
                if (!recycles) {
                    assertThat(workers).as("workers of key %s", key).hasSize(1);
                    Worker worker = workers.iterator().next();
                    Worker before = homes.put(key, worker);
                    boolean stays = before != null
                            && live.contains(before)
                            && (before.state == State.BUSY || before.state == State.IDLE);
                    assertThat(before == worker || !stays)
                            .as("key %s has left %s for %s", key, before, worker)
                            .isTrue();
                }
            });
            long waitingAtHome =
                    live.stream().mapToLong(each -> each.keyHome.waiting.size()).sum();
            long ahead = live.stream()
                    .mapToLong(each -> Math.max(0, each.inFlight.size() - places))
                    .sum();
            for (Worker worker : live) {
                assertThat(worker.inFlight.size()).isLessThanOrEqualTo(places == 1 ? InFlight.MOST_CALLS : places);
            }
            boolean anyFree = live.stream()
                    .anyMatch(each -> each.state == State.IDLE
                            || (each.state == State.BUSY
                                    && each.inFlight.size() < places
                                    && PoolSizeModelTest.mayHaveMore(each, options, live)));
            if (anyFree) {
                assertThat(dispatcher.statistics().queued())
                        .as("calls that any worker may have wait while there is a place")
                        .isEqualTo((int) (waitingAtHome + ahead));
            }
        }

        void settle() {
            for (int i = 0; i < 10_000; i++) {
                Optional<Worker> next = any(each -> each.state != State.IDLE && each.state != State.SPARE);
                if (next.isEmpty()) {
                    return;
                }
                Worker worker = next.get();
                switch (worker.state) {
                    case STARTING -> getReady(worker);
                    case BUSY -> answer(worker);
                    default -> die(worker);
                }
                check();
            }
            throw new AssertionError("It does not come to rest: " + dispatcher);
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void callsOfOneKeyHaveOneWorkerAndEveryCallEnds(int seed) throws Exception {
        var model = new Model(seed);
        for (int i = 0; i < 400; i++) {
            model.step();
            model.check();
        }
        model.settle();
        model.timer.advance(PAUSE); // starts may have been pausing, after deaths of workers without calls
        model.settle();

        assertThat(model.all).allMatch(call -> call.promise().isDone());
        assertThat(model.dispatcher.statistics().queued()).isZero();
        assertThat(model.dispatcher.keys().size()).isLessThanOrEqualTo(4);
        assertThat(model.live).allMatch(each -> each.keyHome.keys <= 4);
        model.dispatcher.shutdownNow();
        List.copyOf(model.live).forEach(model::die);
        model.timer.advance(Duration.ZERO);
        assertThat(model.dispatcher.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(model.dispatcher.keys().size()).isZero();
    }
}
