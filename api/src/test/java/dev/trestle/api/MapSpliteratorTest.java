package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.contract.RefusingGuard;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.AbstractCollection;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.Spliterator;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Chunks and look-ahead of a map, on an executor that runs calls at once, or never, and reports a time for each input.
 */
@Timeout(30)
class MapSpliteratorTest {

    private final List<Promise<Object>> calls = new ArrayList<>();

    /** The number of outcomes of each call. */
    private final List<Integer> sizes = new ArrayList<>();

    private long nanosPerInput = 1;
    private boolean running = true;

    private FutureExecutor executor(int parallelism) {
        return (FutureExecutor) Proxy.newProxyInstance(
                MapSpliteratorTest.class.getClassLoader(),
                new Class<?>[] {FutureExecutor.class},
                (_, method, arguments) -> handle(method, arguments, parallelism));
    }

    private Object handle(Method method, @Nullable Object[] arguments, int parallelism) throws Exception {
        return switch (method.getName()) {
            case "parallelism" -> parallelism;
            case "submit" -> submit((Callable<?>) arguments[0]);
            default -> throw new UnsupportedOperationException(method.toString());
        };
    }

    private Promise<Object> submit(@Nullable Callable<?> call) throws Exception {
        var promise = new Promise<Object>();
        calls.add(promise);
        if (running && call != null && call.call() instanceof ChunkResult result) {
            List<@Nullable Object> data = result.toData();
            sizes.add(result.size());
            data.set(0, nanosPerInput * result.size());
            promise.setResult(data);
        }
        return promise;
    }

