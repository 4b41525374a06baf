package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Putting, getting, order, room, and the next waiter after a cancellation. */
@Timeout(30)
class LoopQueueTest extends InVirtualTime {

    private Task<?> getter(LoopQueue<?> queue, String name) {
        return createTask(() -> trail.add(name + " got " + queue.get()), name);
    }

    private Task<?> putter(LoopQueue<String> queue, String item) {
        return createTask(
                () -> {
                    queue.put(item);
                    trail.add("put " + item);
                },
                item);
    }

    private static <T> List<T> takeAll(LoopQueue<T> queue) {
        var items = new ArrayList<T>();
        for (var item = queue.tryGet(); item.isPresent(); item = queue.tryGet()) {
            items.add(item.get());
        }
        return items;
    }

    @Test
    void aFifoQueueGivesTheOldestItemFirst() {
        LoopQueue<Integer> queue = LoopQueue.fifo();
        List.of(3, 1, 2).forEach(queue::tryPut);
        assertThat(takeAll(queue)).containsExactly(3, 1, 2);
    }

    @Test
    void aLifoQueueGivesTheNewestItemFirst() {
        LoopQueue<Integer> queue = LoopQueue.lifo();
        List.of(3, 1, 2).forEach(queue::tryPut);
        assertThat(takeAll(queue)).containsExactly(2, 1, 3);
    }

    @Test
    void aPriorityQueueGivesTheLeastItemFirst() {
        LoopQueue<Integer> queue = LoopQueue.priority();
        List.of(3, 1, 2).forEach(queue::tryPut);
        assertThat(takeAll(queue)).containsExactly(1, 2, 3);
    }

    @Test
    void ofEqualPriorityTheOldestComesFirst() {
        LoopQueue<String> queue = LoopQueue.priority(Comparator.comparingInt(String::length));
        List.of("three", "a", "b", "c", "d", "zero", "e").forEach(queue::tryPut);
        assertThat(takeAll(queue)).containsExactly("a", "b", "c", "d", "e", "zero", "three");
    }

    @Test
    void aWokenGetterTakesTheBestItemOfThatMoment() {
        LoopQueue<Integer> queue = LoopQueue.priority();
        run(() -> {
            Task<?> waiting = getter(queue, "a");
            yieldNow();
            queue.put(7);
            queue.put(3);
            await(waiting);
        });

        assertThat(trail).containsExactly("a got 3");
    }

    @Test
    void availableItemsAndRoomNeedNoSuspension() {
        LoopQueue<String> queue = LoopQueue.fifo(1);
        run(() -> {
            createTask(() -> trail.add("another task"));
            queue.put("item");
            assertThat(queue.get()).isEqualTo("item");
            assertThat(trail).isEmpty();
        });
    }

