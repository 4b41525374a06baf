package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting for a change: signals, the lock that is always taken again, and cancellation between the two. */
@Timeout(30)
class LoopConditionTest extends InVirtualTime {

    private final LoopCondition condition = new LoopCondition();

    private void waitOnce(String name) {
        condition.acquire();
        try {
            condition.await();
            trail.add(name);
        } catch (CancelledError e) {
            trail.add(name + " cancelled" + (e.getMessage() == null ? "" : ": " + e.getMessage()) + ", locked: "
                    + condition.isLocked());
            throw e;
        } finally {
            condition.release();
        }
    }

    private void signal(int number) {
        condition.acquire();
        condition.signal(number);
        condition.release();
    }

    @Test
    void signalsGoToTheLongestWaiters() {
        run(() -> {
            Task<?> a = createTask(() -> waitOnce("a"));
            Task<?> b = createTask(() -> waitOnce("b"));
            Task<?> c = createTask(() -> waitOnce("c"));
            Task<?> d = createTask(() -> waitOnce("d"));
            yieldNow();
            assertThat(condition).hasToString("LoopCondition[LoopLock[free, waiting=0], waiting=4]");
            condition.acquire();
            condition.signal();
            condition.release();
            sleep(ofSeconds(1));
            assertThat(trail).containsExactly("a");
            signal(2);
            sleep(ofSeconds(1));
            assertThat(trail).containsExactly("a", "b", "c");
            condition.acquire();
            condition.signalAll();
            condition.release();
            await(gather(a, b, c, d));
        });

        assertThat(trail).containsExactly("a", "b", "c", "d");
        assertThat(condition.waiting()).isZero();
    }

    @Test
    void aSignalledTaskGoesOnWhenTheLockIsFree() {
        run(() -> {
            Task<?> waiting = createTask(() -> waitOnce("signalled"));
            yieldNow();
            condition.acquire();
            condition.signal();
            sleep(ofSeconds(1));
            trail.add("released");
            condition.release();
            await(waiting);
        });

        assertThat(trail).containsExactly("released", "signalled");
    }

    @Test
    void aSignalIsNotKeptForLaterWaiters() {
        run(() -> {
            signal(5);
            Task<?> late = createTask(() -> waitOnce("late"));
            sleep(ofSeconds(1));
            assertThat(late.isDone()).isFalse();
            signal(1);
            await(late);
        });
    }

    @Test
    void waitForLooksAgainAtEverySignal() {
        var stock = new AtomicInteger();
        run(() -> {
            Task<?> waiting = createTask(() -> {
                condition.acquire();
                condition.waitFor(() -> {
                    trail.add("looked at " + stock);
                    return stock.get() >= 2;
                });
                condition.release();
            });
            yieldNow();
            for (int i = 1; i <= 3; i++) {
                stock.set(i);
                signal(1);
                sleep(ofSeconds(1));
            }
            await(waiting);
        });

        assertThat(trail).containsExactly("looked at 0", "looked at 1", "looked at 2");
    }

    @Test
    void waitForNeedsNoLockIfTheConditionHolds() {
        run(() -> condition.waitFor(() -> true));
        run(() -> assertThatThrownBy(() -> condition.waitFor(() -> false))
                .hasMessageContaining("Cannot await LoopCondition[")
                .hasMessageContaining("its lock is not held"));
    }

    @Test
    void anExceptionOfThePredicateKeepsTheLockHeld() {
        run(() -> {
            condition.acquire();
            assertThatThrownBy(() -> condition.waitFor(() -> {
                        throw new IllegalArgumentException("predicate");
                    }))
                    .hasMessage("predicate");
            condition.release();
        });
    }

    @Test
    void aCancelledWaiterTakesTheLockAgainBeforeItThrows() {
        run(() -> {
            Task<?> cancelled = createTask(() -> waitOnce("waiter"));
            yieldNow();
            condition.acquire();
            cancelled.cancel("first");
            sleep(ofSeconds(1));
            trail.add("released");
            condition.release();
            assertThatThrownBy(() -> await(cancelled)).isInstanceOf(CancelledError.class);
            assertThat(condition.isLocked()).isFalse();
        });

        assertThat(trail).containsExactly("released", "waiter cancelled: first, locked: true");
    }

