package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class CallQueueTest {

    private final Dispatcher dispatcher = new Dispatcher(ProcessPool.builder().options(), 1, null);
    private final Calls calls = new Calls(dispatcher);
    private final CallQueue queue = new CallQueue();

    @AfterEach
    void close() {
        dispatcher.shutdown();
    }

    @Test
    void callsThatAreGivenBackOneByOneKeepTheirOrder() {
        List<PoolCall<?>> all = IntStream.range(0, 5)
                .<PoolCall<?>>mapToObj(_ -> calls.shortOne())
                .toList();
        queue.addLast(all.get(4));

        for (int each : new int[] {1, 2, 0, 3}) {
            queue.giveBack(all.get(each));
        }

        assertThat(queue).containsExactlyElementsOf(all);
    }

    @Test
    void aQueueIsADequeOfWhichAnyCallMayLeave() {
        var random = new SplittableRandom(20261126);
        var model = new ArrayDeque<PoolCall<?>>();
        var all = new ArrayList<PoolCall<?>>();
        for (int i = 0; i < 20; i++) {
            all.add(calls.shortOne());
        }
        for (int step = 0; step < 5_000; step++) {
            PoolCall<?> call = all.get(random.nextInt(all.size()));
            if (model.contains(call)) {
                assertThat(queue.remove(call)).isEqualTo(model.remove(call));
            } else if (random.nextBoolean()) {
                queue.addLast(call);
                model.addLast(call);
            } else {
                queue.addFirst(call);
                model.addFirst(call);
            }
            if (random.nextInt(8) == 0 && !model.isEmpty()) {
                assertThat(queue.removeFirst()).isSameAs(model.removeFirst());
            }
            assertThat(queue).containsExactlyElementsOf(model);
            assertThat(queue.size()).isEqualTo(model.size());
        }
        queue.clear();
        assertThat(queue).isEmpty();
        assertThatThrownBy(queue::removeFirst).isInstanceOf(NoSuchElementException.class);
    }

    private PoolCall<Object> withPriority(int priority) {
        return calls.of(() -> 1, CallOptions.DEFAULT.withPriority(priority));
    }

    /** The order of calls of which none has been overtaken often. */
    private static final Comparator<PoolCall<?>> RANK = Comparator.<PoolCall<?>>comparingInt(CallQueueTest::priority)
            .reversed()
            .thenComparingLong(PoolCall::id);

    private static final Map<PoolCall<?>, Integer> priorities = new HashMap<>();

    private static int priority(PoolCall<?> call) {
        return priorities.getOrDefault(call, 0);
    }

    @Test
    void callsLeaveByPriorityAndThenInTheOrderInWhichTheyCame() {
        var random = new SplittableRandom(20261127);
        var model = new TreeSet<>(RANK);
        var given = new ArrayList<PoolCall<?>>();
        for (int step = 0; step < 20_000; step++) {
            switch (random.nextInt(7)) {
                case 0, 1, 2 -> {
                    int priority = random.nextInt(3) == 0
                            ? random.nextInt(-2, 3)
                            : random.nextInt(2) == 0 ? random.nextInt() : Integer.MIN_VALUE + random.nextInt(2);
                    var call = withPriority(priority);
                    priorities.put(call, priority);
                    queue.addLast(call);
                    model.add(call);
                }
                case 3 -> {
                    if (!model.isEmpty()) {
                        var any = new ArrayList<>(model).get(random.nextInt(model.size()));
                        assertThat(queue.remove(any)).isTrue();
                        assertThat(queue.remove(any)).isFalse();
                        model.remove(any);
                    }
                }
                case 4 -> {
                    if (!given.isEmpty()) { // by a worker that has died
                        var back = given.removeLast();
                        queue.addFirst(back);
                        model.add(back);
                    }
                }
                default -> {
                    if (!model.isEmpty()) {
                        assertThat(queue.getFirst()).isSameAs(model.getFirst());
                        assertThat(queue.removeFirst()).isSameAs(model.getFirst());
                        given.add(model.pollFirst());
                    }
                }
            }
            assertThat(queue.size()).isEqualTo(model.size());
            assertThat(queue.isEmpty()).isEqualTo(model.isEmpty());
            if (step % 100 == 0) {
                assertThat(queue).containsExactlyInAnyOrderElementsOf(model);
            }
            if (step % 500 == 0) { // before any call has been overtaken too often
                queue.clear();
                model.clear();
            }
        }
        queue.clear();
        assertThat(queue).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "-1, 0", "-1, 1", "1, 2", "-2147483648, 2147483647", "-7, -6"})
    void aCallIsOvertakenOnlySoOften(int low, int high) {
        PoolCall<?> first = withPriority(low);
        PoolCall<?> second = withPriority(low);
        queue.addLast(first);
        queue.addLast(second);
        var order = new ArrayList<PoolCall<?>>();
        while (order.size() < 3 * CallQueue.MOST_OVERTAKINGS) {
            queue.addLast(withPriority(high));
            order.add(queue.removeFirst());
        }

        assertThat(order.indexOf(first)).isEqualTo(CallQueue.MOST_OVERTAKINGS);
        assertThat(order.indexOf(second)).isEqualTo(2 * CallQueue.MOST_OVERTAKINGS + 1);
    }

    /** Without this, thousands of calls that have waited together would bar the way of an urgent one. */
    @Test
    void anUrgentCallOvertakesAllCallsThatHaveWaitedLongButOne() {
        for (int i = 0; i < 10_000; i++) {
            queue.addLast(withPriority(0));
        }
        for (int i = 0; i < CallQueue.MOST_OVERTAKINGS; i++) {
            queue.addLast(withPriority(1));
            var _ = queue.removeFirst();
        }
        PoolCall<?> urgent = withPriority(2);
        queue.addLast(urgent);

        assertThat(queue.removeFirst()).isNotSameAs(urgent);
        assertThat(queue.removeFirst()).isSameAs(urgent);
    }

    @Test
    void aCallThatLeavesTakesItsOvertakingsAlong() {
        PoolCall<?> cancelled = withPriority(0);
        PoolCall<?> next = withPriority(0);
        queue.addLast(cancelled);
        queue.addLast(next);
        for (int i = 0; i < CallQueue.MOST_OVERTAKINGS; i++) {
            queue.addLast(withPriority(1));
            var _ = queue.removeFirst();
        }
        assertThat(queue.getFirst()).isSameAs(cancelled);
        var _ = queue.remove(cancelled);
        PoolCall<?> high = withPriority(1);
        queue.addLast(high);

        assertThat(queue.getFirst()).isSameAs(high);
    }

    @Test
    void priorityCostsCallsWithoutOneNothing() {
        assertThat(calls.shortOne().queueLinks).hasSameClassAs(withPriority(0).queueLinks);
        assertThat(Stream.of(CallQueue.Links.class.getDeclaredFields())
                        .filter(each -> !Modifier.isStatic(each.getModifiers())))
                .as("what each call has for its place in a queue")
                .extracting(Field::getName)
                .containsExactlyInAnyOrder("queue", "previous", "next");
    }

    @Test
    void aCallIsInOneQueueOnce() {
        PoolCall<?> call = calls.shortOne();
        queue.addLast(call);

        assertThatThrownBy(() -> new CallQueue().addLast(call)).isInstanceOf(IllegalStateException.class);
        assertThat(new CallQueue().remove(call)).isFalse();
        assertThat(queue).containsExactly(call);
    }
}
