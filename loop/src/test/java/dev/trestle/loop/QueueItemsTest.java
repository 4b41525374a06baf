package dev.trestle.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The items of queues, and what a comparator that fails leaves of them. */
@Timeout(10)
class QueueItemsTest {

    private static final int CHANGES = "full".equals(System.getProperty("storm")) ? 20_000 : 4_000;

    private int comparisonsLeft = Integer.MAX_VALUE;

    private record Item(int rank, int number) {}

    private final Comparator<Item> failing = (a, b) -> {
        if (comparisonsLeft-- == 0) {
            throw new IllegalStateException("cannot be compared");
        }
        return Integer.compare(a.rank(), b.rank());
    };

    /**
     * Against a sorted list; each change fails a few times, at another comparison each time, and then changes nothing.
     */
    @Test
    void failedComparisonsLoseAndRepeatNoItem() {
        QueueItems<Item> items = QueueItems.sorted(failing);
        List<Item> model = new ArrayList<>();
        var random = new Random(1);
        for (int i = 0; i < CHANGES; i++) {
            boolean adds = random.nextInt(100) < 52;
            var item = new Item(random.nextInt(50), i);
            for (int attempt = 0; ; attempt++) {
                comparisonsLeft = attempt;
                try {
                    if (adds) {
                        items.add(item);
                        int place = model.size();
                        while (place > 0 && model.get(place - 1).rank() > item.rank()) {
                            place--;
                        }
                        model.add(place, item);
                    } else {
                        assertThat(items.poll()).isEqualTo(model.isEmpty() ? null : model.removeFirst());
                    }
                    break;
                } catch (IllegalStateException e) {
                    assertThat(items.size()).isEqualTo(model.size());
                }
            }
        }
        comparisonsLeft = Integer.MAX_VALUE;
        assertThat(items.inOrder()).isEqualTo(model);
        assertThat(rest(items)).isEqualTo(model);
    }

    @Test
    void linesGiveTheOldestOrTheNewestItemFirst() {
        assertThat(rest(filled(QueueItems.fifo()))).containsExactly(1, 2, 3);
        assertThat(filled(QueueItems.fifo()).inOrder()).containsExactly(1, 2, 3);
        assertThat(rest(filled(QueueItems.lifo()))).containsExactly(3, 2, 1);
        assertThat(filled(QueueItems.lifo()).inOrder()).containsExactly(3, 2, 1);
    }

    /** A priority queue of the JDK's lost an item here, and had another twice. */
    @Test
    void queueIsAsBeforeWhenItsComparatorFails() {
        LoopQueue<Item> queue = LoopQueue.priority(failing);
        for (int i = 10; i > 0; i--) {
            assertThat(queue.tryPut(new Item(i, i))).isTrue();
        }
        comparisonsLeft = 2;

        assertThatThrownBy(() -> queue.tryPut(new Item(0, 0))).hasMessage("cannot be compared");

        comparisonsLeft = Integer.MAX_VALUE;
        assertThat(queue.shutdownNow()).extracting(Item::rank).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    }

    @Test
    void shutdownNowKeepsAllItemsWhenItsComparatorFails() {
        LoopQueue<Item> queue = LoopQueue.priority(failing);
        for (int i = 10; i > 0; i--) {
            assertThat(queue.tryPut(new Item(i, i))).isTrue();
        }
        comparisonsLeft = 5;

        assertThatThrownBy(queue::shutdownNow).hasMessage("cannot be compared");

        comparisonsLeft = Integer.MAX_VALUE;
        assertThat(queue.tryGet().map(Item::rank)).contains(1);
        assertThat(queue.shutdownNow()).extracting(Item::rank).containsExactly(2, 3, 4, 5, 6, 7, 8, 9, 10);
        assertThat(queue.isEmpty()).isTrue();
    }

    private static QueueItems<Integer> filled(QueueItems<Integer> items) {
        items.add(1);
        items.add(2);
        items.add(3);
        return items;
    }

    private static <T> List<T> rest(QueueItems<T> items) {
        var rest = new ArrayList<T>();
        for (T item = items.poll(); item != null; item = items.poll()) {
            assertThat(item).isNotNull();
            rest.add(item);
        }
        assertThat(items.size()).isZero();
        return rest;
    }
}
