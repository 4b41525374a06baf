package dev.trestle.loop;

import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The numbers of coroutines that wait, which programs show and decide by. */
@Timeout(30)
class WaiterCountTest extends WithLoop {

    /**
     * A place where coroutines wait.
     *
     * @param waitHere waits
     * @param wakeOne wakes the first
     * @param waiting counts those that wait
     */
    record Place(Action waitHere, Runnable wakeOne, IntSupplier waiting) {}

    enum Kind {
        LOCK {
            @Override
            Place open() {
                var lock = new LoopLock();
                lock.acquire();
                return new Place(lock::acquire, lock::release, lock::waiting);
            }
        },
        SEMAPHORE {
            @Override
            Place open() {
                var semaphore = new LoopSemaphore(1);
                semaphore.acquire();
                return new Place(semaphore::acquire, semaphore::release, semaphore::waiting);
            }
        },
        CONDITION {
            @Override
            Place open() {
                var condition = new LoopCondition();
                Action wait = () -> {
                    condition.acquire();
                    try {
                        condition.await();
                    } finally {
                        condition.release();
                    }
                };
                Runnable wakeOne = () -> {
                    condition.acquire();
                    condition.signal();
                    condition.release();
                };
                return new Place(wait, wakeOne, condition::waiting);
            }
        },
        GETTERS {
            @Override
            Place open() {
                LoopQueue<String> queue = LoopQueue.fifo();
                return new Place(
                        queue::get,
                        () -> queue.tryPut("x"),
                        () -> queue.statistics().getters());
            }
        },
        PUTTERS {
            @Override
            Place open() {
                LoopQueue<String> queue = LoopQueue.fifo(1);
                queue.put("x");
                return new Place(
                        () -> queue.put("y"),
                        queue::tryGet,
                        () -> queue.statistics().putters());
            }
        };

        abstract Place open();
    }

    @ParameterizedTest
    @EnumSource
    void aWaiterCountsUntilItIsWokenOrCancelled(Kind kind) {
        loop.runUntilComplete(() -> {
            Place place = kind.open();
            assertThat(place.waiting.getAsInt()).isZero();
            List<Task<?>> tasks = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                tasks.add(createTask(place.waitHere));
            }
            assertThat(place.waiting.getAsInt()).as("they have not begun").isZero();
            yieldNow();
            assertThat(place.waiting.getAsInt()).isEqualTo(4);
            tasks.get(2).cancel();
            assertThat(place.waiting.getAsInt())
                    .as("cancelled, before it has run")
                    .isEqualTo(3);
            yieldNow();
            assertThat(place.waiting.getAsInt()).isEqualTo(3);
            place.wakeOne.run();
            assertThat(place.waiting.getAsInt()).as("woken, before it has run").isEqualTo(2);
            yieldNow();
            assertThat(place.waiting.getAsInt()).isEqualTo(2);
            tasks.forEach(Task::cancel);
            yieldNow();
            assertThat(place.waiting.getAsInt()).isZero();
        });
    }

    @Test
    void anEventAndABarrierCountTheirWaiters() {
        loop.runUntilComplete(() -> {
            var event = new LoopEvent();
            var barrier = new LoopBarrier(3);
            List<Task<?>> tasks = List.of(
                    createTask(event::await),
                    createTask(event::await),
                    createTask((Action) barrier::await),
                    createTask((Action) barrier::await));
            yieldNow();
            assertThat(event.waiting()).isEqualTo(2);
            assertThat(barrier.waiting()).isEqualTo(2);
            tasks.get(0).cancel();
            tasks.get(2).cancel();
            assertThat(event.waiting()).isEqualTo(1);
            assertThat(barrier.waiting()).isEqualTo(1);
            event.set();
            barrier.reset();
            assertThat(event.waiting()).isZero();
            assertThat(barrier.waiting()).isZero();
            yieldNow();
        });
    }

    @Test
    void aQueueIsEmptyOrFullByItsItems() {
        loop.runUntilComplete(() -> {
            LoopQueue<String> queue = LoopQueue.fifo(2);
            assertThat(queue.isEmpty()).isTrue();
            assertThat(queue.isFull()).isFalse();
            queue.put("a");
            assertThat(queue.isEmpty()).isFalse();
            assertThat(queue.isFull()).isFalse();
            queue.put("b");
            assertThat(queue.isEmpty()).isFalse();
            assertThat(queue.isFull()).isTrue();
            assertThat(queue.get()).isEqualTo("a");
            assertThat(queue.isEmpty()).isFalse();
            assertThat(queue.get()).isEqualTo("b");
            assertThat(queue.isEmpty()).isTrue();
        });
    }
}
