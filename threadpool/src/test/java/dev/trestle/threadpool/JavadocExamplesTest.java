package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of this module's Javadoc: its snippets are the regions of this file. */
@Timeout(30)
class JavadocExamplesTest {

    @Test
    void aPoolRunsCallsAndMaps() {
        List<Integer> lengths = new ArrayList<>();

        // @start region="pool"
        try (var pool = new ThreadPool(4)) {
            ConcurrentFuture<Integer> sum = pool.submit(() -> 40 + 2);
            lengths.add(sum.result());
            pool.map(String::length, List.of("a", "trestle", "bridge")).forEach(lengths::add); // in this order
        } // waits until all calls have ended
        // @end

        assertThat(lengths).containsExactly(42, 1, 7, 6);
    }

    @Test
    void aPoolOfVirtualThreadsBoundsItsQueue() {
        var pages = new ConcurrentLinkedQueue<String>();

        // @start region="builder"
        try (var pool = ThreadPool.builder()
                .size(100)
                .virtual()
                .queueLimit(1_000)
                .namePrefix("crawler")
                .build()) {
            pool.execute(() -> pages.add("a page"));
        }
        // @end

        assertThat(pages).containsExactly("a page");
    }
}
