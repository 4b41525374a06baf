package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.Worker.State;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The number of workers of a pool, with idle time, recycling, spares, deaths and failed starts in any order. There is
 * no process and no thread: the test acts for the workers, and moves the time. A pause before a start is over within
 * one step of time.
 */
@Timeout(60)
class PoolSizeModelTest {

    private static final int PROGRAMS = Integer.getInteger("trestle.model.programs", 50);

    /** Programs that have found what is mended. */
    private static final int[] FAILED_ONCE = {3830, 8786, 17_058, 25_783};

    /** Nothing is sent ahead behind calls that take so long. */
    private static final long LONG_NANOS = 1_000_000_000;

    private static final Duration STEP = Duration.ofSeconds(20);
    private static final Duration IDLE_TIME = Duration.ofMinutes(1);
    private static final long MAX_RESIDENT = 100;

    static IntStream seeds() {
        return IntStream.concat(IntStream.range(0, PROGRAMS), IntStream.of(FAILED_ONCE));
    }

    /** Returns whether a worker of a pool without a limit of memory may run further calls. */
    static boolean mayHaveMore(Worker worker, PoolOptions options, List<Worker> live) {
        Worker other = worker.replacement;
        boolean isReplaced = worker.hasHandedOver
                || (other != null
                        && (other.state == State.SPARE || other.state == State.IDLE || other.state == State.BUSY));
        boolean lasts = worker.retiresFor != null && worker.retiresFor.lastsUntilReplaced();
        return worker.callsTaken < options.limits().maxTasksPerWorker()
                && !worker.hasHandedOver
                && !(lasts && (isReplaced || live.stream().anyMatch(each -> each.state == State.SPARE)));
    }

    /** One pool, and what happens to it. */
    private static final class Model {
        final SplittableRandom random;
        final PoolOptions options;
        final VirtualTimer timer = new VirtualTimer();
        final List<Worker> live = new ArrayList<>();
        final Dispatcher dispatcher;
        final Calls calls;
        int started;
        int failures;

        Model(int seed) {
            random = new SplittableRandom(seed);
            int workers = random.nextInt(1, 5);
            var builder =
                    ProcessPool.builder().aotCache(false).workers(workers).minWorkers(random.nextInt(workers + 1));
            if (random.nextInt(4) > 0) {
                builder.idleTime(IDLE_TIME);
            }
            if (random.nextInt(4) > 0) {
                builder.maxTasksPerWorker(random.nextInt(1, 5));
            }
            if (random.nextBoolean()) {
                builder.callsPerWorker(random.nextInt(2, 5));
            }
            if (random.nextBoolean()) {
                builder.maxAge(STEP.multipliedBy(random.nextInt(1, 10)));
            }
            if (random.nextBoolean()) {
                builder.maxResident(MAX_RESIDENT);
            }
            options = builder.options();
            dispatcher = new Dispatcher(
                    options,
                    1,
                    null,
                    worker -> {
                        live.add(worker);
                        started++;
                    },
                    timer);
            calls = new Calls(dispatcher);
            dispatcher.prestart(options.minWorkers());
        }

        Optional<Worker> any(State... states) {
            var wanted = EnumSet.copyOf(List.of(states));
            List<Worker> found =
                    live.stream().filter(each -> wanted.contains(each.state)).toList();
            return found.isEmpty() ? Optional.empty() : Optional.of(found.get(random.nextInt(found.size())));
        }

        void step() {
            switch (random.nextInt(13)) {
                case 0, 1, 2 -> dispatcher.accept(calls.of(() -> 1));
                case 3, 4 -> any(State.STARTING).ifPresent(this::getReady);
                case 5, 6, 7 -> any(State.BUSY).ifPresent(this::answer);
                case 8 ->
                    any(State.IDLE, State.BUSY, State.SPARE, State.LEAVING).ifPresent(this::die);
                case 9 -> any(State.LEAVING).ifPresent(this::die);
                case 10 -> replaceableWorkersAreReplaced();
                case 11 -> any(State.STARTING).filter(_ -> random.nextBoolean()).ifPresent(this::failToStart);
                default -> timer.advance(STEP.multipliedBy(random.nextInt(1, 6)));
            }
        }

        /** Once no time passes and all that starts is ready, no idle worker is left that another has replaced. */
        void replaceableWorkersAreReplaced() {
            timer.advance(Duration.ZERO);
            for (var next = any(State.STARTING); next.isPresent(); next = any(State.STARTING)) {
                getReady(next.get());
                check();
            }
            if (live.stream().anyMatch(each -> each.retiring && each.retiresFor != Retirement.CALLS)) {
                timer.advance(STEP); // starts may have been pausing
                for (var next = any(State.STARTING); next.isPresent(); next = any(State.STARTING)) {
                    getReady(next.get());
                    check();
                }
                assertThat(live)
                        .as("idle ones that are too old or too large, of %s", this)
                        .noneMatch(each ->
                                each.state == State.IDLE && each.retiring && each.retiresFor != Retirement.CALLS);
            }
        }

        void getReady(Worker worker) {
            failures = 0;
            worker.follow(dispatcher.ready(worker));
        }

