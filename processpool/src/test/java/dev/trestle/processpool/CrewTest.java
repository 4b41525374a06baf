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

/** How many workers there are to be, and what each is about to do. No process is started: these are the books. */
@Timeout(30)
class CrewTest {

    private final List<Dispatcher> dispatchers = new ArrayList<>();
    private PoolOptions options = ProcessPool.builder().options();
    private long now;
    private Crew crew = new Crew(options, () -> now);
    private int numbers;

    @AfterEach
    void close() {
        dispatchers.forEach(Dispatcher::shutdown);
    }

    private void of(int workers, UnaryOperator<ProcessPool.Builder> rest) {
        options = rest.apply(ProcessPool.builder().workers(workers)).options();
        crew = new Crew(options, () -> now);
        dispatchers.add(new Dispatcher(options, 1, null));
    }

    private void of(int workers) {
        of(workers, builder -> builder);
    }

    private Worker start() {
        var worker = new Worker(dispatchers.getLast(), options, ++numbers);
        crew.add(worker);
        return worker;
    }

    private Worker busy() {
        Worker worker = start();
        assertThat(crew.ready(worker, true)).isTrue();
        return worker;
    }

    private Worker idle() {
        Worker worker = busy();
        assertThat(crew.restOrLeave(worker, true)).isFalse();
        return worker;
    }

    @Test
    void asManyAreStartedAsCallsWaitUpToTheSizeOfThePool() {
        of(2);
        assertThat(crew.needsOneMore(0, true)).as("no call waits").isFalse();
        assertThat(crew.needsOneMore(1, true)).isTrue();
        start();
        assertThat(crew.needsOneMore(1, true))
                .as("one is starting for that call")
                .isFalse();
        assertThat(crew.needsOneMore(2, false)).as("also after shutdown").isTrue();
        start();
        assertThat(crew.needsOneMore(3, true)).isFalse();
        assertThat(crew.isComplete()).isTrue();
    }

    @Test
    void theLeastLiveAsLongAsThePoolIsOpen() {
        of(3, builder -> builder.minWorkers(2));
        assertThat(crew.needsOneMore(0, true)).isTrue();
        assertThat(crew.needsOneMore(0, false)).isFalse();
        Worker first = idle();
        idle();
        assertThat(crew.needsOneMore(0, true)).isFalse();
        crew.remove(first);
        assertThat(crew.needsOneMore(0, true)).isTrue();
    }

    @Test
    void theOneThatRestedLastWorksFirst() {
        of(2);
        Worker first = idle();
        Worker second = idle();
        assertThat(crew.takeIdle()).isSameAs(second);
        assertThat(crew.takeIdle()).isSameAs(first);
        assertThat(crew.takeIdle()).isNull();
        assertThat(crew.busy()).isEqualTo(2);
    }

    @Test
    void aWorkerThatRetiresGetsASpareWhichWaitsForItsPlace() {
        of(1, builder -> builder.maxTasksPerWorker(1));
        Worker first = busy();
        assertThat(crew.gave(first)).as("its last call").isTrue();
        assertThat(crew.mayHaveMore(first)).isFalse();
        assertThat(crew.needsOneMore(0, true)).isTrue();
        Worker spare = start();
        assertThat(crew.needsOneMore(5, true)).as("one is enough").isFalse();

        assertThat(crew.ready(spare, true)).isFalse();
        assertThat(crew.spares()).isEqualTo(1);
        assertThat(crew.takeSpare()).as("the first still works").isNull();
        assertThat(crew.restOrLeave(first, true)).as("it goes").isTrue();
        assertThat(crew.takeSpare()).isSameAs(spare);
        assertThat(crew.retired()).isEqualTo(1);
        assertThat(crew.size()).as("until its process has ended").isEqualTo(2);
    }

    @Test
    void aSpareTakesThePlaceOfOneThatDies() {
        of(1, builder -> builder.maxTasksPerWorker(1));
        Worker first = busy();
        crew.gave(first);
        Worker spare = start();
        crew.ready(spare, true);
        crew.remove(first);
        assertThat(crew.died(first)).as("no pause").isEmpty();

        assertThat(crew.takeSpare()).isSameAs(spare);
        assertThat(crew.died()).isEqualTo(1);
    }

    @Test
    void whatAWorkerDroppedDoesNotCount() {
        of(1, builder -> builder.maxTasksPerWorker(2));
        Worker worker = busy();
        crew.gave(worker);
        crew.gave(worker);
        assertThat(crew.mayHaveMore(worker)).isFalse();
        crew.gaveBack(worker);
        assertThat(crew.mayHaveMore(worker)).isTrue();
        assertThat(crew.restOrLeave(worker, true)).isFalse();
    }

    @Test
    void nobodyRestsInAPoolThatEnds() {
        of(2);
        Worker resting = idle();
        Worker working = busy();
        assertThat(crew.dismissResting()).containsExactly(resting);
        assertThat(crew.restOrLeave(working, false)).isTrue();
        assertThat(crew.hasIdle()).isFalse();
        assertThat(crew.mayGrowTo(2)).as("those that leave do not count").isTrue();
    }

