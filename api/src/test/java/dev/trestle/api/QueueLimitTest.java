package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.contract.RefusingGuard;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The limits and refusals of a {@link QueueLimit}. The contract of executors has its waits. */
@Timeout(30)
class QueueLimitTest {

    @Test
    void aThreadThatMustNotWaitIsRefusedWithAdvice() {
        var limit = new QueueLimit(1, 1);
        limit.enter("a pool");
        limit.enterNow("a pool");

        assertThatThrownBy(() -> limit.enterNow("a pool"))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage(
                        "The queue of a pool is full: 2 calls have not ended, and this thread must not wait until one"
                            + " has. Submit on another thread, or keep fewer calls in flight: in an event loop, hold a"
                            + " permit of a LoopSemaphore for each.");

        limit.leave();
        assertThatCode(() -> limit.enterNow("a pool")).doesNotThrowAnyException();
    }

    @Test
    void aLimitWithoutAPlaceIsRefused() {
        assertThatThrownBy(() -> new QueueLimit(0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 to run, 0 to wait");
    }

    @Test
    void aLimitMayBeLargerThanACounter() {
        assertThatCode(() -> new QueueLimit(Integer.MAX_VALUE, Integer.MAX_VALUE).enter("a pool"))
                .doesNotThrowAnyException();
    }

    @Test
    void aCallerThatMustNotWaitForRoomIsRefused() throws Exception {
        var limit = new QueueLimit(1, 0);
        limit.enter("a pool");

        List<Object> refused = RefusingGuard.refusedIn(() -> {
            assertThatThrownBy(() -> limit.enter("a pool"))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("The queue of a pool is full: 1 calls have not ended")
                    .hasCauseInstanceOf(IllegalStateException.class);
            return "";
        });
        assertThat(refused).hasSize(1);
        limit.leave();
        assertThat(RefusingGuard.refusedIn(() -> {
                    limit.enter("a pool");
                    return "";
                }))
                .isEmpty();
    }
}
