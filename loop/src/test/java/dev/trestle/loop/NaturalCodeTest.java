package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.callWithTimeout;
import static dev.trestle.loop.Async.callWithTimeoutAt;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.timeoutAt;
import static java.time.Duration.ofSeconds;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bodies whose shape does not say whether they have a result: an endless loop, a block that ends in {@code throw}, a
 * single expression. Half of each test is that it compiles.
 */
@Timeout(30)
class NaturalCodeTest extends InVirtualTime {

    @Test
    void aGroupRunsAnEndlessLoopUntilItIsCancelled() {
        run(() -> {
            LoopQueue<String> connections = LoopQueue.fifo();
            connections.put("first");
            TaskGroup.run(group -> {
                while (true) {
                    String connection = connections.get();
                    group.createTask(() -> {
                        assertThat(connection).isEqualTo("first");
                        group.cancel();
                    });
                }
            });
        });
    }

    @Test
    void aGroupRunsABlockThatEndsInThrow() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run(group -> {
                    group.createTask(() -> sleep(ofSeconds(1)));
                    throw new IllegalStateException("the body failed");
                }))
                .isInstanceOf(TaskGroupException.class));
    }

    @Test
    void aGroupRunsOneExpressionWithOrWithoutItsResult() {
        run(() -> {
            TaskGroup.run(group -> group.createTask(() -> 42));
            Task<Integer> task = TaskGroup.call(group -> group.createTask(() -> 42));
            assertThat(await(requireNonNull(task))).isEqualTo(42);
        });
    }

    @Test
    void aTimeLimitEndsAnEndlessLoop() {
        run(() -> {
            assertThatThrownBy(() -> timeout(ofSeconds(1), () -> {
                        while (true) {
                            sleep(ofSeconds(10));
                        }
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> timeout(ofSeconds(1), limit -> {
                        while (true) {
                            sleep(ofSeconds(10));
                        }
                    }))
                    .isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> timeoutAt(ofSeconds(1), limit -> {
                        throw new IllegalStateException("at " + limit.when());
                    }))
                    .isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void aTimeLimitIsMovedByOneExpressionWithOrWithoutItsResult() {
        run(() -> {
            timeout(ofSeconds(1), limit -> limit.reschedule(null));
            timeoutAt(null, limit -> limit.when());
            boolean expired = callWithTimeout(ofSeconds(1), limit -> limit.expired());
            Optional<Duration> when = callWithTimeoutAt(null, limit -> limit.when());
            assertThat(expired).isFalse();
            assertThat(when).isEmpty();
        });
    }
}