    @Test
    void thoseThatHaveRestedLongestGoFirstUntilTheLeastAreLeft() {
        of(3, builder -> builder.minWorkers(1));
        List<Worker> all = List.of(idle(), idle(), idle());
        Duration limit = Duration.ofSeconds(1);
        now = limit.toNanos();
        all.get(1).idleSince = 1;

        assertThat(crew.dismissRested(limit)).containsExactly(all.get(0), all.get(2));
        now++;
        assertThat(crew.dismissRested(limit)).as("the last one stays").isEmpty();
        assertThat(crew.untilNextHasRested(limit)).isEmpty();
        assertThat(crew.takeIdle()).isSameAs(all.get(1));
    }

    @Test
    void itIsKnownWhenTheNextWillHaveRested() {
        of(2);
        idle();
        now = 3;
        idle();
        Duration limit = Duration.ofSeconds(1);
        assertThat(crew.dismissRested(limit)).isEmpty();
        now = 5;
        assertThat(crew.untilNextHasRested(limit)).contains(limit.minusNanos(5));
    }

    /** Or its spare would go first, and another would be started for it, again and again. */
    @Test
    void aWorkerThatRetiresGoesBeforeItsSpare() {
        of(1, builder -> builder.maxTasksPerWorker(2));
        Worker first = busy();
        crew.gave(first);
        crew.restOrLeave(first, true);
        Worker spare = start();
        assertThat(crew.ready(spare, true)).isFalse();
        Duration limit = Duration.ofSeconds(1);
        first.idleSince = 1;
        now = limit.toNanos();
        assertThat(crew.dismissRested(limit)).as("a spare for one that stays").isEmpty();

        now++;
        assertThat(crew.dismissRested(limit)).containsExactly(first, spare);
        assertThat(crew.needsOneMore(0, true)).isFalse();
    }

    @Test
    void nothingIsStartedInAPause() {
        of(2, builder -> builder.minWorkers(1));
        Worker worker = start();
        crew.remove(worker);
        assertThat(crew.startFailed(worker, false)).isPresent();
        assertThat(crew.needsOneMore(1, true)).isFalse();
        assertThat(crew.mayGrowTo(1)).isFalse();
        crew.pauseEnds();
        assertThat(crew.needsOneMore(1, true)).isTrue();
        assertThat(crew.starting()).isZero();
    }

    private void failToStart(Worker worker) {
        crew.remove(worker);
        crew.startFailed(worker, false).ifPresent(_ -> crew.pauseEnds());
    }

    @Test
    void hopeIsLostWhenNobodyLivesOrStarts() {
        of(3, builder -> builder.startRetryTime(Duration.ofNanos(1)));
        Worker working = busy();
        for (int i = 0; i < 10; i++) {
            now++;
            failToStart(start());
        }
        assertThat(crew.isHopeless()).as("one works").isFalse();
        crew.remove(working);
        for (int i = 0; i < Starts.ATTEMPTS; i++) {
            Worker another = start();
            now++;
            failToStart(start());
            assertThat(crew.isHopeless()).as("another starts").isFalse();
            crew.remove(another);
        }
        assertThat(crew.isHopeless()).isTrue();
        assertThat(crew.startsFailed()).isEqualTo(10 + Starts.ATTEMPTS);
    }

    @Test
    void thoseThatStartForNobodyAreToldToLeave() {
        of(3);
        Worker first = start();
        Worker second = start();
        Worker third = start();
        assertThat(crew.dismissStarting(3)).isEmpty();
        assertThat(crew.dismissStarting(1)).containsExactly(second, third);
        assertThat(crew.starting()).isEqualTo(1);
        assertThat(crew.dismissStarting(0)).containsExactly(first);
    }

    /** A life at random: whatever happens in whatever order, the books are right. */
    @Test
    void theBooksAreRightWhateverHappens() {
        for (int seed = 0; seed < 200; seed++) {
            var random = new SplittableRandom(seed);
            of(
                    random.nextInt(1, 5),
                    builder -> builder.minWorkers(random.nextInt(3)).maxTasksPerWorker(random.nextInt(1, 4)));
            var workers = new ArrayList<Worker>();
            for (int step = 0; step < 200; step++) {
                if (crew.needsOneMore(random.nextInt(4), random.nextBoolean())) {
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
            crew.remove(worker);
            workers.remove(worker);
            switch (before) {
                case STARTING -> crew.startFailed(worker, false).ifPresent(_ -> crew.pauseEnds());
                case IDLE, BUSY, SPARE -> crew.died(worker).ifPresent(_ -> crew.pauseEnds());
                default -> {}
            }
        } else if (worker.state == Worker.State.STARTING) {
            crew.ready(worker, true);
        } else if (worker.state == Worker.State.BUSY) {
            if (crew.mayHaveMore(worker) && random.nextBoolean()) {
                crew.gave(worker);
            } else {
                crew.restOrLeave(worker, random.nextInt(10) > 0);
            }
        } else if (random.nextInt(20) == 0) {
            crew.dismissResting();
        } else if (random.nextBoolean()) {
            crew.takeIdle();
        } else {
            crew.takeSpare();
        }
    }

    private void checkTheBooks(List<Worker> workers) {
        assertThat(crew.live()).containsExactlyElementsOf(workers);
        assertThat(crew.starting()).isEqualTo(count(workers, Worker.State.STARTING));
        assertThat(crew.spares()).isEqualTo(count(workers, Worker.State.SPARE));
        assertThat(crew.busy()).isEqualTo(count(workers, Worker.State.BUSY));
        assertThat(crew.hasIdle()).isEqualTo(count(workers, Worker.State.IDLE) > 0);
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