    private static List<Integer> numbers(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    private static List<Integer> repeated(int... countsAndSizes) {
        var all = new ArrayList<Integer>();
        for (int i = 0; i < countsAndSizes.length; i += 2) {
            for (int left = countsAndSizes[i]; left > 0; left--) {
                all.add(countsAndSizes[i + 1]);
            }
        }
        return all;
    }

    private static final MapOptions ONE_BY_ONE = MapOptions.DEFAULT.withChunkSize(1);

    @Test
    void quickInputsTravelInGrowingChunksAndThenFairShares() {
        List<Integer> results = MapSpliterator.stream(executor(2), x -> x, numbers(64), MapOptions.DEFAULT)
                .toList();

        assertThat(results).isEqualTo(numbers(64));
        assertThat(sizes).isEqualTo(repeated(6, 1, 6, 4, 1, 9, 1, 7, 1, 5, 1, 4, 1, 3, 2, 2, 2, 1));
    }

    @Test
    void chunkTakesFiveMilliseconds() {
        nanosPerInput = 1_000_000;
        MapSpliterator.stream(executor(2), x -> x, numbers(1_000), MapOptions.DEFAULT)
                .limit(40)
                .forEach(_ -> {});

        assertThat(sizes.subList(0, 16)).isEqualTo(repeated(6, 1, 6, 4, 4, 5));
    }

    @Test
    void inputThatTakesLongTravelsAlone() {
        nanosPerInput = 6_000_000;
        MapSpliterator.stream(executor(2), x -> x, numbers(100), MapOptions.DEFAULT)
                .forEach(_ -> {});

        assertThat(sizes).isEqualTo(repeated(100, 1));
    }

    @Test
    void eachWorkerHasTwoCallsAndTwoMoreWait() {
        running = false;
        var stream = MapSpliterator.stream(executor(3), x -> x, numbers(100), ONE_BY_ONE);

        assertThat(calls).hasSize(8);
        stream.close();
        assertThat(calls).allMatch(Promise::isCancelled);
    }

    @ParameterizedTest
    @EnumSource
    void closingInAnotherThreadEndsAConsumerThatWaits(MapOptions.Order order) throws Exception {
        running = false;
        var stream = MapSpliterator.stream(executor(2), x -> x, numbers(100), ONE_BY_ONE.withOrder(order));
        Spliterator<Integer> results = stream.spliterator();
        var consumed = new FutureTask<>(() -> results.tryAdvance(_ -> {}));
        Thread consumer = Thread.ofPlatform().start(consumed);
        while (consumer.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        // The consumer takes the call that is cancelled first before the next one is cancelled.
        Promise<Object> awaited = order == MapOptions.Order.INPUT ? calls.getFirst() : calls.getLast();
        awaited.addDoneCallback(_ -> {
            try {
                consumer.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });

        stream.close();

        assertThatThrownBy(consumed::get)
                .cause()
                .isInstanceOf(CancellationException.class)
                .hasMessage("The stream of map was closed while its next result was awaited");
        assertThat(calls).hasSize(6).allMatch(Promise::isCancelled);
        assertThat(results.tryAdvance(_ -> {})).isFalse();
    }

    @Test
    void anIterableWithoutAnIteratorIsRefused() {
        List<Iterable<Integer>> broken = List.of(() -> null);

        assertThatThrownBy(() -> MapSpliterator.stream(executor(2), x -> x, broken.getFirst(), ONE_BY_ONE))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("the iterator of the inputs");
    }

    @Test
    void resultThatIsTakenMakesRoomForAnInput() {
        Spliterator<Integer> results = MapSpliterator.stream(
                        executor(2), (Integer x) -> x, numbers(10), ONE_BY_ONE.withLookAhead(2))
                .spliterator();
        assertThat(calls).hasSize(2);

        results.tryAdvance(_ -> assertThat(calls).hasSize(3));
        results.tryAdvance(_ -> assertThat(calls).hasSize(4));
    }

    private static CallFunction<Integer, Integer> failingAt(int input) {
        return x -> {
            if (x == input) {
                throw new IllegalArgumentException("input " + x);
            }
            return x;
        };
    }

    @Test
    void inputsBehindAFailureAreSentAgainAndNoneIfItWasTheLast() {
        MapOptions goingOn = MapOptions.DEFAULT.withChunkSize(2).withOnError(MapOptions.OnError.CONTINUE);
        Spliterator<Integer> last = MapSpliterator.stream(executor(1), failingAt(1), numbers(4), goingOn)
                .spliterator();
        assertThatThrownBy(() -> last.forEachRemaining(_ -> {})).hasMessage("input 1");
        last.forEachRemaining(_ -> {});
        assertThat(sizes).containsExactly(2, 2);

        sizes.clear();
        Spliterator<Integer> first = MapSpliterator.stream(executor(1), failingAt(0), numbers(4), goingOn)
                .spliterator();
        assertThatThrownBy(() -> first.forEachRemaining(_ -> {})).hasMessage("input 0");
        first.forEachRemaining(_ -> {});
        assertThat(sizes).containsExactly(1, 2, 1);
    }

    /** A collection whose inputs are taken away, and which may get more. */
    private static final class Frontier extends AbstractCollection<Integer> {
        final Queue<Integer> inputs = new ArrayDeque<>(numbers(3));

        @Override
        public Iterator<Integer> iterator() {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return !inputs.isEmpty();
                }

                @Override
                public Integer next() {
                    return inputs.remove();
                }
            };
        }

        @Override
        public int size() {
            return inputs.size();
        }
    }

    @Test
    void streamThatHasEndedReadsNoFurtherInput() {
        var frontier = new Frontier();
        Spliterator<Integer> results = MapSpliterator.stream(executor(1), (Integer x) -> x, frontier, ONE_BY_ONE)
                .spliterator();
        results.forEachRemaining(_ -> {});

        frontier.inputs.add(9);
        assertThat(results.tryAdvance(_ -> {})).isFalse();
        assertThat(frontier.inputs).containsExactly(9);
    }

    @Test
    void streamThatRanOutOfTimeCancelsItsCallsAndStaysEnded() {
        running = false;
        Spliterator<Integer> results = MapSpliterator.stream(
                        executor(1), (Integer x) -> x, numbers(5), ONE_BY_ONE.withTimeout(Duration.ZERO))
                .spliterator();

        assertThatThrownBy(() -> results.tryAdvance(_ -> {}))
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessage("map was not done after PT0S: of 4 calls in flight 0 were done; the others have been"
                        + " cancelled");
        assertThat(calls).allMatch(Promise::isCancelled);
        assertThat(results.tryAdvance(_ -> {})).isFalse();
    }

    enum Waiting {
        MAP {
            @Override
            Object on(FutureExecutor executor) {
                return MapSpliterator.stream(executor, x -> x, numbers(2), ONE_BY_ONE)
                        .toList();
            }
        },
        MAP_IN_ORDER_OF_COMPLETION {
            @Override
            Object on(FutureExecutor executor) {
                return MapSpliterator.stream(
                                executor, x -> x, numbers(2), ONE_BY_ONE.withOrder(MapOptions.Order.COMPLETION))
                        .toList();
            }
        },
        MAP_OF_INPUTS_THAT_MAY_BE_SLOW {
            @Override
            Object on(FutureExecutor executor) {
                Iterable<Integer> inputs = () -> numbers(2).iterator();
                return MapSpliterator.stream(executor, x -> x, inputs, ONE_BY_ONE)
                        .toList();
            }
        },
        INVOKE_ALL {
            @Override
            Object on(FutureExecutor executor) throws Exception {
                return BulkInvocation.all(executor, List.<Callable<Integer>>of(() -> 1, () -> 2), Deadline.in(null));
            }
        },
        TIMED_INVOKE_ALL {
            @Override
            Object on(FutureExecutor executor) throws Exception {
                return BulkInvocation.all(
                        executor, List.<Callable<Integer>>of(() -> 1, () -> 2), Deadline.in(Duration.ofDays(1)));
            }
        },
        INVOKE_ANY {
            @Override
            Object on(FutureExecutor executor) throws Exception {
                return BulkInvocation.any(executor, List.<Callable<Integer>>of(() -> 1, () -> 2), Deadline.in(null));
            }
        };

        abstract Object on(FutureExecutor executor) throws Exception;
    }

    @ParameterizedTest
    @EnumSource
    void refusedWaitCancelsWhatItHadSubmitted(Waiting waiting) throws Exception {
        running = false;

        assertThat(RefusingGuard.refusedIn(() -> waiting.on(executor(2)))).containsExactly(calls.getFirst());
        // A second input that comes slowly may not have been read when the wait for the first result is refused.
        int least = waiting == Waiting.MAP_OF_INPUTS_THAT_MAY_BE_SLOW ? 1 : 2;
        assertThat(calls).hasSizeBetween(least, 2).allMatch(Promise::isCancelled);
    }

    @Test
    void chunkResultTellsItsOutcomesAndItsTime() {
        ChunkResult result = ChunkResult.of(failingAt(1), numbers(3));

        assertThat(result).asString().matches("ChunkResult\\[2 outcomes in \\d+ ns]");
        assertThat(result.fatalError()).isNull();
        assertThat(result.nanos()).isBetween(0L, Duration.ofSeconds(30).toNanos());
        assertThat(ChunkResult.failed(new OutOfMemoryError("on purpose"), 1).fatalError())
                .hasMessage("on purpose");
        assertThat(ChunkResult.failed(new StackOverflowError("on purpose"), 1).fatalError())
                .isNull();
    }

    @Test
    void streamOfNothingIsEmpty() {
        assertThat(MapSpliterator.stream(executor(1), x -> x, List.of(), MapOptions.DEFAULT))
                .isEmpty();
        assertThat(calls).isEmpty();
        try (Stream<Integer> none = MapSpliterator.stream(executor(1), x -> x, numbers(0), MapOptions.DEFAULT)) {
            assertThat(none.findFirst()).isEmpty();
        }
    }
}
