package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The callbacks of a future: called in FIFO order, except for removed ones, and then released.
 */
@Timeout(30)
class CallbackRingTest {

    static LongStream seeds() {
        return LongStream.range(0, 200);
    }

    /** One of what waits for a future. */
    private record Waiter(String name, Runnable leave) {}

    @ParameterizedTest
    @MethodSource("seeds")
    void remainingCallbacksRunInOrder(long seed) {
        var random = new SplittableRandom(seed);
        List<String> called = new ArrayList<>();
        List<Waiter> waiting = new ArrayList<>();
        EventLoop.run(() -> {
            LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
            for (int i = 0; i < 40; i++) {
                if (random.nextInt(3) > 0 || waiting.isEmpty()) {
                    waiting.add(waiter(future, random.nextInt(3), "waiter " + i, called));
                } else {
                    waiting.remove(random.nextInt(waiting.size())).leave().run();
                }
                assertThat(future.callbackCount()).isEqualTo(waiting.size());
            }
            future.setResult(1);
            assertThat(future.callbackCount()).isZero();
            waiting.forEach(each -> each.leave().run()); // too late
            yieldNow();
            yieldNow();
        });
        assertThat(called)
                .containsExactlyElementsOf(waiting.stream().map(Waiter::name).toList());
    }

    private static Waiter waiter(LoopFuture<Integer> future, int kind, String name, List<String> called) {
        return switch (kind) {
            case 0 -> {
                Consumer<LoopFuture<Integer>> callback = _ -> called.add(name);
                future.addDoneCallback(callback);
                yield new Waiter(name, () -> future.removeDoneCallback(callback));
            }
            case 1 -> {
                Handle handle = future.listen(new LoopFuture.Listener() {
                    @Override
                    public void done(LoopFuture<?> done) {
                        called.add(name);
                    }

                    @Override
                    public void failed(Throwable failure) {
                        called.add(name + " failed with " + failure);
                    }
                });
                yield new Waiter(name, () -> LoopFuture.unlisten(handle));
            }
            default -> {
                Consumer<LoopFuture<Integer>> inContext = _ -> called.add(name);
                future.addDoneCallback(inContext, new Context());
                yield new Waiter(name, () -> future.removeDoneCallback(inContext));
            }
        };
    }

    @Test
    void shieldsThatAreCancelledInAnyOrderLeaveNothing() {
        EventLoop.run(() -> {
            LoopFuture<Integer> inner = EventLoop.getRunningLoop().createFuture();
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 20_000; i++) {
                tasks.add(createTask(() -> await(shield(inner))));
            }
            yieldNow();
            assertThat(inner.callbackCount()).isEqualTo(20_000);
            for (int i = 0; i < 10_000; i++) { // the first and the last, and so to the middle
                tasks.get(i).cancel();
                tasks.get(19_999 - i).cancel();
            }
            yieldNow();
            assertThat(tasks).allMatch(Task::isCancelled);
            assertThat(inner.callbackCount()).isZero();
        });
    }

    @Test
    void aGatherThatFailsLeavesWhatIsPending() {
        EventLoop.run(() -> {
            LoopFuture<Integer> pending = EventLoop.getRunningLoop().createFuture();
            LoopFuture<Integer> failing = EventLoop.getRunningLoop().createFuture();
            var gathering = gather(List.of(shield(pending), pending, failing));
            assertThat(pending.callbackCount()).isEqualTo(2);
            failing.setException(new IllegalStateException("of a part"));

            assertThatThrownBy(() -> await(gathering)).hasMessage("of a part");
            assertThat(pending.callbackCount()).as("the shield's own").isEqualTo(1);
        });
    }
}