    @Test
    void gettersWaitAndGetItemsInFifoOrder() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> a = getter(queue, "a");
            Task<?> b = getter(queue, "b");
            yieldNow();
            assertThat(queue.statistics()).isEqualTo(new LoopQueue.Statistics(0, 2, 0, 0));
            queue.put("1");
            queue.put("2");
            await(gather(a, b));
        });

        assertThat(trail).containsExactly("a got 1", "b got 2");
    }

    @Test
    void puttersWaitAndGetRoomInFifoOrder() {
        LoopQueue<String> queue = LoopQueue.fifo(1);
        run(() -> {
            var putters = List.of(putter(queue, "1"), putter(queue, "2"), putter(queue, "3"));
            yieldNow();
            assertThat(queue.isFull()).isTrue();
            assertThat(queue).hasToString("LoopQueue[fifo, size=1 of 1, getters=0, putters=2, unfinished=1]");
            for (int i = 0; i < 3; i++) {
                trail.add("got " + queue.get());
                sleep(ofSeconds(1));
            }
            putters.forEach(Async::await);
        });

        assertThat(trail).containsExactly("put 1", "got 1", "put 2", "got 2", "put 3", "got 3");
    }

    private static void awaitAll(Task<?>... tasks) {
        for (Task<?> task : tasks) {
            await(task);
        }
    }

    @Test
    void noGetterOvertakesAWaitingGetter() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> first = getter(queue, "first");
            yieldNow();
            queue.put("1");
            assertThat(queue.size()).isEqualTo(1);
            assertThat(queue.tryGet()).as("the first one's").isEmpty();
            Task<?> later = createTask(() -> queue.put("2"));
            trail.add("came later, got " + queue.get());
            awaitAll(first, later);
        });

        assertThat(trail).containsExactly("first got 1", "came later, got 2");
    }

    @Test
    void noPutterOvertakesAWaitingPutter() {
        LoopQueue<String> queue = LoopQueue.fifo(1);
        queue.tryPut("0");
        run(() -> {
            Task<?> first = putter(queue, "1");
            yieldNow();
            assertThat(queue.get()).isEqualTo("0");
            assertThat(queue.isFull()).isFalse();
            assertThat(queue.tryPut("x")).as("the first one's").isFalse();
            Task<?> later = putter(queue, "2");
            await(first);
            assertThat(queue.get()).isEqualTo("1");
            await(later);
            assertThat(queue.get()).isEqualTo("2");
        });
    }

    @Test
    void anItemWhoseGetterIsCancelledAtThatMomentGoesToTheNext() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> cancelled = getter(queue, "cancelled");
            Task<?> next = getter(queue, "next");
            yieldNow();
            queue.put("1");
            cancelled.cancel();
            await(next);
            assertThat(cancelled.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("next got 1");
    }

    @Test
    void anItemStaysIfItsOnlyGetterIsCancelled() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> cancelled = getter(queue, "cancelled");
            yieldNow();
            queue.put("1");
            cancelled.cancel();
            yieldNow();
            assertThat(queue.tryGet()).contains("1");
        });
    }

    @Test
    void roomWhosePutterIsCancelledAtThatMomentGoesToTheNext() {
        LoopQueue<String> queue = LoopQueue.fifo(1);
        queue.tryPut("0");
        run(() -> {
            Task<?> cancelled = putter(queue, "cancelled");
            Task<?> next = putter(queue, "next");
            yieldNow();
            assertThat(queue.get()).isEqualTo("0");
            cancelled.cancel();
            await(next);
            assertThat(takeAll(queue)).containsExactly("next");
        });
    }

    @Test
    void aCancelledWaiterLeavesTheOthersTheirPlaces() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> a = getter(queue, "a");
            Task<?> cancelled = getter(queue, "cancelled");
            Task<?> c = getter(queue, "c");
            yieldNow();
            cancelled.cancel();
            queue.put("1");
            queue.put("2");
            awaitAll(a, c);
        });

        assertThat(trail).containsExactly("a got 1", "c got 2");
    }

    @Test
    void anItemThatCannotBeComparedLeavesItsRoomToTheNext() {
        LoopQueue<String> queue = LoopQueue.priority(
                (a, b) -> {
                    if (a.equals("bad") || b.equals("bad")) {
                        throw new IllegalArgumentException("cannot be compared");
                    }
                    return a.compareTo(b);
                },
                2);
        queue.tryPut("a");
        queue.tryPut("b");
        run(() -> {
            Task<?> bad = putter(queue, "bad");
            Task<?> good = putter(queue, "good");
            yieldNow();
            assertThat(queue.get()).isEqualTo("a");
            assertThatThrownBy(() -> await(bad)).hasMessage("cannot be compared");
            await(good);
            assertThat(takeAll(queue)).containsExactly("b", "good");
            assertThat(queue.statistics().unfinished())
                    .as("put and not declared done")
                    .isEqualTo(3);
        });
    }

    @Test
    void aTimeLimitEndsTheWaitAndNoItemIsLost() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            EventLoop.getRunningLoop().callLater(ofSeconds(3), () -> queue.tryPut("late"));
            assertThatThrownBy(() -> Async.timeout(ofSeconds(3), () -> {
                        queue.get();
                    }))
                    .isInstanceOf(TimeoutException.class);
            sleep(ofSeconds(1));
            assertThat(queue.tryGet()).contains("late");
        });
    }

    @Test
    void joinWaitsUntilEveryItemIsDone() {
        LoopQueue<Integer> queue = LoopQueue.fifo();
        run(() -> {
            queue.join();
            List.of(1, 2, 3).forEach(queue::tryPut);
            Task<?> worker = createTask(() -> {
                while (true) {
                    int item = queue.get();
                    sleep(ofSeconds(item));
                    trail.add("done " + item);
                    queue.taskDone();
                }
            });
            queue.join();
            trail.add("joined at " + clock.elapsed().toSeconds());
            worker.cancel();
        });

        assertThat(trail).containsExactly("done 1", "done 2", "done 3", "joined at 6");
    }

    @Test
    void taskDoneIsNotCalledMoreOftenThanItemsWerePut() {
        LoopQueue<String> queue = LoopQueue.fifo();
        queue.tryPut("item");
        queue.taskDone();
        assertThatThrownBy(queue::taskDone)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("taskDone() was called too often")
                .hasMessageContaining("unfinished=0");
    }

    @Test
    void aQueueThatWasShutDownTakesNothingAndGivesWhatIsLeft() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            queue.put("1");
            queue.put("2");
            queue.shutdown();
            queue.shutdown();
            assertThat(queue.isShutdown()).isTrue();
            assertThatThrownBy(() -> queue.put("3"))
                    .isInstanceOf(QueueShutDownException.class)
                    .hasMessageContaining("Cannot put an item into LoopQueue[fifo, size=2")
                    .hasMessageContaining("it was shut down");
            assertThatThrownBy(() -> queue.tryPut("3")).isInstanceOf(QueueShutDownException.class);
            assertThat(queue.get()).isEqualTo("1");
            assertThat(queue.tryGet()).contains("2");
            assertThatThrownBy(queue::get)
                    .isInstanceOf(QueueShutDownException.class)
                    .hasMessageContaining("it was shut down, and is empty");
            assertThatThrownBy(queue::tryGet).isInstanceOf(QueueShutDownException.class);
        });
    }

    @Test
    void shutdownEndsWaitingTasks() {
        LoopQueue<String> empty = LoopQueue.fifo();
        LoopQueue<String> full = LoopQueue.fifo(1);
        full.tryPut("there");
        run(() -> {
            Task<?> getter = getter(empty, "never");
            Task<?> putter = putter(full, "never");
            yieldNow();
            empty.shutdown();
            full.shutdown();
            assertThatThrownBy(() -> await(getter)).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(() -> await(putter)).isInstanceOf(QueueShutDownException.class);
            assertThat(full.get()).isEqualTo("there");
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void aGetterWokenBeforeShutdownGetsItsItem() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> getter = getter(queue, "a");
            Task<?> other = getter(queue, "b");
            yieldNow();
            queue.put("1");
            queue.shutdown();
            await(getter);
            assertThatThrownBy(() -> await(other)).isInstanceOf(QueueShutDownException.class);
        });

        assertThat(trail).containsExactly("a got 1");
    }

    @Test
    void joinWaitsForTheItemsThatAreLeftAfterAShutdown() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            queue.put("1");
            queue.shutdown();
            Task<?> join = createTask(queue::join);
            sleep(ofSeconds(1));
            assertThat(join.isDone()).isFalse();
            queue.get();
            queue.taskDone();
            await(join);
        });
    }

    @Test
    void shutdownNowReturnsWhatIsLeftAndCountsItAsDone() {
        LoopQueue<Integer> queue = LoopQueue.priority(5);
        run(() -> {
            List.of(4, 2, 3, 1).forEach(queue::tryPut);
            assertThat(queue.get()).isEqualTo(1);
            Task<?> join = createTask(queue::join);
            yieldNow();
            assertThat(queue.shutdownNow()).containsExactly(2, 3, 4);
            assertThat(queue.isEmpty()).isTrue();
            assertThat(queue.statistics().unfinished()).isEqualTo(1);
            sleep(ofSeconds(1));
            assertThat(join.isDone()).isFalse();
            queue.taskDone();
            await(join);
            assertThat(queue.shutdownNow()).isEmpty();
        });
    }

    @Test
    void shutdownNowLeavesNothingToWokenGetters() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            Task<?> getter = getter(queue, "never");
            yieldNow();
            queue.put("1");
            assertThat(queue.shutdownNow()).containsExactly("1");
            assertThatThrownBy(() -> await(getter)).isInstanceOf(QueueShutDownException.class);
            queue.join();
        });
    }

    /** A finding of the random programs: coroutines in {@code put} went on first. */
    @Test
    void shutdownNowWakesJoinersBeforeTheTasksThatItEnds() {
        LoopQueue<Integer> queue = LoopQueue.fifo(1);
        run(() -> {
            queue.put(1);
            Task<?> putter = createTask(() -> {
                try {
                    queue.put(2);
                } finally {
                    trail.add("put");
                }
            });
            createTask(() -> {
                queue.join();
                trail.add("join");
            });
            yieldNow();
            assertThat(queue.shutdownNow()).containsExactly(1);
            assertThatThrownBy(() -> await(putter)).isInstanceOf(QueueShutDownException.class);
        });

        assertThat(trail).containsExactly("join", "put");
    }

    @Test
    void aQueueHasRoomForZeroMeansNoLimitAndNotLess() {
        LoopQueue<Integer> queue = LoopQueue.fifo(0);
        for (int i = 0; i < 1_000; i++) {
            assertThat(queue.tryPut(i)).isTrue();
        }
        assertThat(queue.isFull()).isFalse();
        assertThat(queue.maxsize()).isZero();
        assertThatThrownBy(() -> LoopQueue.fifo(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("its maxsize is negative: -1");
    }

    @Test
    void anotherThreadIsToldHowToUseAQueue() {
        LoopQueue<String> queue = LoopQueue.fifo();
        run(() -> {
            queue.put("bound to this loop");
            var elsewhere = new FutureTask<>(() -> assertThatThrownBy(() -> queue.tryPut("x"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Cannot put an item into something of EventLoop[")
                    .hasMessageContaining("loop.callSoonThreadsafe(...)"));
            Thread.ofPlatform().start(elsewhere);
            Async.blocking(() -> elsewhere.get());
        });
    }
}
