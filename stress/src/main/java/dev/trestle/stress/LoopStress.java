package dev.trestle.stress;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.Async;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopPromise;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.L_Result;

/**
 * The races of a running loop with the threads around it: falling asleep, coming back from blocking calls, outcomes and
 * cancellations that cross the bridge. A wake-up that is lost shows as an outcome that does not come.
 */
public final class LoopStress {

    private static final Duration FOREVER = Duration.ofSeconds(10);
    private static final EventLoop loop = new EventLoop();

    static {
        Thread.ofPlatform().daemon().name("loop-under-stress").start(loop::runForever);
    }

    private LoopStress() {}

    private static String outcome(ConcurrentFuture<?> future) {
        try {
            return String.valueOf(future.result(FOREVER));
        } catch (CancellationException e) {
            return "cancelled";
        } catch (TimeoutException e) {
            return "lost";
        } catch (IllegalStateException e) {
            return "failed"; // the loop was closed before
        }
    }

    private static boolean reached(CountDownLatch latch) {
        try {
            return latch.await(FOREVER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("This thread was interrupted, which no code should do", e);
        }
    }

    /** Two threads ask a loop that has nothing else to do, just when it falls asleep. */
    @JCStressTest
    @Outcome(id = "true", expect = ACCEPTABLE, desc = "Both were called")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class AskAgainstSleep {
        private final CountDownLatch called = new CountDownLatch(2);

        @Actor
        public void ask() {
            loop.callSoonThreadsafe(called::countDown);
        }

        @Actor
        public void askToo() {
            loop.callSoonThreadsafe(called::countDown);
        }

        @Arbiter
        public void look(L_Result r) {
            r.r1 = reached(called);
        }
    }

    /** A coroutine comes back from a blocking call, while a thread asks the loop, which does nothing else. */
    @JCStressTest
    @Outcome(id = "back, true", expect = ACCEPTABLE, desc = "Both had the loop")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class ComeBackAgainstAsk {
        private final CountDownLatch leave = new CountDownLatch(1);
        private final CountDownLatch called = new CountDownLatch(1);
        private final ConcurrentFuture<String> back = Bridge.runCoroutineThreadsafe(
                () -> {
                    blocking(() -> leave.await());
                    return "back";
                },
                loop);

        @Actor
        public void letItComeBack() {
            leave.countDown();
        }

        @Actor
        public void ask() {
            loop.callSoonThreadsafe(called::countDown);
        }

        @Arbiter
        public void look(LL_Result r) {
            r.r1 = outcome(back);
            r.r2 = reached(called);
        }
    }

    /**
     * Two threads bring an outcome each to a loop that falls asleep: one passes the baton on, the other finds it taken.
     */
    @JCStressTest
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "Both were awaited")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class BringAgainstBring {
        private final CountDownLatch awaited = new CountDownLatch(2);
        private volatile LoopPromise<Integer> one;
        private volatile LoopPromise<Integer> two;
        private final ConcurrentFuture<Integer> first = await(() -> one = promise());
        private final ConcurrentFuture<Integer> second = await(() -> two = promise());

        private static LoopPromise<Integer> promise() {
            return new LoopPromise<>(loop, () -> {});
        }

        private ConcurrentFuture<Integer> await(Supplier<LoopPromise<Integer>> promise) {
            return Bridge.runCoroutineThreadsafe(
                    () -> {
                        LoopFuture<Integer> future = promise.get().future();
                        awaited.countDown();
                        return Async.await(future);
                    },
                    loop);
        }

        @Actor
        public void bring() {
            reached(awaited);
            one.trySetResult(1);
        }

        @Actor
        public void bringToo() {
            reached(awaited);
            two.trySetResult(2);
        }

        @Arbiter
        public void look(LL_Result r) {
            r.r1 = outcome(first);
            r.r2 = outcome(second);
        }
    }

    /** A pool's future ends while the loop begins to await it. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "The result crossed")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class ArriveAgainstAwait {
        private final Promise<Integer> promise = new Promise<>();
        private volatile ConcurrentFuture<Integer> future;

        @Actor
        public void complete() {
            promise.trySetResult(1);
        }

        @Actor
        public void begin() {
            future = Bridge.runCoroutineThreadsafe(() -> await(Bridge.wrapFuture(promise)), loop);
        }

        @Arbiter
        public void look(L_Result r) {
            r.r1 = outcome(future);
        }
    }

    /**
     * A result comes in as a cancellation goes out: each side has one of them, and a cancelled pool's future shows in
     * the loop.
     */
    @JCStressTest
    @Outcome(id = "1, SUCCESS", expect = ACCEPTABLE, desc = "The result won")
    @Outcome(id = "cancelled, SUCCESS", expect = ACCEPTABLE, desc = "The result came when no task waited any more")
    @Outcome(id = "cancelled, CANCELLED", expect = ACCEPTABLE, desc = "The cancellation reached the work")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class ArriveAgainstCancel {
        private final Promise<Integer> promise = new Promise<>();
        private final CountDownLatch awaited = new CountDownLatch(1);
        private final ConcurrentFuture<Integer> future = Bridge.runCoroutineThreadsafe(
                () -> {
                    var crossing = Bridge.wrapFuture(promise);
                    awaited.countDown();
                    return await(crossing);
                },
                loop);

        @Actor
        public void complete() {
            reached(awaited);
            promise.trySetResult(1);
        }

        @Actor
        public void cancel() {
            reached(awaited);
            future.cancel(true);
        }

        @Arbiter
        public void look(LL_Result r) {
            r.r1 = outcome(future);
            var settled = new CountDownLatch(1);
            loop.callSoonThreadsafe(() -> loop.callSoon(() -> loop.callSoon(settled::countDown)));
            reached(settled);
            promise.cancel(false); // in case that the coroutine had not begun when it was cancelled
            r.r2 = promise.state();
        }
    }

    /** A coroutine is sent to a loop that is being closed: it is refused, or its future fails. */
    @JCStressTest
    @Outcome(
            id = {"refused", "failed"},
            expect = ACCEPTABLE,
            desc = "It ended")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class SendAgainstClose {
        private final EventLoop own = new EventLoop();
        private volatile ConcurrentFuture<Integer> future;

        @Actor
        public void send() {
            try {
                future = Bridge.runCoroutineThreadsafe(() -> 1, own);
            } catch (IllegalStateException e) {
                // refused
            }
        }

        @Actor
        public void close() {
            own.close();
        }

        @Arbiter
        public void look(L_Result r) {
            r.r1 = future == null ? "refused" : outcome(future);
        }
    }
}
