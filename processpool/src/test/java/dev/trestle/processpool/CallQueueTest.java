package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
    void itIsADequeOfWhichAnyCallMayLeave() {
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

    @Test
    void aCallIsInOneQueueOnce() {
        PoolCall<?> call = calls.shortOne();
        queue.addLast(call);

        assertThatThrownBy(() -> new CallQueue().addLast(call)).isInstanceOf(IllegalStateException.class);
        assertThat(new CallQueue().remove(call)).isFalse();
        assertThat(queue).containsExactly(call);
    }
}
