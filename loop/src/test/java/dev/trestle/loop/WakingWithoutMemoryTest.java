package dev.trestle.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.BrokenBarrierException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waking a waiter allocates nothing, so no waiter is lost when the heap is full. */
@Timeout(10)
class WakingWithoutMemoryTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /**
     * The number of repetitions before the allocations count: code that runs for the first time is linked, which
     * allocates.
     */
    private static final int WARM_UP = 3;

    @AutoClose
    private final EventLoop loop = new EventLoop();

    @Test
    void releaseOfALockAllocatesNothing() {
        var lock = new LoopLock();
        begin(lock::acquire);

        assertThat(allocated(lock::acquire, lock::release)).isZero();
    }

    @Test
    void releaseOfASemaphoreAllocatesNothing() {
        var semaphore = new LoopSemaphore(0);

        assertThat(allocated(semaphore::acquire, semaphore::release)).isZero();
    }

    @Test
    void signalOfAConditionAllocatesNothing() {
        var condition = new LoopCondition();
        Action waiter = () -> {
            condition.acquire();
            condition.await();
            condition.release();
        };

        assertThat(allocated(
                        waiter,
                        () -> {
                            condition.signal();
                            condition.release();
                        },
                        condition::acquire))
                .isZero();
    }

    @Test
    void resetOfABarrierAllocatesNothing() {
        var barrier = new LoopBarrier(2);

        assertThat(allocated(
                        () -> {
                            try {
                                barrier.await();
                            } catch (BrokenBarrierException e) {
                                // as it should be
                            }
                        },
                        barrier::reset))
                .isZero();
    }

    @Test
    void setOfAnEventAllocatesNothing() {
        var event = new LoopEvent();

        assertThat(allocated(event::await, () -> {
                    event.set();
                    event.clear();
                }))
                .isZero();
    }

    @Test
    void doneOfAQueueAllocatesNothing() {
        LoopQueue<String> queue = LoopQueue.fifo();

        assertThat(allocated(
                        () -> {
                            queue.put("item");
                            queue.get();
                            queue.join();
                        },
                        queue::taskDone))
                .isZero();
    }

    /** Returns how many bytes are allocated by waking a coroutine that waits; after another one, if any, has run. */
    private long allocated(Action waiter, Runnable wake, Action... others) {
        var bytes = new long[1];
        for (int i = 0; i <= WARM_UP; i++) {
            Task<?> task = begin(waiter);
            for (Action other : others) {
                begin(other);
            }
            assertThat(task.isDone()).isFalse();
            loop.callSoon(
                    () -> { // on this thread, as those of coroutines are not counted
                        long before = THREADS.getCurrentThreadAllocatedBytes();
                        wake.run();
                        bytes[0] = THREADS.getCurrentThreadAllocatedBytes() - before;
                    });
            runSomeTurns();
            assertThat(task.isDone()).isTrue();
        }
        return bytes[0];
    }

    private Task<?> begin(Action action) {
        Task<?> task = loop.createTask(action);
        runSomeTurns();
        return task;
    }

    private void runSomeTurns() {
        for (int i = 0; i < 5; i++) {
            loop.runOnce();
        }
    }
}
