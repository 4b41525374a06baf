package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.threadpool.ThreadPool;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of this module's Javadoc: its snippets are the regions of this file. */
@Timeout(30)
class JavadocExamplesTest {

    private final List<String> lines = new ArrayList<>();

    @Test
    void aCoroutineAwaitsAPool() {
        // @start region="run-in-executor"
        try (var pool = new ThreadPool(4)) { // or a ProcessPool
            int primes = EventLoop.run(() -> {
                LoopFuture<Integer> count = Bridge.runInExecutor(pool, () -> primesBelow(100));
                return await(count); // the loop goes on
            });
            lines.add(primes + " primes");
        }
        // @end
        assertThat(lines).containsExactly("25 primes");
    }

    @Test
    void aCoroutineIteratesOverAPublisher() {
        var publisher = new SubmissionPublisher<String>();
        EventLoop.run(() -> {
            EventLoop.getRunningLoop()
                    .callSoon(
                            () -> { // when the coroutine waits for the first item
                                publisher.submit("first");
                                publisher.submit("second");
                                publisher.close();
                            });
            read(publisher);
        });
        assertThat(lines).containsExactly("first", "second");
    }

    private void read(Flow.Publisher<String> publisher) {
        // @start region="iterate"
        try (var items = Bridge.iterate(publisher)) {
            for (String line : items) {
                lines.add(line);
            }
        }
        // @end
    }

    private static int primesBelow(int limit) {
        int count = 0;
        for (int n = 2; n < limit; n++) {
            int divisor = 2;
            while (n % divisor != 0) {
                divisor++;
            }
            count += divisor == n ? 1 : 0;
        }
        return count;
    }
}
