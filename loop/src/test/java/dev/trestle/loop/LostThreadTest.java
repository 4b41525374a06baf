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
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
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

    /** A scheduler that loses one thread, or fails once. */
    private static final class Lossy implements Executor {
        private final Executor jdk = requireNonNull(HandOver.Jdk.INSIDES).scheduler();
        private final AtomicReference<@Nullable Error> failure = new AtomicReference<>();
        private final AtomicBoolean losing = new AtomicBoolean();
        private final CountDownLatch lost = new CountDownLatch(1);

        /** Loses the next thread. */
        void lose() {
            losing.set(true);
        }

        /** Throws an error at the next call. */
        void fail(Error error) {
            failure.set(error);
        }

        @Override
        public void execute(Runnable run) {
            Error error = failure.getAndSet(null);
            if (error != null) {
                throw error;
            }
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

    /**
     * No other thread has the baton between the two wake-ups of the coroutine. The loop is not called slow here, since
     * the warning looks at the stack of the coroutine, which makes it run as well.
     */
    @Test
    void coroutineThatIsLostWhenItHadTheBatonLastRunsAgain() throws Exception {
        loop.setSlowCallbackDuration(Duration.ofMinutes(1));
        var first = new LoopPromise<Integer>(loop, () -> {});
        var second = new LoopPromise<Integer>(loop, () -> {});
        var between = new CountDownLatch(1);
        var done = new CountDownLatch(1);
        Task<Integer> task = loop.createTask(() -> {
            int one = await(first.future());
            between.countDown();
            int two = await(second.future());
            done.countDown();
            return one + two;
        });
        Thread runner = Thread.ofPlatform().start(loop::runForever);
        untilParked(driver());
        Thread thread = requireNonNull(task.thread());
        untilParked(thread);
        first.trySetResult(1);
        between.await();
        untilParked(thread);

        lossy.lose();
        second.trySetResult(2);

        lossy.lost.await();
        done.await();
        end(runner);
        assertThat(task.result()).isEqualTo(3);
    }

    /** The thread that brings the outcome finds a callback, which is the driver's to run. */
    @Test
    void driverThatIsLostWhenItHadTheBatonLastRunsAgain() throws Exception {
        var promise = new LoopPromise<Integer>(loop, () -> {});
        var called = new CountDownLatch(1);
        promise.future().addDoneCallback(_ -> called.countDown());
        Thread runner = Thread.ofPlatform().start(loop::runForever);
        untilParked(driver());

        lossy.lose();
        promise.trySetResult(1);

        lossy.lost.await();
        called.await();
        end(runner);
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

    /** A virtual thread that a coroutine starts has the scheduler of the loop, and is none of the loop's threads. */
    @Test
    void threadOfTheUsersIsWokenThoughTheSchedulerFailsOnce() throws Exception {
        var woken = new CountDownLatch(1);
        var thread = new AtomicReference<Thread>();
        loop.runUntilComplete(() -> thread.set(Thread.startVirtualThread(() -> {
            LockSupport.park();
            woken.countDown();
        })));
        untilParked(thread.get());

        lossy.fail(new StackOverflowError("injected"));
        LockSupport.unpark(thread.get());

        woken.await();
        assertThat(lossy.failure).hasNullValue();
        loop.close();
    }

    @Test
    void threadThatCouldNotBeContinuedAtFirstIsContinued() throws Exception {
        Field field = Baton.class.getDeclaredField("handOver");
        field.setAccessible(true);
        var scheduler = (Executor) field.get(loop.baton());
        var attempts = new AtomicInteger();
        var continued = new CountDownLatch(1);

        scheduler.execute(() -> {
            if (attempts.incrementAndGet() == 1) {
                throw new StackOverflowError("injected");
            }
            continued.countDown();
        });

        continued.await();
        loop.close();
        assertThat(attempts).hasValue(2);
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
