package dev.trestle.loop;

import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The threads that read a user's clock, and the sleep of a loop with such a clock. */
@Timeout(30)
class LoopClockTest {

    /** Notes the calls by threads that may not use the loop at that moment. */
    private static final class ConfinedClock implements LoopClock {
        private final Queue<String> wrongCalls = new ConcurrentLinkedQueue<>();
        private volatile @Nullable EventLoop loop;

        @Override
        public long nanos() {
            check("nanos");
            return System.nanoTime();
        }

        @Override
        public boolean jumpTo(long nanos) {
            check("jumpTo");
            return false;
        }

        private void check(String method) {
            EventLoop mine = loop;
            if (mine != null && mine.isRunning() && !mine.isRunningHere()) {
                wrongCalls.add(method + " on " + Thread.currentThread());
            }
        }
    }

    /**
     * The driver sleeps until a timer is due. A coroutine comes back from a blocking call, takes the baton, and has it
     * when the driver wakes up.
     */
    @Test
    void aClockIsAskedOnlyByTheThreadThatHoldsTheBaton() {
        var clock = new ConfinedClock();
        try (var loop = new EventLoop(clock)) {
            clock.loop = loop;
            loop.runUntilComplete(() -> {
                Duration due = loop.time().plusMillis(5);
                Task<?> timer = createTask(() -> sleep(ofMillis(6)));
                blocking(() -> waitUntilTheBatonIsFree(loop));
                while (loop.time().compareTo(due.plusMillis(20)) < 0) {
                    Thread.onSpinWait();
                }
                Async.await(timer);
                blocking(() -> {
                    assertThatThrownBy(loop::time).isInstanceOf(IllegalStateException.class);
                });
                blocking(() -> foreignThread(loop));
            });
        }
        assertThat(clock.wrongCalls).isEmpty();
    }

    /** The driver sleeps then. */
    private static void waitUntilTheBatonIsFree(EventLoop loop) {
        while (loop.baton().holder() != null) {
            Thread.onSpinWait();
        }
    }

    private static void foreignThread(EventLoop loop) throws InterruptedException {
        Thread.ofVirtual()
                .start(() -> {
                    assertRefused(loop::time);
                    assertRefused(() -> loop.callLater(ofSeconds(1), () -> {}));
                    assertRefused(() -> loop.callLater(ofSeconds(1), () -> {}, new Context()));
                })
                .join();
    }

    private static void assertRefused(Runnable call) {
        try {
            call.run();
        } catch (IllegalStateException e) {
            return;
        }
        throw new AssertionError("not refused");
    }

    /** A clock that is faster or slower than the machine's. */
    private record ScaledClock(long start, double speed) implements LoopClock {
        ScaledClock(double speed) {
            this(System.nanoTime(), speed);
        }

        @Override
        public long nanos() {
            return (long) ((System.nanoTime() - start) * speed);
        }

        @Override
        public boolean jumpTo(long nanos) {
            return false;
        }
    }

    /** Each sleep takes 20 ms of the machine's time; before, that of the fast clocks took 200 ms and 200 s. */
    @ParameterizedTest
    @ValueSource(doubles = {0.1, 10, 10_000})
    void aLoopSleepsTheTimeOfItsClockWhateverItsSpeed(double speed) {
        Duration howLong = Duration.ofNanos((long) (20_000_000 * speed));
        long before = System.nanoTime();
        try (var loop = new EventLoop(new ScaledClock(speed))) {
            Duration slept = loop.runUntilComplete(() -> {
                Duration start = loop.time();
                sleep(howLong);
                return loop.time().minus(start);
            });
            assertThat(slept).isGreaterThanOrEqualTo(howLong);
        }
        Duration machineTime = Duration.ofNanos(System.nanoTime() - before);
        assertThat(machineTime).isBetween(ofMillis(19), ofSeconds(20));
    }

    /** A clock that another thread sets. */
    private static final class ClockSetByHand implements LoopClock {
        private volatile long now;

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public boolean jumpTo(long nanos) {
            return false;
        }
    }

    @Test
    void aLoopThatSleepsNoticesThatItsClockHasJumped() {
        var clock = new ClockSetByHand();
        try (var loop = new EventLoop(clock)) {
            loop.runUntilComplete(() -> {
                createTask(() -> blocking(() -> {
                    waitUntilTheBatonIsFree(loop);
                    clock.now = ofHours(2).toNanos();
                }));
                sleep(ofHours(1));
            });
            assertThat(loop.time()).isEqualTo(ofHours(2));
        }
    }
}
