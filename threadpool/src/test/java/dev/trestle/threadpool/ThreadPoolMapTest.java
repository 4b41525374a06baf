package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.CallFunction;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.MapOptions;
import dev.trestle.contract.MapContract;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Spliterator;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract of {@code map}, on threads, and the objects that {@code map} holds, which only threads can tell. */
class ThreadPoolMapTest extends MapContract {

    @Override
    protected FutureExecutor newExecutor(int size) {
        return new ThreadPool(size);
    }

    /** Something large, such as a page. */
    private static final class Page {
        final byte[] bytes = new byte[1000];
    }

    private static Page copy(Page page) {
        assertThat(page.bytes).hasSize(1000);
        return new Page();
    }

    private static Page fail(Page page) {
        throw new IllegalStateException("on purpose, with " + page.bytes.length + " bytes");
    }

    @ParameterizedTest
    @CsvSource({
        "0, INPUT, false",
        "1, INPUT, false",
        "7, INPUT, false",
        "7, COMPLETION, false",
        "1, COMPLETION, false",
        "0, INPUT, true",
        "7, COMPLETION, true",
    })
    void mapHoldsNothingThatWasHandedOut(int chunkSize, MapOptions.Order order, boolean failing) {
        List<WeakReference<Object>> taken = Collections.synchronizedList(new ArrayList<>()); // on a thread of map's
        List<WeakReference<Object>> handedOut = Collections.synchronizedList(new ArrayList<>());
        Supplier<Page> pages = () -> {
            var page = new Page();
            taken.add(new WeakReference<>(page));
            return page;
        };
        Iterable<Page> inputs = () -> Stream.generate(pages).iterator();
        MapOptions options = MapOptions.DEFAULT
                .withChunkSize(chunkSize)
                .withOrder(order)
                .withLookAhead(14)
                .withOnError(MapOptions.OnError.CONTINUE);
        CallFunction<Page, Page> fn = failing ? ThreadPoolMapTest::fail : ThreadPoolMapTest::copy;
        try (var pool = new ThreadPool(2);
                Stream<Page> stream = pool.map(fn, inputs, options)) {
            Spliterator<Page> results = stream.spliterator();
            for (int i = 0; i < 50; i++) {
                try {
                    results.tryAdvance(result -> handedOut.add(new WeakReference<>(result)));
                } catch (IllegalStateException e) {
                    handedOut.add(new WeakReference<>(e));
                }
            }

            await().until(() -> {
                System.gc();
                return held(handedOut) == 0 && held(taken) <= 14; // which are beyond what was handed out
            });
            assertThat(handedOut).hasSize(50);
            assertThat(taken).hasSizeGreaterThanOrEqualTo(50);
            assertThat(results.hasCharacteristics(Spliterator.SORTED)).isFalse(); // held until here
        }
    }

    private static long held(List<WeakReference<Object>> references) {
        synchronized (references) {
            return references.stream().filter(each -> !each.refersTo(null)).count();
        }
    }
}