    @Test
    void aSecondCancellationWhileTakingTheLockIsThrown() {
        run(() -> {
            Task<?> cancelled = createTask(() -> waitOnce("waiter"));
            yieldNow();
            condition.acquire();
            cancelled.cancel("first");
            yieldNow();
            cancelled.cancel("second");
            yieldNow();
            cancelled.cancel("third");
            sleep(ofSeconds(1));
            condition.release();
            assertThatThrownBy(() -> await(cancelled))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("third");
            assertThat(cancelled.cancelling()).isEqualTo(3);
        });

        assertThat(trail).containsExactly("waiter cancelled: third, locked: true");
    }

    @Test
    void theSameErrorComesOutThatWasThrownIn() {
        run(() -> {
            LoopFuture<CancelledError> seen = EventLoop.getRunningLoop().createFuture();
            Task<?> cancelled = createTask(() -> {
                condition.acquire();
                try {
                    condition.await();
                } catch (CancelledError e) {
                    seen.setResult(e);
                    throw e;
                } finally {
                    condition.release();
                }
            });
            yieldNow();
            cancelled.cancel("why");
            CancelledError first = await(seen);
            assertThatThrownBy(() -> await(cancelled)).isSameAs(first).hasMessage("why");
        });
    }

    @Test
    void aSignalToATaskCancelledAtThatMomentGoesToTheNext() {
        run(() -> {
            Task<?> cancelled = createTask(() -> waitOnce("cancelled one"));
            Task<?> next = createTask(() -> waitOnce("next"));
            Task<?> last = createTask(() -> waitOnce("last"));
            yieldNow();
            signal(1);
            cancelled.cancel();
            await(next);
            sleep(ofSeconds(1));
            assertThat(last.isDone()).isFalse();
            last.cancel();
        });

        assertThat(trail).startsWith("cancelled one cancelled, locked: true", "next");
    }

    @Test
    void aSignalToATaskCancelledWhileItTakesTheLockGoesToTheNext() {
        run(() -> {
            Task<?> cancelled = createTask(() -> waitOnce("cancelled one"));
            Task<?> next = createTask(() -> waitOnce("next"));
            yieldNow();
            condition.acquire();
            condition.signal();
            yieldNow();
            cancelled.cancel();
            yieldNow();
            condition.release();
            await(next);
        });

        assertThat(trail).containsExactly("cancelled one cancelled, locked: true", "next");
    }

    @Test
    void aCancelledTaskThatWasNotSignalledWakesNone() {
        run(() -> {
            Task<?> cancelled = createTask(() -> waitOnce("cancelled one"));
            Task<?> other = createTask(() -> waitOnce("other"));
            yieldNow();
            cancelled.cancel();
            sleep(ofSeconds(1));
            assertThat(condition.waiting()).isEqualTo(1);
            signal(1);
            await(other);
        });

        assertThat(trail).containsExactly("cancelled one cancelled, locked: true", "other");
    }

    @Test
    void twoConditionsShareALock() {
        var lock = new LoopLock();
        var full = new LoopCondition(lock);
        var empty = new LoopCondition(lock);
        run(() -> {
            Task<?> waiting = createTask(() -> {
                full.acquire();
                full.await();
                trail.add("full");
                empty.signal();
                full.release();
            });
            yieldNow();
            empty.acquire();
            assertThat(full.isLocked()).isTrue();
            full.signal();
            empty.await();
            trail.add("empty");
            empty.release();
            await(waiting);
        });

        assertThat(trail).containsExactly("full", "empty");
        assertThat(lock.isLocked()).isFalse();
    }

    @Test
    void signallingNeedsTheLock() {
        assertThatThrownBy(condition::signal)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Cannot signal LoopCondition[")
                .hasMessageContaining("its lock is not held. Call acquire() before");
        assertThatThrownBy(condition::signalAll).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> condition.signal(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("-1");
    }
}
