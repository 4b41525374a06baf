package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.util.ArrayList;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Many calls while random workers are killed. A few by default, more with {@code -Dtrestle.storm.calls=100000}. Mutated
 * frames are in {@code wire.FrameFuzzTest}.
 */
@Timeout(1800)
@ExtendWith(NothingLeft.class)
class StormTest {

    private static final int CALLS = Integer.getInteger("trestle.storm.calls", 600);

    /** After this many calls a worker is killed. */
    private static final int CALM = 100;

    @Test
    void everyCallEndsOnceWhileWorkersAreKilled() {
        var random = new SplittableRandom(20261121);
        try (var pool = TestPools.of(2)) {
            var futures = new ArrayList<ConcurrentFuture<Integer>>();
            for (int i = 0; i < CALLS; i++) {
                int number = i;
                futures.add(pool.submit(() -> number));
                if (i % CALM == CALM - 1) {
                    futures.get(random.nextInt(i - CALM / 2, i + 1)).exception(); // so that there are workers to kill
                    var pids = pool.workerPids();
                    if (!pids.isEmpty()) {
                        ProcessHandle.of(pids.get(random.nextInt(pids.size())))
                                .ifPresent(ProcessHandle::destroyForcibly);
                    }
                }
            }
            int lost = 0;
            for (int i = 0; i < CALLS; i++) {
                var future = futures.get(i);
                if (future.exception().isPresent()) {
                    assertThat(future.exceptionNow()).isInstanceOf(WorkerDiedException.class);
                    lost++;
                } else {
                    assertThat(future.result()).isEqualTo(i);
                }
            }
            var counts = pool.statistics();
            assertThat(counts.lost()).as(counts.toString()).isEqualTo(lost);
            assertThat(lost).isLessThanOrEqualTo(CALLS / CALM);
            assertThat(counts.completed() + lost).isEqualTo(CALLS);
        }
    }
}
