package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofNanos;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The baton put down and picked up, by the machine's clock: foreign threads, timers and blocking calls at the same moment.
 * A wake-up that is lost shows as a hang, code that runs without the baton as a wrong count.
 */
@Timeout(60)
class WakeUpTest {

    /** Counted without any synchronisation, by whoever has the baton. */
    private int count;

    @Test
    void sixteenForeignThreadsLoseNoCallback() throws Exception {
        int each = 20_000;
        try (var loop = new EventLoop()) {
            LoopFuture<String> all = loop.createFuture();
            for (int t = 0; t < 16; t++) {
                Thread.ofVirtual().start(() -> {
                    for (int i = 0; i < each; i++) {
                        loop.callSoonThreadsafe(() -> {
                            if (++count == 16 * each) {
                                all.setResult("all");
                            }
                        });
                    }
                });
            }
            loop.runUntilComplete(all);
        }
        assertThat(count).isEqualTo(16 * each);
    }

    /** One at a time: the loop goes to sleep before each. */
    @Test
    void aForeignCompletionAlwaysWakesASleepingLoop() throws Exception {
        int rounds = 5_000;
        var barrier = new CyclicBarrier(2);
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            var slot = new LoopFuture<?>[1];
            Thread foreign = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < rounds; i++) {
                    int number = i;
                    meet(barrier);
                    @SuppressWarnings("unchecked")
                    var future = (LoopFuture<Integer>) slot[0];
                    loop.callSoonThreadsafe(() -> future.setResult(number));
                }
            });
            for (int i = 0; i < rounds; i++) {
                LoopFuture<Integer> future = loop.createFuture();
                slot[0] = future;
                blocking(() -> meet(barrier));
                assertThat(await(future)).isEqualTo(i);
            }
            foreign.join();
        });
    }

    private static void meet(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void blockingCallsTimersAndForeignCallbacksAtOnceKeepTheBatonSingle() {
        int tasks = 40;
        int steps = 300;
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Task<?>> all = new ArrayList<>();
            for (int t = 0; t < tasks; t++) {
                var random = new Random(t);
                all.add(createTask(() -> {
                    for (int i = 0; i < steps; i++) {
                        step(loop, random);
                        int before = count;
                        spin(200); // whoever else runs now runs without the baton
                        count = before + 1;
                    }
                }));
            }
            await(gather(all));
        });

        assertThat(count).isEqualTo(tasks * steps);
    }

    private static void step(EventLoop loop, Random random) {
        switch (random.nextInt(6)) {
            case 0 -> yieldNow();
            case 1 -> sleep(ofNanos(1 + random.nextInt(50_000)));
            case 2 -> blocking(() -> {});
            case 3 -> blocking(() -> spin(random.nextInt(20_000)));
            case 4 -> {
                LoopFuture<String> future = loop.createFuture();
                Thread.ofVirtual().start(() -> loop.callSoonThreadsafe(() -> future.setResult("x")));
                await(future);
            }
            default -> {
                try {
                    timeout(ofNanos(random.nextInt(30_000)), () -> blocking(() -> spin(random.nextInt(30_000))));
                } catch (TimeoutException e) {
                    assertThat(Async.currentTask().cancelling()).isZero();
                }
            }
        }
    }

    private static void spin(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    /** A late interrupt would hit the coroutine's next wait, where nobody has asked for it. */
    @Test
    void cancellingACallThatJustEndsHitsNothingElse() {
        EventLoop.run(() -> {
            for (int i = 0; i < 3_000; i++) {
                int nanos = i % 40 * 500;
                Task<String> task = createTask(() -> {
                    try {
                        blocking(() -> spin(nanos));
                    } catch (CancelledError e) {
                        Async.currentTask().uncancel();
                    }
                    assertThat(Thread.currentThread().isInterrupted()).isFalse();
                    yieldNow();
                    return "undisturbed";
                });
                yieldNow();
                blocking(() -> spin(10_000));
                task.cancel();
                try {
                    assertThat(await(task)).isEqualTo("undisturbed");
                } catch (CancelledError e) {
                    assertThat(task.isCancelled()).isTrue(); // it was at its yield already
                }
            }
        });
    }

    @Test
    void aTimerThatIsEarlierThanTheOneTheLoopSleepsForIsNotLate() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.callLater(ofHours(5), () -> {});
            for (int i = 0; i < 200; i++) {
                blocking(() -> {}); // the driver sleeps, for five hours
                LoopFuture<String> future = loop.createFuture();
                loop.callSoonThreadsafe(() -> loop.callLater(ofNanos(1_000), () -> future.setResult("in time")));
                assertThat(await(future)).isEqualTo("in time");
            }
        });
    }

    @Test
    void tenMillionCallbacksInAChainDoNotGrowTheStack() {
        try (var loop = new EventLoop()) {
            LoopFuture<String> end = loop.createFuture();
            loop.callSoon(new Runnable() {
                @Override
                public void run() {
                    if (++count == 10_000_000) {
                        end.setResult("end");
                    } else {
                        loop.callSoon(this);
                    }
                }
            });
            assertThat(loop.runUntilComplete(end)).isEqualTo("end");
        }
    }
}
