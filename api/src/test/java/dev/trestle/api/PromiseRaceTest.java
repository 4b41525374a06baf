package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Completion, cancellation and registration at the same moment, many times; the module {@code stress} goes deeper. */
@Timeout(60)
class PromiseRaceTest {

    private static final int ROUNDS = Integer.getInteger("trestle.rounds", 20_000);

    @Test
    void everyCallbackRunsOnceAndEachThreadsCallbacksInOrder() throws Exception {
        race((promise, round) -> {
            List<Integer> one = new ArrayList<>();
            List<Integer> other = new ArrayList<>();
            return List.of(() -> add(promise, one), () -> add(promise, other), () -> promise.setResult(round), () -> {
                assertThat(one).containsExactly(0, 1, 2, 3);
                assertThat(other).containsExactly(0, 1, 2, 3);
            });
        });
    }

    /** The record of callbacks. The callbacks of one promise never overlap, so a plain list is enough. */
    private static void add(Promise<Integer> promise, List<Integer> list) {
        for (int i = 0; i < 4; i++) {
            int number = i;
            promise.addDoneCallback(_ -> list.add(number));
        }
    }

    @Test
    void oneCompletionWinsAndEveryWaiterSeesIt() throws Exception {
        race((promise, round) -> {
            var wins = new AtomicInteger();
            return List.of(
                    () -> {
                        if (promise.trySetResult(round)) {
                            wins.incrementAndGet();
                        }
                    },
                    () -> {
                        if (promise.cancel(true)) {
                            wins.incrementAndGet();
                        }
                    },
                    () -> {
                        try {
                            assertThat(promise.result()).isEqualTo(round);
                        } catch (CancellationException e) {
                            assertThat(promise.isCancelled()).isTrue();
                        }
                    },
                    () -> {
                        assertThat(wins).hasValue(1);
                        assertThat(promise.isDone()).isTrue();
                    });
        });
    }

    @Test
    void noWakeUpIsLostToATimeoutOfAnotherWaiter() throws Exception {
        race((promise, round) -> List.of(
                () -> assertThat(promise.result()).isEqualTo(round),
                () -> {
                    try {
                        assertThat(promise.result(Duration.ofNanos(1 + round % 1000)))
                                .isEqualTo(round);
                    } catch (TimeoutException e) {
                        assertThat(e).hasMessageContaining("it goes on");
                    }
                },
                () -> promise.setResult(round),
                () -> assertThat(promise.result()).isEqualTo(round)));
    }

    private interface Round {
        /** Three actions that run at the same time, and a fourth that runs after them. */
        List<Runnable> actions(Promise<Integer> promise, int round);
    }

    private static void race(Round rounds) throws Exception {
        var failures = new ArrayList<Throwable>();
        var all = new ArrayList<List<Runnable>>();
        for (int i = 0; i < ROUNDS; i++) {
            all.add(rounds.actions(new Promise<>(), i));
        }
        var barrier = new CyclicBarrier(3);
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 3; t++) {
            int number = t;
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    for (List<Runnable> actions : all) {
                        barrier.await();
                        actions.get(number).run();
                    }
                } catch (Throwable e) {
                    synchronized (failures) {
                        failures.add(e);
                    }
                    barrier.reset();
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        all.forEach(actions -> actions.get(3).run());
    }
}
