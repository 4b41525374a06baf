package dev.trestle.loop.faults;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopCondition;
import dev.trestle.loop.LoopQueue;
import dev.trestle.loop.Task;
import java.util.concurrent.Callable;

/**
 * A program that takes one item out of a queue and waits once for a signal, while one step of the loop's own code
 * fails. Its result is empty, or says what was left halfway. Loaded by a {@link FaultLoader}.
 */
public final class WholeOrNothing implements Callable<String> {

    private static final int MOST_TURNS = 1_000;

    private String left = "";
    private boolean signallerHasLock;

    /** Called through the class loader. */
    public WholeOrNothing() {}

    @Override
    public String call() {
        EventLoop loop = untilItWorks(EventLoop::new);
        takeAnItem();
        takeAllItems();
        waitForASignal(loop);
        Faults.disarm();
        loop.close();
        return left;
    }

    private void takeAnItem() {
        LoopQueue<String> queue = untilItWorks(LoopQueue::fifo);
        var _ = untilItWorks(() -> queue.size() > 0 || queue.tryPut("item"));
        boolean taken = false;
        try {
            taken = queue.tryGet().isPresent();
        } catch (Throwable e) {
            Thread.onSpinWait(); // injected
        }
        int size = untilItWorks(queue::size);
        if (size != (taken ? 0 : 1)) {
            left += "the queue has " + size + " items, and tryGet has taken one: " + taken + "\n";
        }
    }

    private void takeAllItems() {
        LoopQueue<Integer> queue = untilItWorks(LoopQueue::priority);
        for (int item = 1; item <= 3; item++) {
            int next = item;
            var _ = untilItWorks(() -> queue.size() >= next || queue.tryPut(next));
        }
        int taken = 0;
        try {
            taken = queue.shutdownNow().size();
        } catch (Throwable e) {
            Thread.onSpinWait(); // injected
        }
        LoopQueue.Statistics numbers = untilItWorks(queue::statistics);
        if (numbers.size() != 3 - taken || numbers.unfinished() != numbers.size()) {
            left += "shutdownNow has returned " + taken + " of 3 items, and left " + numbers + "\n";
        }
    }

    private void waitForASignal(EventLoop loop) {
        LoopCondition condition = untilItWorks(LoopCondition::new);
        Task<?> waiter = untilItWorks(() -> loop.createTask(() -> {
            var _ = untilItWorks(() -> acquire(condition));
            try {
                condition.await();
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
            if (signallerHasLock || !untilItWorks(condition::isLocked)) {
                left += "await has returned without the lock: " + condition + "\n";
            }
            var _ = untilItWorks(() -> release(condition));
        }));
        Task<?> signaller = untilItWorks(() -> loop.createTask(() -> {
            var _ = untilItWorks(() -> acquire(condition));
            signallerHasLock = true;
            var _ = untilItWorks(() -> {
                condition.signal();
                return true;
            });
            signallerHasLock = false;
            var _ = untilItWorks(() -> release(condition));
        }));
        for (int turn = 0; turn < MOST_TURNS && !(waiter.isDone() && signaller.isDone()); turn++) {
            var _ = untilItWorks(() -> {
                loop.runOnce();
                return true;
            });
        }
        if (!waiter.isDone() || !signaller.isDone()) {
            left += waiter + " and " + signaller + " have not ended\n";
        }
    }

    private static boolean acquire(LoopCondition condition) {
        condition.acquire();
        return true;
    }

    private static boolean release(LoopCondition condition) {
        if (condition.isLocked()) {
            condition.release();
        }
        return true;
    }

    private static <T> T untilItWorks(Callable<T> step) {
        while (true) {
            try {
                return step.call();
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
    }
}
