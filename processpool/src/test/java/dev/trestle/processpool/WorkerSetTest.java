package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The number of workers, and the state of each. No process is started: the test checks the set's records. */
@Timeout(30)
class WorkerSetTest {

    private final List<Dispatcher> dispatchers = new ArrayList<>();
    private PoolOptions options = ProcessPool.builder().options();
    private long now;
    private WorkerSet workerSet = new WorkerSet(options, () -> now);
    private int numbers;

    @AfterEach
    void close() {
        dispatchers.forEach(Dispatcher::shutdown);
    }

    private void of(int workers, UnaryOperator<ProcessPool.Builder> rest) {
        options = rest.apply(ProcessPool.builder().workers(workers)).options();
        workerSet = new WorkerSet(options, () -> now);
        dispatchers.add(new Dispatcher(options, 1, null));
    }

    private void of(int workers) {
        of(workers, builder -> builder);
    }

    private Worker start() {
        var worker = new Worker(dispatchers.getLast(), options, ++numbers);
        workerSet.add(worker);
        return worker;
    }

    private Worker busy() {
        Worker worker = start();
        assertThat(workerSet.ready(worker, true)).isTrue();
        return worker;
    }

    private Worker idle() {
        Worker worker = busy();
        assertThat(workerSet.restOrLeave(worker, true)).isFalse();
        return worker;
    }

    @Test
    void asManyAreStartedAsCallsWaitUpToTheSizeOfThePool() {
        of(2);
        assertThat(workerSet.needsOneMore(0, true)).as("no call waits").isFalse();
        assertThat(workerSet.needsOneMore(1, true)).isTrue();
        start();
        assertThat(workerSet.needsOneMore(1, true))
                .as("one is starting for that call")
                .isFalse();
        assertThat(workerSet.needsOneMore(2, false)).as("also after shutdown").isTrue();
        start();
        assertThat(workerSet.needsOneMore(3, true)).isFalse();
        assertThat(workerSet.isComplete()).isTrue();
    }

    @Test
    void theLeastLiveAsLongAsThePoolIsOpen() {
        of(3, builder -> builder.minWorkers(2));
        assertThat(workerSet.needsOneMore(0, true)).isTrue();
        assertThat(workerSet.needsOneMore(0, false)).isFalse();
        Worker first = idle();
        idle();
        assertThat(workerSet.needsOneMore(0, true)).isFalse();
        workerSet.remove(first);
        assertThat(workerSet.needsOneMore(0, true)).isTrue();
    }

    @Test
    void theOneThatRestedLastWorksFirst() {
        of(2);
        Worker first = idle();
        Worker second = idle();
        assertThat(workerSet.takeIdle()).isSameAs(second);
        assertThat(workerSet.takeIdle()).isSameAs(first);
        assertThat(workerSet.takeIdle()).isNull();
        assertThat(workerSet.busy()).isEqualTo(2);
    }

    @Test
    void aWorkerThatRetiresGetsASpareWhichWaitsForItsPlace() {
        of(1, builder -> builder.maxTasksPerWorker(1));
        Worker first = busy();
        assertThat(workerSet.gave(first)).as("its last call").isTrue();
        assertThat(workerSet.mayHaveMore(first)).isFalse();
        assertThat(workerSet.needsOneMore(0, true)).isTrue();
        Worker spare = start();
        assertThat(workerSet.needsOneMore(5, true)).as("one is enough").isFalse();

        assertThat(workerSet.ready(spare, true)).isFalse();
        assertThat(workerSet.spares()).isEqualTo(1);
        assertThat(workerSet.takeSpare()).as("the first still works").isNull();
        assertThat(workerSet.restOrLeave(first, true)).as("it goes").isTrue();
        assertThat(workerSet.takeSpare()).isSameAs(spare);
        assertThat(workerSet.retired()).isEqualTo(1);
        assertThat(workerSet.size()).as("until its process has ended").isEqualTo(2);
    }

    @Test
    void aSpareTakesThePlaceOfOneThatDies() {
        of(1, builder -> builder.maxTasksPerWorker(1));
        Worker first = busy();
        workerSet.gave(first);
        Worker spare = start();
        workerSet.ready(spare, true);
        workerSet.remove(first);
        assertThat(workerSet.died(first)).as("no pause").isEmpty();

        assertThat(workerSet.takeSpare()).isSameAs(spare);
        assertThat(workerSet.died()).isEqualTo(1);
    }

