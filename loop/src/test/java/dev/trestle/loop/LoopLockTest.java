package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One holder at a time, in FIFO order, with any waiter cancelled; and the messages for code outside of the loop. */
@Timeout(30)
class LoopLockTest extends InVirtualTime {

    private final LoopLock lock = new LoopLock();

    private void inside(String name) {
        lock.acquire();
        try {
            trail.add(name + " in");
            yieldNow();
            trail.add(name + " out");
        } finally {
            lock.release();
        }
    }

    @Test
    void aLockKeepsOthersOutAcrossAnAwait() {
        run(() -> await(gather(createTask(() -> inside("a")), createTask(() -> inside("b")))));

        assertThat(trail).containsExactly("a in", "a out", "b in", "b out");
        assertThat(lock).hasToString("LoopLock[free, waiting=0]");
    }

    @Test
    void aFreeLockIsTakenWithoutSuspending() {
        run(() -> {
            createTask(() -> trail.add("another task"));
            lock.acquire();
            assertThat(trail).isEmpty();
            assertThat(lock.isLocked()).isTrue();
            lock.release();
            assertThat(lock.isLocked()).isFalse();
        });
    }

    @Test
    void noTaskOvertakesAWaiter() {
        run(() -> {
            lock.acquire();
            Task<?> first = createTask(() -> inside("first"));
            Task<?> second = createTask(() -> inside("second"));
            yieldNow();
            assertThat(lock.waiting()).isEqualTo(2);
            lock.release();
            inside("came later");
            await(gather(first, second));
        });

        assertThat(trail)
                .containsExactly("first in", "first out", "second in", "second out", "came later in", "came later out");
    }

    @Test
    void aSecondReleaseIsRefusedWhileTheNextOwnerIsOnItsWay() {
        run(() -> {
            lock.acquire();
            Task<?> waiting = createTask(() -> inside("waiting"));
            yieldNow();
            lock.release();
            assertThat(lock.isLocked()).isFalse();
            assertThatThrownBy(lock::release).hasMessageContaining("it is not held");
            await(waiting);
        });

        assertThat(trail).containsExactly("waiting in", "waiting out");
    }

    @Test
    void aWaiterCancelledWhenItWasWokenPassesTheLockOn() {
        run(() -> {
            lock.acquire();
            Task<?> cancelled = createTask(() -> inside("cancelled"));
            Task<?> next = createTask(() -> inside("next"));
            yieldNow();
            lock.release();
            cancelled.cancel();
            await(next);
            assertThat(cancelled.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("next in", "next out");
    }

    /** A cancelled waiter wakes the next, as in asyncio, which takes one turn. */
    @Test
    void waiterCancelledBeforeTheReleasePassesTheLockOn() {
        run(() -> {
            lock.acquire();
            Task<?> cancelled = createTask(() -> inside("cancelled"));
            Task<?> next = createTask(() -> inside("next"));
            yieldNow();
            cancelled.cancel();
            lock.release();
            yieldNow();
            trail.add("a turn later");
            await(next);
        });

        assertThat(trail).containsExactly("a turn later", "next in", "next out");
    }

    @Test
    void lockWithCancelledWaitersIsTakenWithoutSuspending() {
        run(() -> {
            lock.acquire();
            Task<?> one = createTask(() -> inside("one"));
            Task<?> two = createTask(() -> inside("two"));
            yieldNow();
            one.cancel();
            two.cancel();
            lock.release();
            createTask(() -> trail.add("another task"));
            lock.acquire();
            assertThat(trail).isEmpty();
            yieldNow();
            assertThat(lock).hasToString("LoopLock[locked, waiting=0]");
            lock.release();
        });
    }

    @Test
    void aTaskThatSwallowsItsCancellationHasNoLock() {
        run(() -> {
            lock.acquire();
            Task<?> stubborn = createTask(() -> {
                try {
                    lock.acquire();
                } catch (CancelledError e) {
                    trail.add("cancelled, locked: " + lock.isLocked());
                }
                inside("again");
            });
            yieldNow();
            stubborn.cancel();
            sleep(ofSeconds(1));
            lock.release();
            await(stubborn);
        });

        assertThat(trail).containsExactly("cancelled, locked: true", "again in", "again out");
    }

    @Test
    void aTimeLimitEndsTheWaitForALock() {
        run(() -> {
            lock.acquire();
            assertThatThrownBy(() -> Async.timeout(ofSeconds(3), () -> lock.acquire()))
                    .isInstanceOf(TimeoutException.class);
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(3));
            assertThat(lock.waiting()).isZero();
            lock.release();
        });
    }

    @Test
    void releasingAFreeLockIsRefused() {
        assertThatThrownBy(lock::release)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("LoopLock[free, waiting=0]")
                .hasMessageContaining("it is not held. Release it once, in a finally");
    }

    @Test
    void aLockIsTakenInALoop() {
        assertThatThrownBy(lock::acquire).hasMessageContaining("No event loop is running");
    }

    @Test
    void aLockIsNotSharedByLoops() {
        try (var other = new EventLoop()) {
            other.runUntilComplete(() -> lock.acquire());
            run(() -> assertThatThrownBy(lock::acquire)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("belongs to EventLoop[")
                    .hasMessageContaining("Make one for each loop"));
            other.runUntilComplete(() -> lock.release());
        }
        run(() -> inside("after the loop was closed"));

        assertThat(trail).hasSize(2);
    }

    @Test
    void anotherThreadIsToldHowToReleaseALock() {
        run(() -> {
            lock.acquire();
            var elsewhere = new FutureTask<>(() -> assertThatThrownBy(lock::release)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Cannot release something of EventLoop[")
                    .hasMessageContaining("loop.callSoonThreadsafe(...)"));
            Thread.ofPlatform().start(elsewhere);
            Async.blocking(() -> elsewhere.get());
            lock.release();
        });
    }
}
