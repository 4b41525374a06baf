package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rounds: complete, reset, broken, left by a cancelled task. */
@Timeout(30)
class LoopBarrierTest {

    private final List<String> trail = new ArrayList<>();
    private final LoopBarrier barrier = new LoopBarrier(3);

    private Task<?> comer(String name) {
        return createTask(
                () -> {
                    try {
                        trail.add(name + " is " + barrier.await());
                    } catch (BrokenBarrierException e) {
                        trail.add(name + " broken");
                    }
                },
                name);
    }

    @Test
    void theLastOneGoesOnAtOnceAndTheOthersFollowInOrder() {
        EventLoop.run(() -> {
            Task<?> a = comer("a");
            Task<?> b = comer("b");
            yieldNow();
            assertThat(barrier.waiting()).isEqualTo(2);
            assertThat(barrier).hasToString("LoopBarrier[waiting=2 of 3]");
            trail.add("last is " + barrier.await());
            assertThat(barrier.waiting()).isZero();
            await(gather(a, b));
        });

        assertThat(trail).containsExactly("last is 2", "a is 0", "b is 1");
        assertThat(barrier.parties()).isEqualTo(3);
    }

    @Test
    void roundsFollowEachOtherWithoutOvertaking() {
        EventLoop.run(() -> {
            var all = new ArrayList<Task<?>>();
            for (String name : List.of("a", "b", "c", "d", "e", "f")) {
                all.add(comer(name));
            }
            await(gather(all));
        });

        assertThat(trail).containsExactly("c is 2", "f is 2", "a is 0", "b is 1", "d is 0", "e is 1");
    }

    @Test
    void aBarrierOfOneNeverSuspends() {
        var one = new LoopBarrier(1);
        EventLoop.run(() -> {
            createTask(() -> trail.add("another task"));
            assertThat(one.await()).isZero();
            assertThat(one.await()).isZero();
            assertThat(trail).isEmpty();
        });
    }

    @Test
    void aCancelledTaskLeavesAndTheBarrierIsNotBroken() {
        EventLoop.run(() -> {
            Task<?> cancelled = comer("cancelled");
            Task<?> b = comer("b");
            yieldNow();
            cancelled.cancel();
            Task<?> c = comer("c");
            yieldNow();
            assertThat(barrier.waiting()).isEqualTo(2);
            assertThat(barrier.isBroken()).isFalse();
            Task<?> d = comer("d");
            await(gather(b, c, d));
            assertThat(cancelled.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("d is 2", "b is 0", "c is 1");
    }

    @Test
    void aCancelledTaskDoesNotCountThoughItHasNotLeftYet() {
        EventLoop.run(() -> {
            Task<?> cancelled = comer("cancelled");
            Task<?> b = comer("b");
            yieldNow();
            cancelled.cancel();
            assertThat(barrier.waiting()).isEqualTo(1);
            Task<?> last = comer("last");
            trail.add("main is " + barrier.await());
            await(gather(b, last));
        });

        assertThat(trail).containsExactly("last is 2", "b is 0", "main is 1");
    }

    @Test
    void aTaskCancelledAfterTheRoundCountsForTheOthers() {
        EventLoop.run(() -> {
            Task<?> cancelled = comer("cancelled");
            Task<?> b = comer("b");
            yieldNow();
            trail.add("last is " + barrier.await());
            cancelled.cancel();
            await(b);
            assertThat(cancelled.isCancelled()).isTrue();
            assertThat(barrier.waiting()).isZero();
        });

        assertThat(trail).containsExactly("last is 2", "b is 1");
    }

    @Test
    void resetBreaksTheRoundAndTheNextOneIsWhole() {
        EventLoop.run(() -> {
            Task<?> a = comer("a");
            Task<?> b = comer("b");
            yieldNow();
            barrier.reset();
            assertThat(barrier.isBroken()).isFalse();
            assertThat(barrier.waiting()).isZero();
            await(gather(a, b, comer("c"), comer("d"), comer("e")));
        });

        assertThat(trail).containsExactly("a broken", "b broken", "e is 2", "c is 0", "d is 1");
    }

    @Test
    void aResetDoesNotReachARoundThatWasComplete() {
        EventLoop.run(() -> {
            Task<?> a = comer("a");
            Task<?> b = comer("b");
            yieldNow();
            trail.add("last is " + barrier.await());
            barrier.reset();
            await(gather(a, b));
        });

        assertThat(trail).containsExactly("last is 2", "a is 0", "b is 1");
    }

    @Test
    void abortBreaksTheBarrierUntilItIsReset() {
        EventLoop.run(() -> {
            Task<?> a = comer("a");
            yieldNow();
            barrier.abort();
            assertThat(barrier.isBroken()).isTrue();
            assertThat(barrier).hasToString("LoopBarrier[broken]");
            await(a);
            assertThatThrownBy(barrier::await)
                    .isInstanceOf(BrokenBarrierException.class)
                    .hasMessage("LoopBarrier[broken] was broken by abort(); reset() makes it usable again");
            barrier.reset();
            await(gather(comer("b"), comer("c"), comer("d")));
        });

        assertThat(trail).containsExactly("a broken", "d is 2", "b is 0", "c is 1");
    }

    @Test
    void everyWaiterIsToldWhyTheRoundWasBroken() {
        EventLoop.run(() -> {
            Task<?> waiting = createTask(() -> assertThatThrownBy(barrier::await)
                    .isInstanceOf(BrokenBarrierException.class)
                    .hasMessageContaining("was reset, or broken by abort(), while this coroutine waited"));
            yieldNow();
            barrier.reset();
            await(waiting);
        });
    }

    @Test
    void aBarrierNeedsAParty() {
        assertThatThrownBy(() -> new LoopBarrier(0)).hasMessageContaining("1 party or more: 0");
    }
}