        void answer(Worker worker) {
            List<PoolCall<?>> calls = worker.inFlight.all();
            if (!calls.isEmpty()) {
                boolean anyMayBeNext = options.limits().callsPerWorker() > 1;
                PoolCall<?> call = calls.get(anyMayBeNext ? random.nextInt(calls.size()) : 0);
                long before = worker.memory;
                worker.memory = before + random.nextLong(MAX_RESIDENT / 2);
                List<Frame.OfCall> answers =
                        new ArrayList<>(List.of(new Frame.Result(call.ticket, call.payload(), LONG_NANOS)));
                worker.follow(dispatcher.answered(worker, answers, new ArrayList<>()));
            }
        }

        void die(Worker worker) {
            live.remove(worker);
            PoolCall<?> call = worker.inFlight.first();
            var words = new LastWords(call == null ? 0 : call.ticket, Step.RUNNING, Exit.NONE);
            dispatcher.died(worker, new WorkerDeath("w", 1, null, words, null, "", ""), new ArrayList<>());
            worker.endRest();
            dispatcher.finished(worker);
        }

        void failToStart(Worker worker) {
            if (failures == 2) {
                return; // at the third in a row a pool may break
            }
            failures++;
            live.remove(worker);
            dispatcher.startFailed(
                    worker, new WorkerDiedException("by hand", null, 0, null, WorkerDiedException.Phase.STARTING, ""));
            dispatcher.finished(worker);
        }

        /** Lets starts and calls end while no time passes. */
        void settle() {
            for (Optional<Worker> next = next(); next.isPresent(); next = next()) {
                Worker worker = next.get();
                switch (worker.state) {
                    case STARTING -> getReady(worker);
                    case BUSY -> answer(worker);
                    default -> die(worker);
                }
                check();
            }
        }

        Optional<Worker> next() {
            return any(State.STARTING, State.BUSY, State.LEAVING);
        }

        /** Returns from how many others have taken over. */
        long takenOver() {
            return live.stream()
                    .filter(each -> each.state == State.BUSY && each.hasHandedOver)
                    .count();
        }

        /** Returns whether another could take over from a worker: it runs its last calls, and has places free. */
        boolean couldHandOver(Worker worker) {
            return worker.state == State.BUSY
                    && !worker.hasHandedOver
                    && !worker.inFlight.isEmpty()
                    && worker.inFlight.hasFreePlace()
                    && !mayHaveMore(worker, options, live);
        }

        long count(State state) {
            return live.stream().filter(each -> each.state == state).count();
        }

        void check() {
            ProcessPool.Statistics seen = dispatcher.statistics();
            long active = count(State.IDLE) + count(State.BUSY) - takenOver();
            long leaving = count(State.LEAVING);
            long retiring = live.stream()
                    .filter(each -> each.retiring && each.state != State.LEAVING)
                    .count();
            long staying = live.size() - leaving - retiring;
            assertThat(seen.alive()).as("alive").isEqualTo(live.size());
            assertThat(seen.starting()).as("starting").isEqualTo((int) count(State.STARTING));
            assertThat(seen.busy()).as("busy").isEqualTo((int) count(State.BUSY));
            assertThat(seen.spares()).as("spares").isEqualTo((int) count(State.SPARE));
            assertThat(active).as("active").isLessThanOrEqualTo(options.workers());
            assertThat(staying).as("staying").isLessThanOrEqualTo(options.workers());
            int most = (options.limits().callsPerWorker() > 1 ? 3 : 2) * options.workers();
            assertThat(live).as("processes").hasSizeLessThanOrEqualTo(most + (int) leaving);
            if (count(State.SPARE) > 0) {
                assertThat(active).as("active beside a spare").isEqualTo(options.workers());
            }
            assertThat(takenOver()).as("those that others have taken over from").isLessThanOrEqualTo(options.workers());
            if (seen.queued() > 0) {
                assertThat(count(State.IDLE)).as("idle while calls wait").isZero();
                assertThat(count(State.SPARE) > 0
                                && takenOver() < options.workers()
                                && live.stream().anyMatch(this::couldHandOver))
                        .as("a spare waits, and calls too, until the last calls of another have ended, in %s", this)
                        .isFalse();
            }
        }

        /** Ends the pool, and every worker with it. */
        void close() throws InterruptedException {
            dispatcher.shutdownNow();
            List.copyOf(live).forEach(this::die);
            timer.advance(Duration.ZERO); // cleans up
            assertThat(dispatcher.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }

        @Override
        public String toString() {
            return dispatcher + ", " + options.minWorkers() + " at least, "
                    + options.limits().maxTasksPerWorker()
                    + " calls each, idle " + options.idleTime() + ", "
                    + options.limits().recycling() + ": "
                    + Stream.concat(
                                    live.stream().map(each -> each.state + (each.retiring ? " retiring" : "")),
                                    Stream.of())
                            .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aPoolThatIsLeftAloneComesToRestWithTheLeastWorkers(int seed) throws Exception {
        var model = new Model(seed);
        for (int i = 0; i < 150; i++) {
            model.step();
            model.check();
        }
        for (int i = 0; i < 10; i++) {
            model.settle();
            model.timer.advance(IDLE_TIME);
        }
        model.settle();
        int started = model.started;
        for (int i = 0; i < 20; i++) {
            model.timer.advance(IDLE_TIME);
            model.settle();
        }

        assertThat(model.started)
                .as("workers that were ever started, of %s", model)
                .isEqualTo(started);
        assertThat(model.dispatcher.statistics().queued()).isZero();
        if (model.options.idleTime().isPresent()) {
            assertThat(model.live).as("of %s", model).hasSize(model.options.minWorkers());
            assertThat(model.live).as("of %s", model).noneMatch(each -> each.retiring);
        }
        model.close();
    }
}