    @Test
    void callsThatAWorkerDroppedDoNotCount() {
        of(1, builder -> builder.maxTasksPerWorker(2));
        Worker worker = busy();
        workerSet.gave(worker);
        workerSet.gave(worker);
        assertThat(workerSet.mayHaveMore(worker)).isFalse();
        workerSet.gaveBack(worker);
        assertThat(workerSet.mayHaveMore(worker)).isTrue();
        assertThat(workerSet.restOrLeave(worker, true)).isFalse();
    }

    @Test
    void noWorkerRestsInAPoolThatEnds() {
        of(2);
        Worker resting = idle();
        Worker working = busy();
        assertThat(workerSet.dismissResting()).containsExactly(resting);
        assertThat(workerSet.restOrLeave(working, false)).isTrue();
        assertThat(workerSet.hasIdle()).isFalse();
        assertThat(workerSet.mayGrowTo(2)).as("those that leave do not count").isTrue();
    }

    @Test
    void longestIdleWorkersRetireFirstDownToTheMinimum() {
        of(3, builder -> builder.minWorkers(1));
        List<Worker> all = List.of(idle(), idle(), idle());
        Duration limit = Duration.ofSeconds(1);
        now = limit.toNanos();
        all.get(1).idleSince = 1;

        assertThat(workerSet.dismissRested(limit)).containsExactly(all.get(0), all.get(2));
        now++;
        assertThat(workerSet.dismissRested(limit)).as("the last one stays").isEmpty();
        assertThat(workerSet.untilNextHasRested(limit)).isEmpty();
        assertThat(workerSet.takeIdle()).isSameAs(all.get(1));
    }

    @Test
    void theTimeOfTheNextRetirementIsKnown() {
        of(2);
        idle();
        now = 3;
        idle();
        Duration limit = Duration.ofSeconds(1);
        assertThat(workerSet.dismissRested(limit)).isEmpty();
        now = 5;
        assertThat(workerSet.untilNextHasRested(limit)).contains(limit.minusNanos(5));
    }

    /** Without this, its spare would go first, and another would be started for it, again and again. */
    @Test
    void aWorkerThatRetiresGoesBeforeItsSpare() {
        of(1, builder -> builder.maxTasksPerWorker(2));
        Worker first = busy();
        workerSet.gave(first);
        workerSet.restOrLeave(first, true);
        Worker spare = start();
        assertThat(workerSet.ready(spare, true)).isFalse();
        Duration limit = Duration.ofSeconds(1);
        first.idleSince = 1;
        now = limit.toNanos();
        assertThat(workerSet.dismissRested(limit))
                .as("a spare for one that stays")
                .isEmpty();

        now++;
        assertThat(workerSet.dismissRested(limit)).containsExactly(first, spare);
        assertThat(workerSet.needsOneMore(0, true)).isFalse();
    }

    private Worker used() {
        Worker worker = busy();
        workerSet.gave(worker);
        assertThat(workerSet.restOrLeave(worker, true)).isFalse();
        return worker;
    }

    @Test
    void anIdleWorkerThatIsTooOldLeavesWhenAnotherIsReady() {
        of(1, builder -> builder.maxAge(Duration.ofNanos(10)));
        Worker old = used();
        assertThat(workerSet.untilNextHasAged()).contains(Duration.ofNanos(10));
        now = 9;
        workerSet.retireAged();
        assertThat(old.retiring).isFalse();
        assertThat(workerSet.untilNextHasAged()).contains(Duration.ofNanos(1));
        now = 10;
        workerSet.retireAged();
        assertThat(old.retiring).isTrue();
        assertThat(workerSet.untilNextHasAged()).isEmpty();
        assertThat(workerSet.dismissReplaced()).as("before another is ready").isEmpty();
        assertThat(workerSet.needsOneMore(0, true)).isTrue();
        assertThat(workerSet.needsOneMore(0, false)).as("in a pool that ends").isFalse();
        Worker fresh = start();
        assertThat(workerSet.needsOneMore(0, true)).isFalse();
        assertThat(workerSet.ready(fresh, true)).isFalse();

        assertThat(workerSet.dismissReplaced()).containsExactly(old);
        assertThat(workerSet.takeSpare()).isSameAs(fresh);
        assertThat(workerSet.restOrLeave(fresh, true)).isFalse();
        assertThat(fresh.idleSince).as("it goes on resting").isEqualTo(old.idleSince);
        assertThat(workerSet.retired()).isEqualTo(1);
        assertThat(workerSet.retiredFor(Retirement.AGE)).isEqualTo(1);
        assertThat(old.leavesFor).isEqualTo(Retirement.AGE);
    }

