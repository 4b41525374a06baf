package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Permits are shared fairly, and none is lost. */
@Timeout(30)
class LoopSemaphoreTest extends InVirtualTime {

    @Test
    void noMoreThanThePermitsAreInsideAndTheyComeInOrder() {
        var semaphore = new LoopSemaphore(2);
        run(() -> await(gather(IntStream.range(0, 6)
                .mapToObj(i -> createTask(() -> {
                    semaphore.acquire();
                    trail.add(i + " at " + clock.elapsed().toSeconds());
                    sleep(ofSeconds(1));
                    semaphore.release();
                }))
                .toList())));

        assertThat(trail).containsExactly("0 at 0", "1 at 0", "2 at 1", "3 at 1", "4 at 2", "5 at 2");
        assertThat(semaphore).hasToString("LoopSemaphore[permits=2, waiting=0]");
    }

    @Test
    void noTaskOvertakesAWaiter() {
        laterWaitersGoOnLater(new LoopSemaphore(1), 1);
    }

    /** Even with a permit that is free: what was granted first goes on first. */
    @Test
    void noTaskOvertakesAWokenTaskWithAPermit() {
        laterWaitersGoOnLater(new LoopSemaphore(2), 2);
    }

    private void laterWaitersGoOnLater(LoopSemaphore semaphore, int permits) {
        run(() -> {
            for (int i = 0; i < permits; i++) {
                semaphore.acquire();
            }
            Task<?> waiting = createTask(() -> {
                semaphore.acquire();
                trail.add("waited");
                semaphore.release();
            });
            yieldNow();
            for (int i = 0; i < permits; i++) {
                semaphore.release();
            }
            assertThat(semaphore.isLocked()).isTrue();
            semaphore.acquire();
            trail.add("came later");
            await(waiting);
        });

        assertThat(trail).containsExactly("waited", "came later");
    }

    @Test
    void aPermitGrantedToACancelledTaskGoesToTheNext() {
        var semaphore = new LoopSemaphore(1);
        run(() -> {
            semaphore.acquire();
            Task<?> cancelled = createTask(semaphore::acquire);
            Task<?> next = createTask(() -> {
                semaphore.acquire();
                trail.add("next");
            });
            yieldNow();
            semaphore.release();
            cancelled.cancel();
            await(next);
            assertThat(cancelled.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("next");
    }

    @Test
    void aTaskCancelledWhileItWaitsLeavesTheOthersTheirPlaces() {
        var semaphore = new LoopSemaphore(0);
        run(() -> {
            Task<?> cancelled = createTask(semaphore::acquire);
            Task<?> other = createTask(semaphore::acquire);
            yieldNow();
            cancelled.cancel();
            yieldNow();
            semaphore.release();
            await(other);
            Task<?> patient = createTask(semaphore::acquire);
            sleep(ofHours(1));
            assertThat(patient.isDone()).isFalse();
            patient.cancel();
        });
    }

    @Test
    void permitsAreNotNegative() {
        assertThatThrownBy(() -> new LoopSemaphore(-1)).hasMessageContaining("0 permits or more: -1");
    }

    @Test
    void aNewcomerWaitsBehindAWokenTaskDespiteAPermit() {
        var semaphore = new LoopSemaphore(0);
        run(() -> {
            Task<?> first = createTask(() -> {
                semaphore.acquire();
                trail.add("first");
            });
            yieldNow();
            semaphore.release();
            semaphore.release();
            assertThat(semaphore.available()).isEqualTo(1);
            assertThat(semaphore.isLocked()).isTrue();
            semaphore.acquire();
            trail.add("second");
            await(first);
            assertThat(semaphore.available()).isZero();
        });

        assertThat(trail).containsExactly("first", "second");
    }

    @Test
    void aPermitThatComesBackFromACancelledTaskWakesAllItCan() {
        var semaphore = new LoopSemaphore(0);
        run(() -> {
            Task<?> cancelled = createTask(semaphore::acquire);
            Task<?> a = createTask(semaphore::acquire);
            Task<?> b = createTask(semaphore::acquire);
            yieldNow();
            semaphore.release();
            cancelled.cancel();
            semaphore.release();
            await(gather(a, b));
            assertThat(semaphore).hasToString("LoopSemaphore[permits=0, waiting=0]");
        });
    }

    @Test
    void aBoundedSemaphoreRefusesAReleaseTooMany() {
        var semaphore = LoopSemaphore.bounded(1);
        run(() -> {
            semaphore.acquire();
            Task<?> waiting = createTask(semaphore::acquire);
            yieldNow();
            semaphore.release();
            await(waiting);
            semaphore.release();
            assertThatThrownBy(semaphore::release)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("LoopSemaphore[permits=1 of 1, waiting=0]")
                    .hasMessageContaining("this release is one too many");
            assertThat(semaphore.available()).isEqualTo(1);
        });
    }

    @Test
    void anotherSemaphoreMayGrow() {
        var semaphore = new LoopSemaphore(1);
        semaphore.release();
        assertThat(semaphore.available()).isEqualTo(2);
    }
}
