package dev.trestle.loop;

import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofNanos;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ready queue, the timers and the inbox, against simple models. */
@Timeout(30)
class QueuesTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void timersLeaveInOrderOfTimeThenOfRegistration(long seed) {
        var random = new Random(seed);
        try (var loop = new EventLoop(new VirtualClock())) {
            var timers = new Timers();
            var model = new ArrayList<TimerHandle>();
            for (int i = 0; i < 5_000; i++) {
                var timer = TimerHandle.ofCallback(loop, () -> {}, null, random.nextInt(500), i);
                timers.add(timer);
                model.add(timer);
                if (random.nextInt(3) == 0) {
                    TimerHandle removed = model.remove(random.nextInt(model.size()));
                    timers.remove(removed);
                    timers.remove(removed);
                }
            }
            model.sort(Comparator.comparingLong(timer -> timer.when)); // stable, and added in the order of registration
            var queue = new ReadyQueue();
            var left = new ArrayList<TimerHandle>();
            while (timers.size() > 0) {
                assertThat(timers.due()).isEqualTo(model.get(left.size()).when);
                timers.takeInto(queue);
                left.add((TimerHandle) queue.take());
            }
            assertThat(left).isEqualTo(model);
            assertThat(timers.due()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void theReadyQueueKeepsItsOrderWhileItGrowsAndWraps() {
        var random = new Random(7);
        var queue = new ReadyQueue();
        var model = new ArrayDeque<Ready>();
        for (int i = 0; i < 20_000; i++) {
            if (model.isEmpty() || random.nextInt(5) < 3) {
                var item = Handle.ofCallback(() -> {}, null);
                queue.add(item);
                model.add(item);
            } else {
                assertThat(queue.take()).isSameAs(model.remove());
            }
            assertThat(queue.size()).isEqualTo(model.size());
        }
    }

    @Test
    void aClosedInboxRefusesAndGivesUpWhatItHad() {
        var inbox = new Inbox();
        var first = Handle.ofCallback(() -> {}, null);
        var second = Handle.ofCallback(() -> {}, null);
        assertThat(inbox.add(first)).isTrue();
        assertThat(inbox.add(second)).isTrue();
        var queue = new ReadyQueue();
        inbox.close(queue);

        assertThat(List.of(queue.take(), queue.take())).containsExactly(first, second);
        assertThat(inbox.add(first)).isFalse();
        assertThat(inbox.isEmpty()).isTrue();
        inbox.moveTo(queue);
        assertThat(queue.size()).isZero();
    }

    @Test
    void aCancelledTimerKeepsNothing() {
        var clock = new VirtualClock();
        try (var loop = new EventLoop(clock)) {
            loop.runUntilComplete(() -> {
                TimerHandle handle = loop.callLater(ofSeconds(10), () -> {});
                assertThat(handle.when()).isEqualTo(ofSeconds(10));
                handle.cancel();
                assertThat(handle.isCancelled()).isTrue();
                assertThat(handle.place).isEqualTo(-1);
                assertThat(handle.toString()).contains("cancelled");
            });
        }
        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void negativeDelaysAndNullsAreRefused() {
        try (var loop = new EventLoop(new VirtualClock())) {
            var trail = new ArrayList<String>();
            loop.runUntilComplete(() -> {
                assertThatThrownBy(() -> loop.callLater(ofSeconds(-1), () -> {}))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("PT-1S")
                        .hasMessageContaining("Duration.ZERO");
                assertThatThrownBy(() -> Async.sleep(ofNanos(-1))).hasMessageContaining("negative");
                loop.callAt(ofSeconds(-1), () -> trail.add("past"));
                yieldNow();
            });
            assertThat(trail).containsExactly("past");
        }
    }

    @Test
    void aSeedShufflesWhatIsReadyAndBringsTheSameOrderBack() {
        List<String> plain = order(new LoopOptions());
        List<String> one = order(new LoopOptions().withShuffle(1));
        assertThat(order(new LoopOptions().withShuffle(1))).isEqualTo(one).containsExactlyInAnyOrderElementsOf(plain);
        assertThat(one).isNotEqualTo(plain);
        assertThat(order(new LoopOptions().withShuffle(2))).isNotEqualTo(one);
    }

    private static List<String> order(LoopOptions options) {
        var trail = new ArrayList<String>();
        try (var loop = new EventLoop(options.withClock(new VirtualClock()))) {
            loop.runUntilComplete(() -> {
                for (int i = 0; i < 20; i++) {
                    int number = i;
                    createTask(() -> {
                        trail.add("task " + number);
                        yieldNow();
                        trail.add("again " + number);
                    });
                }
                yieldNow();
                yieldNow();
                yieldNow();
            });
        }
        return trail;
    }
}