    /** Without this, an idle pool would start a process each time that its workers have become too old. */
    @Test
    void aWorkerThatHasRunNoCallDoesNotAge() {
        of(1, builder -> builder.maxAge(Duration.ofNanos(10)));
        Worker unused = idle();
        now = 1000;
        workerSet.retireAged();
        assertThat(unused.retiring).isFalse();
        assertThat(workerSet.untilNextHasAged()).isEmpty();
        assertThat(workerSet.takeIdle()).isSameAs(unused);
        assertThat(workerSet.gave(unused))
                .as("its first call, by which it is too old")
                .isTrue();
        assertThat(unused.retiresFor).isEqualTo(Retirement.AGE);
    }

    @Test
    void aWorkerThatHasGrownGoesOnUntilAnotherIsReady() {
        of(1, builder -> builder.maxResident(100));
        Worker large = busy();
        workerSet.gave(large);
        large.memory = 100;
        workerSet.retireIfLarge(large);
        assertThat(large.retiring).isFalse();
        large.memory = 101;
        workerSet.retireIfLarge(large);
        assertThat(large.retiring).isTrue();
        assertThat(workerSet.needsOneMore(0, true)).isTrue();
        Worker fresh = start();
        assertThat(workerSet.mayHaveMore(large)).as("or its calls would wait").isTrue();
        workerSet.ready(fresh, true);
        assertThat(workerSet.dismissReplaced()).as("it still has a call").isEmpty();
        assertThat(workerSet.mayHaveMore(large)).isFalse();

        assertThat(workerSet.restOrLeave(large, true)).isTrue();
        assertThat(workerSet.takeSpare()).isSameAs(fresh);
        assertThat(workerSet.retiredFor(Retirement.RESIDENT)).isEqualTo(1);
    }

    @Test
    void aWorkerWhoseReplacementHasDiedGoesOnUntilThereIsAnother() {
        of(1, builder -> builder.maxResident(100));
        Worker large = busy();
        large.memory = 101;
        workerSet.retireIfLarge(large);
        Worker spare = start();
        workerSet.ready(spare, true);
        workerSet.remove(spare);
        assertThat(workerSet.mayHaveMore(large)).isTrue();
        assertThat(workerSet.needsOneMore(0, true)).isTrue();
        workerSet.ready(start(), true);
        assertThat(workerSet.mayHaveMore(large)).isFalse();
    }

    @Test
    void nothingIsStartedInAPause() {
        of(2, builder -> builder.minWorkers(1));
        Worker worker = start();
        workerSet.remove(worker);
        assertThat(workerSet.startFailed(worker, false)).isPresent();
        assertThat(workerSet.needsOneMore(1, true)).isFalse();
        assertThat(workerSet.mayGrowTo(1)).isFalse();
        workerSet.pauseEnds();
        assertThat(workerSet.needsOneMore(1, true)).isTrue();
        assertThat(workerSet.starting()).isZero();
    }

    private void failToStart(Worker worker) {
        workerSet.remove(worker);
        workerSet.startFailed(worker, false).ifPresent(_ -> workerSet.pauseEnds());
    }

