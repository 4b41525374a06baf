package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SynchronousQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The wake-up of the baton's threads. All tests of this module run twice: with {@code java.lang} closed, and opened.
 */
@Timeout(30)
class HandOverTest {

    @Test
    void isTheFastOneIfJavaLangIsOpened() {
        boolean opened = Object.class.getModule().isOpen("java.lang", HandOver.class.getModule());

        assertThat(HandOver.create()).isInstanceOf(opened ? HandOver.SameCarrier.class : HandOver.ByUnpark.class);
    }

    @Test
    void theLoopGoesOnWhileACoroutineKeepsItsCarrierBusy() {
        int turns = EventLoop.run(() -> {
            var spinning = new CountDownLatch(1);
            var enough = new CountDownLatch(1);
            Task<Integer> busy = createTask(() -> blocking(() -> {
                spinning.countDown();
                while (enough.getCount() > 0) {
                    Thread.onSpinWait(); // never unmounts
                }
                return 1;
            }));
            blocking(() -> spinning.await());
            int count = 0;
            while (count < 1_000) {
                yieldNow();
                count++;
            }
            enough.countDown();
            return count + await(busy);
        });

        assertThat(turns).isEqualTo(1_001);
    }

    private static @Nullable LoopFuture<Integer> source;

    /** A static initializer is called by native code, over which a virtual thread cannot leave its carrier. */
    private static final class Constants {
        static final int VALUE = await(requireNonNull(source));

        private Constants() {}
    }

    @Test
    void aPinnedCoroutineDelaysNoOther() {
        int sum = EventLoop.run(() -> {
            LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
            source = future;
            Task<Integer> pinned = createTask(() -> Constants.VALUE);
            for (int i = 0; i < 1_000; i++) {
                yieldNow();
            }
            future.setResult(42);
            return await(pinned);
        });

        assertThat(sum).isEqualTo(42);
    }

    @Test
    void coroutinesThatComeBackFromBlockingCallsMeetInTheLoop() {
        int sum = EventLoop.run(() -> {
            var queue = new SynchronousQueue<Integer>();
            int[] unguarded = {0};
            Task<Integer> taker = createTask(() -> {
                for (int i = 0; i < 1_000; i++) {
                    int taken = blocking(queue::take);
                    unguarded[0] += taken;
                }
                return unguarded[0];
            });
            for (int i = 0; i < 1_000; i++) {
                int item = i;
                unguarded[0]++;
                blocking(() -> queue.put(item));
            }
            return await(taker);
        });

        assertThat(sum).isEqualTo(1_000 + 999 * 1_000 / 2);
    }
}
