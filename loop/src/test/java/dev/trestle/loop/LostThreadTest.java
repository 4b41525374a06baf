package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * The JDK's scheduler loses a virtual thread of a loop, as it does when there is no memory for another carrier. Here
 * the scheduler below the loop's own does it, so these tests run only where there is one: with {@code java.lang}
 * opened.
 */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a loop that stands still ignores interrupts
@EnabledIf("hasScheduler")
class LostThreadTest {

    private final EventLoop loop = new EventLoop();
    private final Lossy lossy = new Lossy();

    static boolean hasScheduler() {
        return HandOver.Jdk.INSIDES != null;
    }

    /** A scheduler that loses one thread. */
    private static final class Lossy implements Executor {
        private final Executor jdk = requireNonNull(HandOver.Jdk.INSIDES).scheduler();
        private final AtomicBoolean losing = new AtomicBoolean();
        private final CountDownLatch lost = new CountDownLatch(1);

        /** Loses the next thread. */
        void lose() {
            losing.set(true);
        }

        @Override
        public void execute(Runnable run) {
            if (losing.compareAndSet(true, false)) {
                lost.countDown();
            } else {
                jdk.execute(run);
            }
        }
    }

    @BeforeEach
    void putLossySchedulerBelowTheLoops() throws Exception {
        loop.setSlowCallbackDuration(Duration.ofMillis(20)); // the watch looks as often
        Field handOver = Baton.class.getDeclaredField("handOver");
        handOver.setAccessible(true);
        Field jdk = HandOver.SameCarrier.class.getDeclaredField("jdk");
        jdk.setAccessible(true);
        HandOver.Jdk insides = requireNonNull(HandOver.Jdk.INSIDES);
        jdk.set(handOver.get(loop.baton()), new HandOver.Jdk(insides.newBuilder(), insides.currentCarrier(), lossy));
    }

    @Test
    void driverThatIsWokenAndLostRunsAgain() throws Exception {
        Thread runner = Thread.ofPlatform().start(loop::runForever);
        untilParked(driver());
        var called = new CountDownLatch(1);

        lossy.lose();
        loop.callSoonThreadsafe(called::countDown);

        lossy.lost.await();
        called.await();
        end(runner);
    }

    @Test
    void coroutineThatIsWokenAndLostRunsAgain() throws Exception {
        var promise = new LoopPromise<Integer>(loop, () -> {});
        Task<Integer> task = loop.createTask(() -> await(promise.future()));
        Thread runner = Thread.ofPlatform().start(loop::runForever);
        untilParked(driver());
        untilParked(requireNonNull(task.thread()));

        lossy.lose();
        promise.trySetResult(1);

        lossy.lost.await();
        var done = new CountDownLatch(1);
        loop.callSoonThreadsafe(() -> task.addDoneCallback(_ -> done.countDown()));
        done.await();
        end(runner);
        assertThat(task.result()).isEqualTo(1);
    }

    /** A coroutine that leaves for a blocking call starts the next one through the scheduler. */
    @Test
    void coroutineWhoseStartIsLostStartsOnce() {
        var starts = new AtomicInteger();

        loop.runUntilComplete(() -> {
            Task<Integer> task = createTask(starts::incrementAndGet);
            lossy.lose();
            blocking(() -> lossy.lost.await());
            await(task);
        });

        loop.close();
        assertThat(starts).hasValue(1);
    }

    @Test
    void driverWhoseStartIsLostIsReplaced() throws Exception {
        lossy.lose();

        int answer = loop.runUntilComplete(() -> 42);

        lossy.lost.await();
        loop.close();
        assertThat(answer).isEqualTo(42);
    }

    /** Returns the driver of the loop, which runs. */
    private Thread driver() throws InterruptedException {
        var driver = new AtomicReference<Thread>();
        var begun = new CountDownLatch(1);
        loop.callSoonThreadsafe(() -> {
            driver.set(Thread.currentThread());
            begun.countDown();
        });
        begun.await();
        return driver.get();
    }

    private static void untilParked(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    private void end(Thread runner) throws InterruptedException {
        loop.stop();
        runner.join();
        loop.close();
    }
}
