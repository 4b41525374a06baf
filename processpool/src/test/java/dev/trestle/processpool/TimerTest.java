package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TimerTest {

    @AutoClose
    private final Timer timer = new Timer("timer under test");

    private final CountDownLatch done = new CountDownLatch(1);

    @BeforeEach
    void start() {
        timer.startThread();
    }

    @Test
    void tasksBeginInTheOrderOfTheirTimes() {
        var virtual = new VirtualTimer();
        List<String> trail = new ArrayList<>();
        virtual.after(Duration.ofMillis(40), () -> trail.add("later"));
        virtual.after(Duration.ofMillis(20), () -> trail.add("sooner"));
        virtual.after(Duration.ZERO, () -> trail.add("now"));
        virtual.advance(Duration.ofMillis(40));

        assertThat(trail).containsExactly("now", "sooner", "later");
    }

    @Test
    void aTaskThatThrowsAnErrorEndsNeitherTheTimerNorOthers() throws Exception {
        timer.after(Duration.ZERO, () -> {
            throw new OutOfMemoryError("by hand");
        });
        timer.after(Duration.ofMillis(1), () -> {
            throw new IllegalStateException("by hand");
        });
        timer.after(Duration.ofMillis(2), done::countDown);

        done.await();
    }

    @Test
    void aTaskRunsUntilItDoesNotThrow() throws Exception {
        var attempts = new AtomicInteger();
        timer.after(Duration.ZERO, () -> {
            if (attempts.incrementAndGet() < 5) {
                throw new StackOverflowError("by hand");
            }
            done.countDown();
        });
        done.await();

        assertThat(attempts).hasValue(5);
    }

    @Test
    void aTaskThatIsCancelledWhileItRunsIsNotRepeated() {
        var virtual = new VirtualTimer();
        var attempts = new AtomicInteger();
        var task = new AtomicReference<Timer.Task>();
        task.set(virtual.after(Duration.ofMillis(1), () -> {
            if (attempts.incrementAndGet() == 2) {
                task.get().cancel();
            }
            throw new StackOverflowError("by hand");
        }));
        virtual.advance(Duration.ofMinutes(1));

        assertThat(attempts).hasValue(2);
    }

    @Test
    void aTaskThatBlocksHoldsUpNoOther() throws Exception {
        var released = new CountDownLatch(1);
        for (int i = 0; i < 3; i++) {
            timer.after(Duration.ZERO, () -> awaitQuietly(released));
        }
        timer.after(Duration.ofMillis(1), done::countDown);
        done.await();
        released.countDown();
    }

    @Test
    void aTaskThatLeavesItsThreadInterruptedHarmsNoOther() throws Exception {
        timer.after(Duration.ZERO, () -> Thread.currentThread().interrupt());
        timer.after(Duration.ofMillis(1), done::countDown);

        done.await();
    }

    /** A timer that needs a carrier stands still while user code holds all of them. */
    @Test
    void tasksRunOnPlatformThreads() throws Exception {
        var threads = new CopyOnWriteArrayList<Boolean>();
        timer.after(Duration.ZERO, () -> threads.add(Thread.currentThread().isVirtual()));
        timer.after(Duration.ofMillis(1), done::countDown);
        done.await();

        assertThat(threads).containsExactly(false);
    }

    @Test
    void aTaskScheduledWhileItRunsRunsOnceMore() throws Exception {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var runs = new AtomicInteger();
        var began = new CountDownLatch(1);
        var released = new CountDownLatch(1);
        Timer.Task task = timer.prepare(() -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            began.countDown();
            awaitQuietly(released);
            running.decrementAndGet();
            if (runs.incrementAndGet() == 2) {
                done.countDown();
            }
        });
        task.now();
        began.await();
        task.now();
        task.now();
        released.countDown();
        done.await();

        assertThat(most).hasValue(1);
    }

    @Test
    void withinKeepsAnEarlierTimeAndTakesOne() throws Exception {
        Timer.Task early = timer.prepare(done::countDown);
        early.within(Duration.ofHours(1));
        early.within(Duration.ofMillis(1));
        early.within(Duration.ofHours(1));

        done.await();
    }

    @Test
    void aCancelledTaskDoesNotRun() throws Exception {
        var ran = new AtomicInteger();
        Timer.Task task = timer.after(Duration.ofMillis(20), ran::incrementAndGet);
        task.cancel();
        timer.after(Duration.ofMillis(40), done::countDown);
        done.await();

        assertThat(ran).hasValue(0);
    }

    @Test
    void aClosedTimerRunsNothingMoreAndHasNoThreads() {
        timer.close();
        timer.after(Duration.ZERO, done::countDown);

        Gate.until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("timer under test")));
        assertThat(done.getCount()).isEqualTo(1);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
