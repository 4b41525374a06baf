package dev.trestle.loop;

import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ReturnWhen;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Many tasks at one object, cancelled at random moments, in a shuffled order: no permit, signal or item is lost or had
 * twice, and no coroutine waits forever for something that is there. A seed brings a failure back.
 */
@Timeout(30)
class SynchronizationStormTest {

    private static final int TASKS = 40;
    private static final int STEPS = 10;
    private static final int CANCELS = 150;

    /** The step that a task repeats. A step that throws a CancelledError is repeated, too. */
    @FunctionalInterface
    private interface Step {
        void run() throws Exception;
    }

    static LongStream seeds() {
        return LongStream.rangeClosed(1, 20);
    }

    private static void storm(long seed, List<Step> lives) {
        new LoopOptions()
                .withClock(new VirtualClock())
                .withShuffle(seed)
                .runAsDefaults(() -> EventLoop.run(() -> {
                    var random = new Random(seed);
                    var over = new AtomicBoolean();
                    var tasks = new ArrayList<Task<?>>();
                    lives.forEach(step -> tasks.add(createTask(() -> live(step, random, over))));
                    sleep(ofMillis(1)); // one that is cancelled before it has started never does anything
                    for (int i = 0; i < CANCELS; i++) {
                        pause(random);
                        tasks.get(random.nextInt(tasks.size())).cancel();
                    }
                    var waited = waitUntil(ReturnWhen.ALL_COMPLETED, tasks, ofHours(1));
                    over.set(true);
                    assertThat(waited.pending()).as("tasks that wait forever").isEmpty();
                    // One that was cancelled after its last step has done all of them.
                    tasks.stream().filter(task -> !task.isCancelled()).forEach(Task::result);
                }));
    }

    private static List<Step> many(Step step) {
        return IntStream.range(0, TASKS).mapToObj(_ -> step).toList();
    }

    private static void live(Step step, Random random, AtomicBoolean over) throws Exception {
        int done = 0;
        while (done < STEPS) {
            try {
                step.run();
                done++;
                pause(random);
            } catch (CancelledError e) {
                if (over.get()) {
                    throw e;
                }
                Async.currentTask().uncancel();
            }
        }
    }

    /** Goes on at once, in the next turn, or later. */
    private static void pause(Random random) {
        switch (random.nextInt(4)) {
            case 0 -> sleep(ofMillis(random.nextInt(3)));
            case 1, 2 -> yieldNow();
            default -> {}
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aLockIsHeldByOneAndLostByNone(long seed) {
        var random = new Random(seed);
        var lock = new LoopLock();
        var inside = new int[1];
        storm(seed, many(() -> {
            lock.acquire();
            try {
                assertThat(++inside[0]).isEqualTo(1);
                pause(random);
            } finally {
                inside[0]--;
                lock.release();
            }
        }));

        assertThat(lock).hasToString("LoopLock[free, waiting=0]");
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void permitsAreConserved(long seed) {
        var random = new Random(seed);
        var semaphore = LoopSemaphore.bounded(3);
        var inside = new int[1];
        storm(seed, many(() -> {
            semaphore.acquire();
            try {
                assertThat(++inside[0]).isLessThanOrEqualTo(3);
                pause(random);
            } finally {
                inside[0]--;
                semaphore.release();
            }
        }));

        assertThat(semaphore).hasToString("LoopSemaphore[permits=3 of 3, waiting=0]");
    }

    /** There are as many signals as tokens, so a lost signal leaves a coroutine waiting forever. */
    @ParameterizedTest
    @MethodSource("seeds")
    void noSignalOfAConditionIsLost(long seed) {
        var random = new Random(seed);
        var condition = new LoopCondition();
        var tokens = new int[] {2};
        storm(seed, many(() -> {
            condition.acquire();
            try {
                condition.waitFor(() -> tokens[0] > 0);
                tokens[0]--;
            } finally {
                condition.release();
            }
            try {
                pause(random);
            } finally {
                giveBack(condition, tokens);
            }
        }));

        assertThat(tokens[0]).isEqualTo(2);
        assertThat(condition).hasToString("LoopCondition[LoopLock[free, waiting=0], waiting=0]");
    }

    private static void giveBack(LoopCondition condition, int[] tokens) {
        while (true) {
            try {
                condition.acquire();
                break;
            } catch (CancelledError e) {
                Async.currentTask().uncancel();
            }
        }
        tokens[0]++;
        condition.signal();
        condition.release();
    }

    /** In each completed round every task has an index of its own, or was cancelled on the way out. */
    @ParameterizedTest
    @MethodSource("seeds")
    void everyRoundOfABarrierIsWhole(long seed) {
        var random = new Random(seed);
        var barrier = new LoopBarrier(4);
        var passed = new int[4];
        var left = new int[1];
        var broken = new int[1];
        var finished = new int[1];
        storm(seed, many(() -> {
            if (!barrier.isBroken() && random.nextInt(50) == 0) {
                barrier.reset();
            }
            try {
                passed[barrier.await()]++;
            } catch (BrokenBarrierException e) {
                broken[0]++;
            } catch (CancelledError e) {
                left[0]++;
                throw e;
            }
            // Before those that are left could be too few for a round.
            if (++finished[0] > TASKS * STEPS / 2) {
                barrier.abort();
            }
        }));

        assertThat(barrier.isBroken()).isTrue();
        assertThat(passed[3]).as("rounds").isPositive();
        for (int index = 0; index < 3; index++) {
            assertThat(passed[index]).isBetween(passed[3] - left[0], passed[3]);
        }
        assertThat(passed[0] + passed[1] + passed[2] + passed[3] + broken[0]).isEqualTo(TASKS * STEPS);
    }

    static List<Supplier<LoopQueue<Integer>>> queues() {
        return List.of(
                () -> LoopQueue.fifo(),
                () -> LoopQueue.fifo(3),
                () -> LoopQueue.lifo(1),
                () -> LoopQueue.lifo(4),
                () -> LoopQueue.priority(1),
                () -> LoopQueue.priority(2));
    }

    @ParameterizedTest
    @MethodSource("queues")
    void everyItemIsTakenOnceAndNoGetterIsForgotten(Supplier<LoopQueue<Integer>> queues) {
        for (long seed = 1; seed <= 5; seed++) {
            LoopQueue<Integer> queue = queues.get();
            var random = new Random(seed);
            var numbers = new int[1];
            var put = new ArrayList<Integer>();
            var taken = new ArrayList<Integer>();
            Step producer = () -> {
                int item = random.nextInt(100) * 10_000 + numbers[0]++;
                queue.put(item);
                put.add(item);
            };
            Step consumer = () -> {
                taken.add(queue.get());
                queue.taskDone();
            };
            storm(
                    seed,
                    IntStream.range(0, TASKS)
                            .mapToObj(i -> i % 2 == 0 ? producer : consumer)
                            .toList());

            assertThat(taken).containsExactlyInAnyOrderElementsOf(put).doesNotHaveDuplicates();
            assertThat(queue.statistics()).isEqualTo(new LoopQueue.Statistics(0, 0, 0, 0));
        }
    }
}