    @Test
    void hopeIsLostWhenNoWorkerLivesOrStarts() {
        of(3, builder -> builder.startRetryTime(Duration.ofNanos(1)));
        Worker working = busy();
        for (int i = 0; i < 10; i++) {
            now++;
            failToStart(start());
        }
        assertThat(workerSet.isHopeless()).as("one works").isFalse();
        workerSet.remove(working);
        for (int i = 0; i < StartBackoff.ATTEMPTS; i++) {
            Worker another = start();
            now++;
            failToStart(start());
            assertThat(workerSet.isHopeless()).as("another starts").isFalse();
            workerSet.remove(another);
        }
        assertThat(workerSet.isHopeless()).isTrue();
        assertThat(workerSet.startsFailed()).isEqualTo(10 + StartBackoff.ATTEMPTS);
    }

    @Test
    void startingWorkersThatAreNotNeededLeave() {
        of(3);
        Worker first = start();
        Worker second = start();
        Worker third = start();
        assertThat(workerSet.dismissStarting(3)).isEmpty();
        assertThat(workerSet.dismissStarting(1)).containsExactly(second, third);
        assertThat(workerSet.starting()).isEqualTo(1);
        assertThat(workerSet.dismissStarting(0)).containsExactly(first);
    }

    /** A life at random: whatever happens in whatever order, the books are right. */
    @Test
    void theBooksAreRightWhateverHappens() {
        for (int seed = 0; seed < 200; seed++) {
            var random = new SplittableRandom(seed);
            of(
                    random.nextInt(1, 5),
                    builder -> builder.minWorkers(random.nextInt(3))
                            .maxTasksPerWorker(random.nextInt(1, 4))
                            .maxAge(Duration.ofNanos(random.nextInt(1, 100)))
                            .maxResident(100));
            var workers = new ArrayList<Worker>();
            for (int step = 0; step < 200; step++) {
                now += random.nextInt(3);
                workerSet.retireAged();
                workerSet.dismissReplaced();
                if (workerSet.needsOneMore(random.nextInt(4), random.nextBoolean())) {
                    workers.add(start());
                }
                if (!workers.isEmpty()) {
                    step(workers, workers.get(random.nextInt(workers.size())), random);
                }
                checkTheBooks(workers);
            }
            dispatchers.removeLast().shutdown();
        }
    }

    private void step(List<Worker> workers, Worker worker, SplittableRandom random) {
        if (random.nextInt(5) == 0) {
            Worker.State before = worker.state;
            workerSet.remove(worker);
            workers.remove(worker);
            switch (before) {
                case STARTING -> workerSet.startFailed(worker, false).ifPresent(_ -> workerSet.pauseEnds());
                case IDLE, BUSY, SPARE -> workerSet.died(worker).ifPresent(_ -> workerSet.pauseEnds());
                default -> {}
            }
        } else if (worker.state == Worker.State.STARTING) {
            workerSet.ready(worker, true);
        } else if (worker.state == Worker.State.BUSY) {
            worker.memory = random.nextInt(120);
            workerSet.retireIfLarge(worker);
            if (workerSet.mayHaveMore(worker) && random.nextBoolean()) {
                workerSet.gave(worker);
            } else {
                workerSet.restOrLeave(worker, random.nextInt(10) > 0);
            }
        } else if (random.nextInt(20) == 0) {
            workerSet.dismissResting();
        } else if (random.nextBoolean()) {
            workerSet.takeIdle();
        } else {
            workerSet.takeSpare();
        }
    }

    private void checkTheBooks(List<Worker> workers) {
        assertThat(workerSet.live()).containsExactlyElementsOf(workers);
        assertThat(workerSet.starting()).isEqualTo(count(workers, Worker.State.STARTING));
        assertThat(workerSet.spares()).isEqualTo(count(workers, Worker.State.SPARE));
        assertThat(workerSet.busy()).isEqualTo(count(workers, Worker.State.BUSY));
        assertThat(workerSet.hasIdle()).isEqualTo(count(workers, Worker.State.IDLE) > 0);
        assertThat(count(workers, Worker.State.IDLE) + count(workers, Worker.State.BUSY))
                .as("active")
                .isLessThanOrEqualTo(options.workers());
        assertThat(workers.stream()
                        .filter(each -> !each.retiring && each.state != Worker.State.LEAVING)
                        .count())
                .as("staying")
                .isLessThanOrEqualTo(options.workers());
    }

    private static int count(List<Worker> workers, Worker.State state) {
        return (int) workers.stream().filter(each -> each.state == state).count();
    }
}
