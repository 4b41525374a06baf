package dev.trestle.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.CallFunction;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.MapOptions;
import dev.trestle.api.MapOptions.OnError;
import dev.trestle.api.MapOptions.Order;
import java.time.Duration;
import java.util.AbstractCollection;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.Spliterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The behaviour of {@code map} on every pool: each input has one outcome, and an outcome is handed out as soon as it is
 * there. A pool's module extends this class.
 */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class MapContract {

    private final List<FutureExecutor> executors = new ArrayList<>();

    /** Creates the contract, for the subclasses of each pool. */
    protected MapContract() {}

    /**
     * Returns a new executor under test.
     *
     * @param size its parallelism
     * @return the executor
     */
    protected abstract FutureExecutor newExecutor(int size);

    @BeforeAll
    void open() {
        executors.add(newExecutor(2));
    }

    @AfterAll
    void close() {
        executors.forEach(FutureExecutor::shutdownNow);
        executors.forEach(FutureExecutor::close);
    }

    private FutureExecutor executor() {
        return executors.getFirst();
    }

    private static int failOnOdd(int input) {
        if (input % 2 == 1) {
            throw new IllegalStateException("odd: " + input);
        }
        return input;
    }

    private static int failOnSeven(int input) {
        if (input == 7) {
            throw new IllegalStateException("odd: " + input);
        }
        return input;
    }

    private static int failAlways(int input) {
        throw new IllegalStateException("odd: " + input);
    }

    /** The inputs that fail. */
    enum Failing {
        NONE,
        EVERY_SECOND,
        ONE,
        ALL;

        CallFunction<Integer, Integer> function() {
            return switch (this) {
                case NONE -> input -> input;
                case EVERY_SECOND -> MapContract::failOnOdd;
                case ONE -> MapContract::failOnSeven;
                case ALL -> MapContract::failAlways;
            };
        }

        boolean fails(int input) {
            return switch (this) {
                case NONE -> false;
                case EVERY_SECOND -> input % 2 == 1;
                case ONE -> input == 7;
                case ALL -> true;
            };
        }
    }

    /** Hides that inputs are a collection. */
    private record NoCollection<T extends @Nullable Object>(Collection<T> inputs) implements Iterable<T> {
        @Override
        public Iterator<T> iterator() {
            return inputs.iterator();
        }
    }

    static Stream<Object[]> failingAndOrder() {
        return Stream.of(Failing.values())
                .flatMap(failing -> Stream.of(Order.values()).map(order -> new Object[] {failing, order}));
    }

    @ParameterizedTest
    @MethodSource("failingAndOrder")
    void everyInputHasOneOutcome(Failing failing, Order order) {
        for (int chunkSize : new int[] {0, 1, 3, 100}) {
            for (int lookAhead : new int[] {0, 1, 2, 7}) {
                var options = new MapOptions(order, OnError.CONTINUE, chunkSize, lookAhead, Optional.empty());
                List<Integer> inputs = IntStream.range(0, 20).boxed().toList();
                checkOutcomes(failing, inputs, inputs, options);
                checkOutcomes(failing, new NoCollection<>(inputs), inputs, options);
            }
        }
    }

    private void checkOutcomes(Failing failing, Iterable<Integer> given, List<Integer> inputs, MapOptions options) {
        var results = new ArrayList<Integer>();
        var failures = new ArrayList<String>();

        try (Stream<Integer> stream = executor().map(failing.function(), given, options)) {
            collect(stream.spliterator(), results, failures);
        }

        if (options.order() == Order.COMPLETION) {
            Collections.sort(results);
            failures.sort(Comparator.comparing(failure -> Integer.valueOf(failure.substring(5))));
        }
        assertThat(results)
                .as("results of %s inputs, %s", failing, options)
                .isEqualTo(
                        inputs.stream().filter(input -> !failing.fails(input)).toList());
        assertThat(failures)
                .as("failures of %s inputs, %s", failing, options)
                .isEqualTo(inputs.stream()
                        .filter(failing::fails)
                        .map(input -> "odd: " + input)
                        .toList());
    }

    private static void collect(Spliterator<Integer> outcomes, List<Integer> results, List<String> failures) {
        boolean more = true;
        while (more) {
            try {
                more = outcomes.tryAdvance(results::add);
            } catch (IllegalStateException e) {
                failures.add(String.valueOf(e.getMessage()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("inputsThatFail")
    void resultsBeforeAFailingInputAreHandedOutFirst(int goodInputs, Throwable thrown, boolean collection) {
        var outcomes = executor()
                .map(i -> i * 2, failingAfter(goodInputs, thrown, collection))
                .iterator();

        for (int i = 0; i < goodInputs; i++) {
            assertThat(outcomes.next()).isEqualTo(i * 2);
        }
        assertThatThrownBy(outcomes::hasNext)
                .satisfiesAnyOf(
                        e -> assertThat(e).isSameAs(thrown),
                        e -> assertThat(e)
                                .isInstanceOf(CompletionException.class)
                                .hasCause(thrown));
    }

    static Stream<Object[]> inputsThatFail() {
        return IntStream.of(1, 2, 5, 50)
                .boxed()
                .flatMap(good -> Stream.of(
                        new Object[] {good, new IllegalStateException("input"), true},
                        new Object[] {good, new IllegalStateException("input"), false},
                        new Object[] {good, new AssertionError("input"), false}));
    }

    private static Iterable<Integer> failingAfter(int good, Throwable thrown, boolean collection) {
        var iterator = new Iterator<Integer>() {
            int next;

            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Integer next() {
                if (next < good) {
                    return next++;
                }
                if (thrown instanceof Error error) {
                    throw error;
                }
                throw (RuntimeException) thrown;
            }
        };
        return collection ? new OnlyIterator(iterator) : () -> iterator;
    }

    /** A collection whose iterator is another one. */
    private static final class OnlyIterator extends AbstractCollection<Integer> {
        private final Iterator<Integer> iterator;

        OnlyIterator(Iterator<Integer> iterator) {
            this.iterator = iterator;
        }

        @Override
        public Iterator<Integer> iterator() {
            return iterator;
        }

        @Override
        public int size() {
            return 100;
        }
    }

    @Test
    void aFirstInputThatFailsIsThrown() {
        assertThatThrownBy(() -> executor().map(i -> i, failingAfter(0, new IllegalStateException("input"), true)))
                .hasMessage("input");
        assertThatThrownBy(() -> executor()
                        .map(i -> i, failingAfter(0, new IllegalStateException("input"), false))
                        .toList())
                .hasMessage("input");
    }

    @ParameterizedTest
    @MethodSource("chunkSizesAndOrders")
    void aResultIsHandedOutWhileTheNextInputIsAwaited(int chunkSize, Order order) throws InterruptedException {
        BlockingQueue<Integer> inputs = new LinkedBlockingQueue<>(List.of(1));
        var options = MapOptions.DEFAULT.withChunkSize(chunkSize).withOrder(order);
        try (Stream<Integer> results = executor().map(i -> i * 2, () -> taking(inputs), options)) {
            Iterator<Integer> iterator = results.iterator();
            for (int i = 1; i < 1000; i *= 2) { // each input is the result before it
                int result = iterator.next();
                assertThat(result).isEqualTo(i * 2);
                inputs.put(result);
            }
        }
    }

    static Stream<Object[]> chunkSizesAndOrders() {
        return IntStream.of(0, 1, 50)
                .boxed()
                .flatMap(size -> Stream.of(Order.values()).map(order -> new Object[] {size, order}));
    }

    /** Returns an iterator that waits for its next element, and has no end. */
    private static Iterator<Integer> taking(BlockingQueue<Integer> queue) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Integer next() {
                try {
                    return queue.take();
                } catch (InterruptedException e) {
                    throw new NoSuchElementException("interrupted", e);
                }
            }
        };
    }

    private static List<Integer> halves(int page) {
        return page < 2 ? List.of() : List.of(page / 2, page - page / 2);
    }

    /** The frontier needs no lock: its iterator is not called while the code runs that consumes the results. */
    @ParameterizedTest
    @MethodSource("chunkSizesAndOrders")
    void aCrawlerMayFeedTheFrontierThatItReads(int chunkSize, Order order) {
        var frontier = new ArrayDeque<>(List.of(200));
        Set<Thread> inside = new HashSet<>();
        Iterable<Integer> pages = () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                assertThat(inside).isEmpty();
                return !frontier.isEmpty();
            }

            @Override
            public Integer next() {
                return frontier.remove();
            }
        };
        var options = MapOptions.DEFAULT.withChunkSize(chunkSize).withOrder(order);
        var leaves = new AtomicInteger();

        executor().map(MapContract::halves, pages, options).forEach(links -> {
            inside.add(Thread.currentThread());
            frontier.addAll(links);
            if (links.isEmpty()) {
                leaves.incrementAndGet();
            }
            inside.clear();
        });

        assertThat(leaves).hasValue(200);
    }

    @Test
    void nothingIsHandedOutAfterClose() {
        Stream<Integer> results =
                executor().map(i -> i, IntStream.range(0, 100).boxed().toList(), MapOptions.DEFAULT.withChunkSize(10));
        Spliterator<Integer> spliterator = results.spliterator();
        var taken = new ArrayList<Integer>();
        assertThat(spliterator.tryAdvance(taken::add)).isTrue();

        results.close();

        assertThat(spliterator.tryAdvance(taken::add)).isFalse();
        assertThat(taken).containsExactly(0);
    }

    @Test
    void closingTheStreamInterruptsTheInputItWaitsFor() throws InterruptedException {
        var waiting = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        Iterable<Integer> inputs = () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Integer next() {
                waiting.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    interrupted.countDown();
                }
                throw new NoSuchElementException();
            }
        };
        try (Stream<Integer> results = executor().map(i -> i, inputs)) {
            assertThat(results).isNotNull();
            waiting.await();
        }
        interrupted.await();
    }

    @Test
    void aTimeLimitHoldsWhileAnInputIsAwaited() {
        BlockingQueue<Integer> inputs = new LinkedBlockingQueue<>(List.of(1));
        var options = MapOptions.DEFAULT.withTimeout(Duration.ofMillis(300));
        var results = executor().map(i -> i, () -> taking(inputs), options).iterator();

        assertThat(results.next()).isEqualTo(1);
        assertThatThrownBy(results::hasNext)
                .isInstanceOf(CompletionException.class)
                .hasMessageContaining("PT0.3S");
    }

    @Test
    void nullInputsAndResultsKeepTheirPlaces() {
        Collection<@Nullable Integer> inputs = Arrays.asList(1, null, 3);
        Iterable<@Nullable Integer> iterable = new NoCollection<>(inputs);

        assertThat(executor()
                        .<@Nullable Integer, @Nullable Integer>map(i -> i, inputs)
                        .toList())
                .containsExactly(1, null, 3);
        assertThat(executor()
                        .<@Nullable Integer, @Nullable Integer>map(i -> i, iterable)
                        .toList())
                .containsExactly(1, null, 3);
    }
}
