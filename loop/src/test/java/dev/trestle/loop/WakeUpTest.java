package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofNanos;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The baton put down and picked up, by the machine's clock: foreign threads, timers and blocking calls at the same
 * moment. A wake-up that is lost shows as a hang, code that runs without the baton as a wrong count.
 */
@Timeout(60)
class WakeUpTest {

    /** Counted without any synchronisation, by the thread that has the baton. */
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

    /**
     * The clock is asked when the coroutine that suspends has looked into the inbox and found nothing ready, and before
     * it puts the baton down: an arrival then finds the baton taken, and wakes no thread.
     */
    @Test
    void anItemAfterTheLastLookIsFoundBeforeTheLoopSleeps() {
        var atTheLastMoment = new AtomicReference<@Nullable Runnable>();
        var clock = new LoopClock() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public boolean jumpTo(long nanos) {
                Runnable send = atTheLastMoment.getAndSet(null);
                if (send != null) {
                    try {
                        Thread.ofPlatform().start(send).join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }
                return false;
            }
        };
        try (var loop = new EventLoop(clock)) {
            loop.callLater(ofHours(1), () -> {}); // or the clock would not be asked
            loop.runUntilComplete(() -> {
                for (int i = 0; i < 100; i++) {
                    blocking(() -> spin(100_000)); // the driver falls asleep, and the coroutine finds the baton free
                    LoopFuture<String> future = loop.createFuture();
                    atTheLastMoment.set(() -> loop.callSoonThreadsafe(() -> future.setResult("awake")));
                    assertThat(await(future)).isEqualTo("awake");
                }
            });
        }
    }

    /**
     * One at a time, so that nothing else wakes the loop. The foreign thread spins, and sends while the coroutine puts
     * the baton down: after its last look into the inbox, before the baton is free.
     */
    @Test
    void aForeignCompletionAlwaysWakesALoopThatIsAboutToSleep() throws Exception {
        int rounds = 100_000;
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            var slot = new AtomicReference<@Nullable LoopFuture<String>>();
            Thread foreign = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < rounds; i++) {
                    LoopFuture<String> future = take(slot);
                    for (int delay = i % 64; delay > 0; delay--) {
                        Thread.onSpinWait();
                    }
                    loop.callSoonThreadsafe(() -> future.setResult("awake"));
                }
            });
            for (int i = 0; i < rounds; i++) {
                LoopFuture<String> future = loop.createFuture();
                slot.set(future);
                assertThat(await(future)).isEqualTo("awake");
            }
            blocking(() -> foreign.join());
        });
    }

    private static <T> T take(AtomicReference<@Nullable T> slot) {
        while (true) {
            T taken = slot.getAndSet(null);
            if (taken != null) {
                return taken;
            }
            Thread.onSpinWait();
        }
    }

    /** Two find the baton free at the same moment: one may pick it up. */
    @Test
    void ofCoroutinesThatComeBackTogetherOneHasTheBaton() {
        int steps = 50_000;
        EventLoop.run(() -> {
            List<Task<?>> all = new ArrayList<>();
            for (int t = 0; t < 2; t++) {
                all.add(createTask(() -> {
                    for (int i = 0; i < steps; i++) {
                        int nanos = i % 16 * 100;
                        blocking(() -> spin(nanos)); // long enough for both to be away, and the baton free
                        int before = count;
                        Thread.onSpinWait();
                        count = before + 1;
                    }
                }));
            }
            await(gather(all));
        });

        assertThat(count).isEqualTo(2 * steps);
    }

    /**
     * The driver sleeps until a timer is due; a coroutine picks the free baton up, and still has it then. The driver
     * goes on sleeping, without a limit: the coroutine must not take it for one that will wake in time for the next
     * timer.
     */
    @Test
    void aDriverThatOversleptIsToldOfTheNextTimer() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < 20; i++) {
                TimerHandle first = loop.callLater(ofMillis(2), () -> {});
                blocking(() -> spin(1_000_000));
                first.cancel();
                spin(3_000_000);
                sleep(ofMillis(1));
            }
        });
    }

    /** Like the test before, with the driver waking up while the baton is put down. */
    @Test
    void driverThatWakesEarlyLearnsOfTheNextTimer() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < 3_000; i++) {
                TimerHandle first = loop.callLater(ofNanos(150_000), () -> {});
                blocking(() -> spin(50_000));
                first.cancel();
                spin(60_000 + i % 100 * 1_000);
                sleep(ofNanos(20_000));
            }
        });
    }

    @Test
    void onlyOneThreadHoldsTheBatonAtATime() {
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
                        spin(200); // any other code that runs now runs without the baton
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

    /** A late interrupt would hit the coroutine's next wait, for which it was not meant. */
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
    void aMillionCallbacksInAChainDoNotGrowTheStack() {
        try (var loop = new EventLoop()) {
            LoopFuture<String> end = loop.createFuture();
            loop.callSoon(new Runnable() {
                @Override
                public void run() {
                    if (++count == 1_000_000) {
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
