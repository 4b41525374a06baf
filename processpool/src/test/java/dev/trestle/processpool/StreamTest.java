package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.WireOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls whose results arrive one after the other, while they are made. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class StreamTest {

    private static final ProcessPool pool =
            TestPools.builder(1).cancelGrace(Duration.ofMillis(200)).build();

    @TempDir
    Path folder = Path.of("");

    record Point(int x, List<String> names) {}

    /** An item that is not data, and that the pool could not read. */
    static final class Secret {
        private final Thread owner = Thread.currentThread();

        @Override
        public String toString() {
            return "Secret of " + owner;
        }
    }

    static final class OddException extends Exception {
        private static final long serialVersionUID = 1;

        OddException(String message) {
            super(message);
        }
    }

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** Marks, as {@link Gate#mark} does; runs in a call. */
    private static void mark(String folder, String name) {
        try {
            Gate.mark(folder, name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits, as {@link Gate#pass} does; runs in a call. */
    private static void pass(String folder, String name) {
        try {
            Gate.pass(folder, name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A stream without an end; runs in a call. */
    private static Stream<Integer> numbers() {
        return Stream.iterate(0, i -> i + 1);
    }

    // Arrival of items

    @Test
    void itemsArriveInOrderWithTheirTypes() {
        Stream<Object> items = pool.stream(() -> Stream.of(1, 2L, "x", new Point(3, List.of("a")), List.of('c')));

        assertThat(items).containsExactly(1, 2L, "x", new Point(3, List.of("a")), List.of('c'));
    }

    @Test
    void nullIsAnItem() {
        Stream<@Nullable String> items = pool.stream(() -> Stream.of("a", null, "c"));

        assertThat(items).containsExactly("a", null, "c");
    }

    @Test
    void streamsWithoutItemsEnd() {
        assertThat(pool.stream(() -> Stream.of())).isEmpty();
    }

    @Test
    void manyItemsArriveEachOnce() {
        int count = 50_000;
        Stream<Integer> items = pool.stream(() -> numbers().limit(count));

        assertThat(items.toList()).isEqualTo(IntStream.range(0, count).boxed().toList());
    }

    @Test
    void largeItemsArriveWhole() {
        try (Stream<int[]> items = pool.stream(() -> IntStream.range(0, 8)
                .mapToObj(i -> IntStream.range(i, i + 700_000).toArray()))) {
            var sums = items.map(each -> each.length + each[699_999]).toList();

            assertThat(sums)
                    .isEqualTo(
                            IntStream.range(0, 8).mapToObj(i -> i + 1_399_999).toList());
        }
    }

    @Test
    void aParallelStreamArrivesInOrder() {
        Stream<Integer> items =
                pool.stream(() -> IntStream.range(0, 1000).boxed().parallel());

        assertThat(items.toList()).isEqualTo(IntStream.range(0, 1000).boxed().toList());
    }

    @Test
    void itemsArriveWhileTheCallMakesTheOthers() throws Exception {
        String in = folder.toString();
        try (Stream<String> items =
                pool.stream(() -> Stream.of("a", "b", "c", "last").peek(each -> {
                    if (each.equals("last")) {
                        pass(in, each);
                    }
                }))) {
            Iterator<String> iterator = items.iterator();
            List<String> before = List.of(iterator.next(), iterator.next(), iterator.next());
            Gate.await(folder, "last");
            Gate.open(folder, "last");

            assertThat(before).containsExactly("a", "b", "c");
            assertThat(iterator.next()).isEqualTo("last");
            assertThat(iterator.hasNext()).isFalse();
        }
    }

    @Test
    void aFlatMappedItemNeedNotEnd() {
        try (Stream<Integer> items =
                pool.stream(() -> Stream.of(7).flatMap(start -> Stream.iterate(start, i -> i + 1)))) {
            assertThat(items.limit(3)).containsExactly(7, 8, 9);
        }
    }

    @Test
    void aStreamMayReuseWhatItHasHandedOut() {
        Stream<List<Integer>> items = pool.stream(StreamTest::oneList);

        assertThat(items).containsExactly(List.of(0), List.of(0, 1), List.of(0, 1, 2));
    }

    private static Stream<List<Integer>> oneList() {
        List<Integer> list = new ArrayList<>();
        return IntStream.range(0, 3).mapToObj(i -> {
            list.add(i);
            return list;
        });
    }

    @Test
    void aStreamThatInterruptsItsThreadGoesOn() {
        int count = 3000; // so that it has to wait for its consumer
        Stream<Integer> items = pool.stream(
                () -> numbers().limit(count).peek(_ -> Thread.currentThread().interrupt()));

        assertThat(items.toList()).hasSize(count);
        assertThat(pool.submit(() -> Thread.currentThread().isInterrupted()).result())
                .isFalse();
    }

    // Backpressure

    @ParameterizedTest
    @CsvSource({"1, 20000, 1000, 1400", "300000, 200, 4, 8"})
    void aProducerStopsWhenItIsSoFarAhead(int size, int count, int least, int most) throws Exception {
        String in = folder.toString();
        Path consumed = folder.resolve("consumed");
        Files.write(consumed, new byte[Integer.BYTES]);
        try (FileChannel channel = FileChannel.open(consumed, StandardOpenOption.READ, StandardOpenOption.WRITE);
                Stream<byte[]> items = pool.stream(() -> ahead(in, size, count, least))) {
            MappedByteBuffer counter = channel.map(FileChannel.MapMode.READ_WRITE, 0, Integer.BYTES);
            Gate.await(folder, "ahead");
            int[] read = new int[1];
            items.forEach(each -> counter.putInt(0, ++read[0]));

            assertThat(read[0]).isEqualTo(count);
        }
        assertThat(Integer.parseInt(Files.readString(folder.resolve("most")))).isBetween(least, most);
    }

    /** Returns a stream that notes the largest lead over its consumer; runs in a call. */
    private static Stream<byte[]> ahead(String folder, int size, int count, int least) throws IOException {
        MappedByteBuffer consumed;
        try (FileChannel channel = FileChannel.open(Path.of(folder, "consumed"))) {
            consumed = channel.map(FileChannel.MapMode.READ_ONLY, 0, Integer.BYTES);
        }
        int[] most = new int[1];
        return IntStream.rangeClosed(1, count)
                .mapToObj(made -> {
                    most[0] = Math.max(most[0], made - consumed.getInt(0));
                    if (made == least) {
                        mark(folder, "ahead");
                    }
                    return new byte[size];
                })
                .onClose(() -> {
                    try {
                        Files.writeString(Path.of(folder, "most"), Integer.toString(most[0]));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }

    @Test
    void aWorkerThatSendsWithoutCreditIsRefused() throws Exception {
        var dispatcher = new Dispatcher(ProcessPool.builder().options(), 1, null);
        try {
            Call<Stream<Integer>> call = StreamTest::numbers;
            var encoded = new CallEncoder(new WireOptions(1 << 20, Set.of()), RemoteException::new).encode(call);
            var stream = PoolCall.ofStream(1, encoded, CallOptions.DEFAULT, dispatcher);
            int number = 0;
            for (long sent = 0; sent < Frame.Item.WINDOW; number++) {
                var item = new Frame.Item(1, number, encoded.payload());
                stream.onItem(item);
                stream.onItem(item); // it is in the worker journal, too
                sent += item.cost();
            }
            int next = number;

            assertThatThrownBy(() -> stream.onItem(new Frame.Item(1, next, encoded.payload())))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("Item " + next + " of a stream was sent without credit");
            assertThatThrownBy(() -> stream.onItem(new Frame.Item(1, next + 1, encoded.payload())))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("arrived instead of item " + next);
        } finally {
            dispatcher.shutdown();
        }
    }

    // Its end from here

    @Test
    void closingTheStreamEndsTheCallAndClosesItsStream() {
        String in = folder.toString();
        long worker;
        try (Stream<Long> items = pool.stream(() -> Stream.generate(Gate::pid).onClose(() -> mark(in, "closed")))) {
            worker = items.findFirst().orElseThrow();
        }

        assertThat(Gate.await(folder, "closed")).isEqualTo(worker);
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
    }

    @Test
    void closingTheStreamInterruptsTheCall() {
        String in = folder.toString();
        try (Stream<String> items =
                pool.stream(() -> Stream.of("first", "second").map(each -> {
                    try {
                        return each.equals("first") ? each : Gate.stay(in, each);
                    } catch (IOException | InterruptedException e) {
                        mark(in, "interrupted");
                        throw new IllegalStateException(e);
                    }
                }))) {
            assertThat(items.findFirst()).contains("first");
            Gate.await(folder, "second");
        }

        long worker = Gate.await(folder, "interrupted");
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
    }

    @Test
    void aCallThatIgnoresThatItsStreamWasClosedDiesWithItsWorker() {
        String in = folder.toString();
        long worker;
        try (Stream<String> items =
                pool.stream(() -> Stream.of("first", "second").peek(each -> {
                    if (each.equals("second")) {
                        mark(in, each);
                        Gate.hang();
                    }
                }))) {
            assertThat(items.findFirst()).contains("first");
            worker = Gate.await(folder, "second");
        }

        assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(worker);
    }

    @Test
    void aStreamThatIsDroppedIsClosedWhenItIsGarbage() {
        assertThat(pool.stream(StreamTest::numbers).findFirst()).contains(0);
        var next = pool.submit(() -> "next");

        await().pollInterval(Duration.ofMillis(10)).until(() -> {
            System.gc();
            return next.isDone();
        });
        assertThat(next.result()).isEqualTo("next");
    }

    @Test
    void anInterruptedConsumerIsToldSo() {
        String in = folder.toString();
        try (Stream<String> items = pool.stream(() -> Stream.of(Gate.stay(in, "stays")))) {
            Gate.await(folder, "stays");
            Thread.currentThread().interrupt();

            assertThatThrownBy(items::toList)
                    .isInstanceOf(CompletionException.class)
                    .hasMessageContaining("Interrupted while waiting for item 0 of the stream of ")
                    .hasCauseInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void waitingForItemsInACallbackOfTheSamePoolIsRefused() {
        String in = folder.toString();
        Stream<String> items = pool.stream(() -> Stream.of(Gate.pass(in, "gate")));
        var refused = new CompletableFuture<Throwable>();
        try (items;
                var other = TestPools.of(2)) {
            Stream<String> theirs = other.stream(() -> Stream.of(Gate.pass(in, "other")));
            other.submit(() -> 1)
                    .addDoneCallback(_ -> refused.complete(requireNonNull(catchThrowable(theirs::toList))));

            assertThat(refused.orTimeout(30, TimeUnit.SECONDS).join())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("in a callback of a future of the same pool");
            other.shutdownNow();
        }
    }

    // Its end from there

    @Test
    void anExceptionArrivesAfterTheItemsBeforeIt() {
        Stream<Integer> items = pool.stream(() -> numbers().peek(StreamTest::failAtFive));
        var before = new ArrayList<Integer>();

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("five")
                .satisfies(e -> assertThat(e.getStackTrace()[0].getMethodName()).isEqualTo("failAtFive"));
        assertThat(before).containsExactly(0, 1, 2, 3, 4);
    }

    private static void failAtFive(int number) {
        if (number == 5) {
            throw new IllegalArgumentException("five");
        }
    }

    @Test
    void aCheckedExceptionOfTheCallItselfIsACause() {
        Stream<Integer> items = pool.stream(() -> fail("odd"));

        assertThatThrownBy(items::toList)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(OddException.class)
                .hasMessage("odd");
    }

    private static Stream<Integer> fail(String message) throws OddException {
        throw new OddException(message);
    }

    /** A worker that is killed has sent its items; one that halts leaves them in its journal. */
    @ParameterizedTest
    @CsvSource({"IS_KILLED, 1", "HALTS, 1", "HALTS, 1000"})
    void theDeathOfTheWorkerArrivesAfterTheItemsBeforeIt(Mishap how, int size) {
        int count = 400;
        Stream<byte[]> items = pool.stream(() -> numbers()
                .peek(each -> {
                    if (each == count) {
                        how.happen();
                    }
                })
                .map(each -> new byte[size]));
        var before = new ArrayList<byte[]>();

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining("because the 400 items before have arrived");
        assertThat(before).hasSize(count);
    }

    @Test
    void theItemsOfAWorkerThatIsKilledFromOutsideAreNotLost() {
        try (Stream<Long> items = pool.stream(() -> Stream.generate(Gate::pid))) {
            Iterator<Long> iterator = items.iterator();
            long worker = iterator.next();
            ProcessHandle.of(worker).orElseThrow().destroyForcibly();

            assertThatThrownBy(() ->
                            iterator.forEachRemaining(each -> assertThat(each).isEqualTo(worker)))
                    .isInstanceOf(WorkerDiedException.class);
        }
    }

    @Test
    void aStreamThatIsLateEndsWithATimeoutAfterItsItems() {
        String in = folder.toString();
        assertThat(pool.stream(() -> Stream.of("a worker that has done it before")))
                .hasSize(1);
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofSeconds(2)).withLabel("the long one");
        var before = new ArrayList<String>();
        Stream<String> items = pool.stream(
                () -> Stream.concat(Stream.of("first"), Stream.of("second").peek(each -> stay(in, each))), options);

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("the long one")
                .hasMessageContaining("Gate.stay");
        assertThat(before).containsExactly("first");
    }

    /** Stays until it is interrupted; runs in a call. */
    private static void stay(String folder, String name) {
        try {
            Gate.stay(folder, name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aStreamWhoseConsumerIsSlowIsLateToo() {
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(300));
        try (Stream<Integer> items = pool.stream(StreamTest::numbers, options)) {
            pool.submit(() -> "when it is over").result();

            assertThatThrownBy(items::toList).hasRootCauseInstanceOf(TimeoutException.class);
        }
    }

    @Test
    void aStreamIsRunAgainIfItsWorkerDiesBeforeItsFirstItem() {
        String in = folder.toString();
        Stream<String> items = pool.stream(() -> dieOnce(in, "first"), CallOptions.DEFAULT.withRetries(1));

        assertThat(items).containsExactly("second time");
    }

    @Test
    void aStreamThatHasDeliveredIsNotRunAgain() {
        String in = folder.toString();
        var before = new ArrayList<String>();
        Stream<String> items = pool.stream(() -> dieOnce(in, "second"), CallOptions.DEFAULT.withRetries(1));

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining("It is not run again, whatever its retries");
        assertThat(before).containsExactly("first");
    }

    /** Ends the worker, the first time, before its first or its second item; runs in a call. */
    private static Stream<String> dieOnce(String folder, String at) {
        if (Gate.isMarked(Path.of(folder), "died")) {
            return Stream.of("second time");
        }
        mark(folder, "died");
        return Stream.of("first", "second").peek(each -> {
            if (each.equals(at)) {
                Runtime.getRuntime().halt(1);
            }
        });
    }

    @Test
    void anItemThatCannotTravelIsNamedByItsNumber() {
        long worker = pool.submit(Gate::pid).result();
        var before = new ArrayList<Object>();
        Stream<Object> items = pool.stream(() -> Stream.of("a", "b", List.of(1, new Secret()), "d"));

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("Item 2 of the stream cannot travel: the item[1] is a ")
                .hasMessageContaining("Secret, which is not data");
        assertThat(before).containsExactly("a", "b");
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
    }

    @Test
    void anItemThatCannotTravelEndsAStreamThatSwallowsExceptions() {
        Stream<Object> items = pool.stream(() -> Stream.of(1, 2, 3).mapMulti((each, to) -> {
            try {
                to.accept(each == 2 ? new Secret() : each);
            } catch (RuntimeException e) {
                System.err.println("Swallowed " + e);
            }
        }));
        var before = new ArrayList<Object>();

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("Item 1 of the stream");
        assertThat(before).containsExactly(1);
    }

    @Test
    void anItemThatMayNotBeMadeHereEndsTheCall() {
        Stream<Object> items = pool.stream(() -> Stream.of("a", new Bean(), "c"));
        var before = new ArrayList<Object>();

        assertThatThrownBy(() -> items.forEach(before::add))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("Item 1 of the stream of the call ")
                .hasMessageContaining("allow(Bean.class)");
        assertThat(before).containsExactly("a");
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }

    static final class Bean {
        int value = 1;
    }

    @Test
    void theTypeOfTheItemsIsThatOfTheMethod() {
        Stream<Bean> items = pool.stream(StreamTest::beans);

        assertThat(items.map(each -> each.value)).containsExactly(1);
    }

    private static Stream<Bean> beans() {
        return Stream.of(new Bean());
    }

    @Test
    @SuppressWarnings("NullAway") // that is what is tested
    void aCallWithoutAStreamSaysSo() {
        Stream<Integer> items = pool.stream(() -> null);

        assertThatThrownBy(items::toList)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has to return a java.util.stream.Stream; this one returned null");
    }

    @Test
    void anIteratorAsAResultIsRefusedWithTheWayOut() {
        assertThatThrownBy(pool.submit(() -> List.of(1).iterator())::result)
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("ProcessPool.stream");
    }

    // Beside other calls, and the end of the pool

    @Test
    void aWorkerThatStreamsIsBusy() {
        for (int i = 0; i < 50; i++) {
            assertThat(pool.submit(StreamTest::one).result()).isEqualTo(1); // now it is known to be short
        }
        long before = pool.statistics().takenBack();
        try (Stream<Integer> items = pool.stream(StreamTest::numbers)) {
            assertThat(items.findFirst()).contains(0);
            var waiting = pool.submit(StreamTest::one);

            assertThat(pool.statistics().busy()).isEqualTo(1);
            assertThat(pool.statistics().queued()).isEqualTo(1);
            items.close();
            assertThat(waiting.result()).isEqualTo(1);
        }
        assertThat(pool.statistics().takenBack()).isEqualTo(before);
    }

    /** More of them than workers; some are read to their end, some are closed before it, and some lose their worker. */
    @Test
    void streamsAndCallsOfManyThreadsDoNotMeet() throws Exception {
        try (var other = TestPools.of(2);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var tasks = IntStream.range(0, 6)
                    .mapToObj(i -> threads.submit(() -> readSome(other, i)))
                    .toList();
            for (var each : tasks) {
                each.get();
            }

            assertThat(other.statistics().busy()).isZero();
            assertThat(other.statistics().lost()).isEqualTo(6);
        }
    }

    private static void readSome(ProcessPool from, int start) {
        for (int i = 0; i < 4; i++) {
            int length = start * 500 + i * 100;
            try (Stream<Integer> items = from.stream(() -> numbers().limit(length))) {
                assertThat(items.toList())
                        .isEqualTo(IntStream.range(0, length).boxed().toList());
            }
            try (Stream<Integer> items = from.stream(StreamTest::numbers)) {
                assertThat(items.limit(length + 1L).mapToInt(each -> each).max())
                        .hasValue(length);
            }
            assertThat(from.submit(() -> length + 1).result()).isEqualTo(length + 1);
        }
        var before = new ArrayList<Integer>();
        Stream<Integer> items = from.stream(() -> numbers().peek(each -> {
            if (each == start) {
                Runtime.getRuntime().halt(1);
            }
        }));
        assertThatThrownBy(() -> items.forEach(before::add)).isInstanceOf(WorkerDiedException.class);
        assertThat(before).hasSize(start);
    }

    private static int one() {
        return 1;
    }

    @Test
    void shutdownLetsAStreamGoOn() throws Exception {
        String in = folder.toString();
        try (var other = TestPools.of(1)) {
            Stream<String> items = other.stream(() -> Stream.of("a", "b").peek(each -> pass(in, each)));
            Gate.await(folder, "a");
            other.shutdown();
            Gate.open(folder, "a");
            Gate.open(folder, "b");

            assertThat(items).containsExactly("a", "b");
        }
    }

    @Test
    void shutdownNowEndsAStream() {
        try (var other = TestPools.of(1)) {
            Iterator<Integer> items = other.stream(StreamTest::numbers).iterator();
            assertThat(items.next()).isZero();
            other.shutdownNow();

            assertThatThrownBy(() ->
                            items.forEachRemaining(each -> assertThat(each).isPositive()))
                    .isInstanceOf(CancellationException.class);
        }
    }

    @Test
    void closeDoesNotWaitForAnUnreadStream() {
        Stream<Integer> unread;
        Iterator<Integer> halfRead;
        try (var other = TestPools.of(2)) {
            unread = other.stream(StreamTest::numbers);
            halfRead = other.stream(StreamTest::numbers).iterator();
            assertThat(halfRead.next()).isZero();
        }

        assertThatThrownBy(unread::count).isInstanceOf(CancellationException.class);
        assertThatThrownBy(
                        () -> halfRead.forEachRemaining(each -> assertThat(each).isPositive()))
                .isInstanceOf(CancellationException.class);
    }

    @Test
    void aStreamReportsItsProgress() {
        var heard = new CompletableFuture<String>();
        Stream<Integer> items = pool.stream(
                () -> Stream.of(1, 2).peek(each -> WorkerContext.current().progress(0.5, "at " + each)),
                CallOptions.DEFAULT.withListener((_, text) -> heard.complete(text)));

        assertThat(items).containsExactly(1, 2);
        assertThat(heard.orTimeout(30, TimeUnit.SECONDS).join()).startsWith("at ");
    }
}
