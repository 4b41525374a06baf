package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitFor;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.api.StackRoom;
import dev.trestle.loop.CancelledError;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Outcomes and cancellations that cross the bridge on threads whose stack is nearly full: what has counted there takes
 * effect on the other side.
 */
@Timeout(60)
class FullStackTest {

    private static final int STACK_BYTES = 256 << 10;
    private static final int ROUNDS = 20;

    private final EventLoop loop = new EventLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void outcomeOfAPromiseArrives() {
        loop.runUntilComplete(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                var promise = new Promise<Integer>();
                LoopFuture<Integer> arrival = Bridge.wrapFuture(promise);

                atTheEndOfAStack(() -> promise.trySetResult(42));

                assertThat(waitFor(arrival, ofSeconds(20))).isEqualTo(42);
            }
        });
    }

    @Test
    void outcomeOfACompletableFutureArrives() {
        loop.runUntilComplete(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                var future = new CompletableFuture<Integer>();
                LoopFuture<Integer> arrival = Bridge.wrapFuture(future);

                atTheEndOfAStack(() -> {
                    StackRoom.require(); // nearer to the end, the JDK's future itself loses its dependents
                    return future.complete(42);
                });

                assertThat(waitFor(arrival, ofSeconds(20))).isEqualTo(42);
            }
        });
    }

    @Test
    void cancellationReachesTheCoroutine() {
        loop.runUntilComplete(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                LoopFuture<Integer> begun = loop.createFuture();
                LoopFuture<Integer> cancelled = loop.createFuture();
                ConcurrentFuture<Integer> future = Bridge.runCoroutineThreadsafe(
                        () -> {
                            begun.setResult(1);
                            try {
                                sleep(ofHours(1));
                            } catch (CancelledError e) {
                                cancelled.setResult(1);
                                throw e;
                            }
                            return 1;
                        },
                        loop);
                int _ = await(begun);

                atTheEndOfAStack(() -> future.cancel(true));

                int _ = waitFor(cancelled, ofSeconds(20));
            }
        });
    }

    /** Makes a step as near to the end of a stack as it succeeds, on a thread of its own that ends afterwards. */
    private static void atTheEndOfAStack(BooleanSupplier step) {
        new Thread(null, () -> descend(Integer.MAX_VALUE, step), "deep", STACK_BYTES).start();
    }

    /** Descends to the end, and makes the step in the deepest call in which it succeeds; returns whether it has. */
    private static boolean descend(int calls, BooleanSupplier step) {
        boolean made = false;
        try {
            made = calls > 0 && descend(calls - 1, step);
        } catch (StackOverflowError e) {
            // the next call may be deep enough
        }
        return made || step.getAsBoolean();
    }
}
