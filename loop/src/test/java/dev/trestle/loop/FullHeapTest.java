package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** A JVM whose heap is full while other threads bring outcomes: what was accepted arrives, and the loop goes on. */
@Timeout(90)
class FullHeapTest {

    /** This test runs with {@code -Dstorm=full}, since it takes seconds; {@link LostThreadTest} is the short form. */
    @Test
    @EnabledIfSystemProperty(named = "storm", matches = "full")
    void outcomesThatCameWhileTheHeapWasFullArrive() throws Exception {
        assertThat(ChildJvm.run(FullHeap.class, "-Xmx16m", "-Xss512k")).last().isEqualTo("all have ended");
    }

    /**
     * Coroutines wait for promises and for time. Then there is no memory, for as long as it takes. None is in a
     * blocking call: where memory ends the JDK may lose a thread that a lock or a latch of its own wakes.
     */
    static final class FullHeap {

        private static final int EACH = 200;

        private static final @Nullable Object[] ballast = new @Nullable Object[100_000];
        private static volatile boolean full = true;

        public static void main(String[] args) throws Exception {
            var loop = new EventLoop();
            var promises = new LoopPromise<?>[2 * EACH];
            var begun = new CountDownLatch(1);
            Thread runner = Thread.ofPlatform().start(() -> {
                loop.runUntilComplete(() -> TaskGroup.run(group -> {
                    for (int i = 0; i < 2 * EACH; i++) {
                        var promise = new LoopPromise<Integer>(loop, () -> {});
                        promises[i] = promise;
                        group.createTask(() -> await(promise.future()));
                    }
                    for (int i = 0; i < EACH; i++) {
                        int millis = i;
                        group.createTask(() -> sleep(ofMillis(100 + millis)));
                    }
                    sleep(ofMillis(1)); // all have begun
                    begun.countDown();
                }));
            });
            begun.await();
            while (!SlowCallbackDetector.isReady()) {
                Thread.onSpinWait(); // for a quarter of a second
            }
            Thread filler = Thread.ofPlatform().start(FullHeap::fill);
            Thread foreign = Thread.ofPlatform().start(() -> {
                bring(promises);
                full = false;
            });
            foreign.join();
            filler.join();
            runner.join();
            loop.close(ofMillis(500));
            System.out.println("all have ended");
        }

        /** Takes all memory that there is, again and again, and gives it back in the end. */
        private static void fill() {
            int size = 1 << 20;
            int next = 0;
            while (full) {
                try {
                    ballast[next] = new byte[size];
                    next = Math.min(next + 1, ballast.length - 1);
                } catch (OutOfMemoryError e) {
                    size = Math.max(16, size / 2);
                    if (size == 16) {
                        LockSupport.parkNanos(5_000_000); // each attempt is a collection of the whole heap
                    }
                }
            }
            for (int i = 0; i < ballast.length; i++) {
                ballast[i] = null;
            }
        }

        /**
         * Half of the outcomes are cancellations. A promise that could not take one is tried again, as its Javadoc
         * says.
         */
        @SuppressWarnings("unchecked")
        private static void bring(LoopPromise<?>[] promises) {
            long begin = System.nanoTime();
            for (int i = 0; i < promises.length; i++) {
                while (true) {
                    try {
                        boolean _ = i < EACH
                                ? ((LoopPromise<Integer>) promises[i]).trySetResult(1)
                                : promises[i].tryCancel();
                        break;
                    } catch (OutOfMemoryError e) {
                        Thread.onSpinWait();
                    }
                }
                while (System.nanoTime() - begin < i * 1_000_000L) {
                    Thread.onSpinWait();
                }
            }
        }
    }
}
