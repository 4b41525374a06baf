package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that run several calls at a time, and what becomes of the others when one goes wrong. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class PlacesTest {

    @TempDir
    Path folder = Path.of("");

    private static ProcessPool.Builder builder(int workers, int places) {
        return TestPools.builder(workers).callsPerWorker(places).cancelGrace(Duration.ofMillis(200));
    }

    /** Lets four calls go on when they are all there; runs in a worker. */
    private static final CyclicBarrier four = new CyclicBarrier(4);

    private static long meet() throws Exception {
        four.await(20, TimeUnit.SECONDS);
        return Gate.pid();
    }

    private void open(int calls) throws Exception {
        for (int i = 0; i < calls; i++) {
            Gate.open(folder, "gate" + i);
        }
    }

    @Test
    void callsOfOneWorkerRunAtTheSameTime() {
        try (var pool = builder(1, 4).build()) {
            var futures = IntStream.range(0, 40)
                    .mapToObj(_ -> pool.submit(PlacesTest::meet))
                    .toList();
            var pids = new HashSet<Long>();
            futures.forEach(each -> pids.add(each.result()));

            assertThat(pids).hasSize(1);
            assertThat(pool.parallelism()).isEqualTo(4);
            assertThat(pool.statistics().size()).isEqualTo(1);
        }
    }

    @Test
    void aFurtherWorkerStartsWhenAllPlacesAreTaken() throws Exception {
        try (var pool = builder(2, 2).build()) {
            var first = Gate.block(pool, folder, 2, CallOptions.DEFAULT);
            assertThat(pool.statistics().alive()).isEqualTo(1);
            assertThat(pool.statistics().starting())
                    .as("one start for two calls")
                    .isZero();
            assertThat(pool.statistics().queued()).isZero();
            long other = pool.submit(Gate::pid).result();

            assertThat(other).isNotEqualTo(Gate.await(folder, "gate0"));
            open(2);
            first.forEach(ConcurrentFuture::result);
        }
    }

    @Test
    void aCancelledCallIsInterruptedAlone() throws Exception {
        String in = folder.toString();
        try (var pool = builder(1, 4).build()) {
            var others = Gate.block(pool, folder, 3, CallOptions.DEFAULT);
            var cancelled = pool.submit(() -> Gate.stay(in, "stays"));
            Gate.await(folder, "stays");
            cancelled.cancel(true);

            assertThat(pool.submit(Gate::pid).result()).as("in the place of it").isEqualTo(Gate.await(folder, "gate0"));
            open(3);
            assertThat(others.stream().map(ConcurrentFuture::result)).containsExactly("gate0", "gate1", "gate2");
            assertThat(pool.statistics().workersDied()).isZero();
        }
    }

    @Test
    void lateCallThatIgnoresInterruptsFailsItsNeighbours() {
        String in = folder.toString();
        try (var pool = builder(1, 4).build()) {
            var others = Gate.block(pool, folder, 3, CallOptions.DEFAULT);
            var late = pool.submit(
                    () -> Gate.spin(in, "spins"),
                    CallOptions.DEFAULT.withTimeout(Duration.ofMillis(300)).withLabel("the culprit"));

            assertThat(late.exception().orElseThrow())
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Gate.spin");
            for (ConcurrentFuture<String> each : others) {
                assertThat(each.exception().orElseThrow())
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageContaining("4 calls ran in this worker")
                        .hasMessageContaining("the culprit")
                        .hasMessageContaining("after it had been interrupted");
            }
            assertThat(pool.statistics().lost()).isEqualTo(3);
            assertThat(pool.statistics().timedOut()).isEqualTo(1);
            assertThat(pool.submit(Gate::pid).result()).isPositive();
        }
    }

    @Test
    void callsWithRetriesAreRunAgainWhenAnotherEndsTheirWorker() throws Exception {
        try (var pool = builder(1, 4).build()) {
            var others = Gate.block(pool, folder, 3, CallOptions.DEFAULT.withRetries(1));
            var exits = pool.submit(() -> System.exit(9));

            assertThat(exits.exception().orElseThrow())
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining("exit code 9")
                    .hasMessageContaining("4 calls ran in this worker, and any of them may be the cause");
            open(3);
            assertThat(others.stream().map(ConcurrentFuture::result)).containsExactly("gate0", "gate1", "gate2");
            assertThat(pool.statistics().rerun()).isEqualTo(3);
        }
    }

    @Test
    void callsThatWaitGoElsewhereWhenTheirWorkerIsKilled() throws Exception {
        try (var pool = builder(1, 2).build()) {
            var running = Gate.block(pool, folder, 2, CallOptions.DEFAULT);
            var waiting =
                    IntStream.range(0, 20).mapToObj(_ -> pool.submit(Gate::pid)).toList();
            assertThat(pool.statistics().queued()).isEqualTo(20);
            ProcessHandle.of(Gate.await(folder, "gate0")).ifPresent(ProcessHandle::destroyForcibly);

            for (ConcurrentFuture<String> each : running) {
                assertThat(each.exception()).containsInstanceOf(WorkerDiedException.class);
            }
            waiting.forEach(each -> assertThat(each.result()).isPositive());
        }
    }

    @Test
    void eachCallHasItsOwnTimeLimit() throws Exception {
        String in = folder.toString();
        try (var pool = builder(1, 4).build()) {
            var others = Gate.block(pool, folder, 2, CallOptions.DEFAULT);
            var first =
                    pool.submit(() -> Gate.stay(in, "short"), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(200)));
            var second =
                    pool.submit(() -> Gate.stay(in, "longer"), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(400)));

            assertThat(first.exception()).containsInstanceOf(TimeoutException.class);
            assertThat(second.exception()).containsInstanceOf(TimeoutException.class);
            open(2);
            assertThat(others.stream().map(ConcurrentFuture::result)).containsExactly("gate0", "gate1");
            assertThat(pool.statistics().workersDied()).isZero();
        }
    }

    private static int report(int number) throws Exception {
        var context = WorkerContext.current();
        four.await(20, TimeUnit.SECONDS);
        for (int i = 0; i < 5; i++) {
            context.message(number + " says " + i);
        }
        var seen = new CountDownLatch(1);
        var inThread = new AtomicInteger();
        Thread.ofPlatform().start(() -> {
            WorkerContext.current().message(number + " from a thread");
            inThread.incrementAndGet();
            seen.countDown();
        });
        seen.await();
        return inThread.get();
    }

    @Test
    void eachListenerHearsItsCall() {
        var heard = new ArrayList<List<String>>();
        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        try (var pool = builder(1, 4).build()) {
            for (int i = 0; i < 4; i++) {
                int number = i;
                var messages = new CopyOnWriteArrayList<String>();
                heard.add(messages);
                futures.add(pool.submit(() -> report(number), CallOptions.DEFAULT.withListener(new CallListener() {
                    @Override
                    public void progress(double fraction, String text) {}

                    @Override
                    public void message(String text) {
                        messages.add(text);
                    }
                })));
            }
            futures.forEach(each -> assertThat(each.result()).isEqualTo(1));
        }
        for (int i = 0; i < 4; i++) {
            int number = i;
            Gate.until(() -> heard.get(number).size() == 6);
            assertThat(heard.get(i)).allMatch(each -> each.startsWith(number + " "));
        }
    }

    @Test
    void streamsOfOneWorkerRunAtTheSameTime() {
        try (var pool = builder(1, 3).build();
                var first = pool.stream(() -> IntStream.iterate(0, i -> i + 1).boxed());
                var second = pool.stream(() -> IntStream.iterate(0, i -> i + 2).boxed())) {
            var one = first.iterator();
            var other = second.iterator();
            for (int i = 0; i < 5_000; i++) {
                assertThat(one.next()).isEqualTo(i);
                assertThat(other.next()).isEqualTo(2 * i);
            }
            assertThat(pool.submit(() -> 7).result()).isEqualTo(7);
        }
    }

    private static final ThreadLocal<Integer> uses = ThreadLocal.withInitial(() -> 0);

    private static String use() {
        uses.set(uses.get() + 1);
        return Thread.currentThread().getName() + " " + Thread.currentThread().isVirtual() + " " + uses.get();
    }

    /** A thread of a place stays, so that calls may keep what they have prepared in thread locals. */
    @Test
    void aPlaceHasAPlatformThreadOfItsOwn() {
        try (var pool = builder(1, 2).build()) {
            var names = new HashSet<String>();
            for (int i = 0; i < 10; i++) {
                names.add(pool.submit(PlacesTest::use).result());
            }
            assertThat(names).hasSize(10).allMatch(each -> each.matches("trestle-call-[12] false \\d+"));
        }
    }

    @Test
    void callsOfAKeyRunTogetherInOneWorker() {
        try (var pool = builder(2, 4).build()) {
            var key = CallOptions.DEFAULT.withKey("a");
            var pids = new HashSet<Long>();
            IntStream.range(0, 40)
                    .mapToObj(_ -> pool.submit(PlacesTest::meet, key))
                    .toList()
                    .forEach(each -> pids.add(each.result()));

            assertThat(pids).hasSize(1);
        }
    }

    @Test
    void aWorkerRunsNoMoreCallsThanItMay() {
        try (var pool = builder(1, 4).maxTasksPerWorker(10).build()) {
            var counts = new java.util.HashMap<Long, Integer>();
            IntStream.range(0, 60)
                    .mapToObj(_ -> pool.submit(Gate::pid))
                    .toList()
                    .forEach(each -> counts.merge(each.result(), 1, Integer::sum));

            assertThat(counts.values()).hasSize(6).containsOnly(10);
        }
    }

    @Test
    void manySmallCallsAreAnsweredOnceEach() {
        try (var pool = builder(2, 4).build()) {
            assertThat(pool.map(i -> i * i, IntStream.range(0, 5_000).boxed().toList()))
                    .containsExactlyElementsOf(
                            IntStream.range(0, 5_000).mapToObj(i -> i * i).toList());
            assertThat(Optional.of(pool.statistics().lost())).contains(0L);
        }
    }

    @Test
    void shutdownNowInterruptsAllCalls() throws Exception {
        String in = folder.toString();
        var futures = new ArrayList<ConcurrentFuture<String>>();
        try (var pool = builder(1, 3).build()) {
            for (String name : List.of("a", "b", "c")) {
                futures.add(pool.submit(() -> Gate.stay(in, name)));
            }
            Stream.of("a", "b", "c").forEach(name -> Gate.await(folder, name));
            futures.add(pool.submit(() -> "never"));

            assertThat(pool.shutdownNow()).hasSize(1);
        }
        assertThat(futures).allMatch(ConcurrentFuture::isCancelled);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 65, Integer.MAX_VALUE})
    void aWorkerHasBetween1And64Places(int places) {
        assertThatThrownBy(() -> ProcessPool.builder().callsPerWorker(places))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("between 1 and 64 calls at the same time: " + places)
                .hasMessageContaining("use more workers");
    }
}
