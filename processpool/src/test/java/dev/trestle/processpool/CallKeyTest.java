package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Calls with keys in child JVMs: which worker they go to, and what a key does to other calls. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class CallKeyTest {

    @TempDir
    Path folder = Path.of("");

    private static CallOptions key(Object key) {
        return CallOptions.DEFAULT.withKey(key);
    }

    /** The state that the calls of a session have left in a worker. */
    private static final Map<String, Integer> sessions = new HashMap<>();

    private static int next(String session) {
        return sessions.merge(session, 1, Integer::sum);
    }

    @Test
    void callsOfAKeyFindWhatEarlierOnesHaveLeft() {
        try (var pool = TestPools.of(3)) {
            var futures = new ArrayList<ConcurrentFuture<Integer>>();
            for (int i = 0; i < 300; i++) {
                String session = "session " + i % 7;
                futures.add(pool.submit(() -> next(session), key(session)));
            }
            for (int i = 0; i < 300; i++) {
                assertThat(futures.get(i).result()).as("call %s", i).isEqualTo(i / 7 + 1);
            }
            assertThat(pool.statistics().workersStarted()).isEqualTo(3);
        }
    }

    /** The pool prefers the worker that was used last, but not for keys, which would all go there. */
    @Test
    void keysAreSpreadOverIdleWorkers() {
        try (var pool = TestPools.builder(3).minWorkers(3).build()) {
            Gate.until(() -> pool.statistics().workersStarted() == 3);
            var pids = new HashSet<Long>();
            for (int i = 0; i < 3; i++) {
                pids.add(pool.submit(Gate::pid, key(i)).result());
            }

            assertThat(pids).hasSize(3);
        }
    }

    @Test
    void aBusyWorkerHoldsUpTheCallsOfItsKeysOnly() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(2)) {
            var blocking = pool.submit(() -> Gate.pass(in, "busy"), key("a"));
            long pid = Gate.await(folder, "busy");
            var same = IntStream.range(0, 5)
                    .mapToObj(_ -> pool.submit(Gate::pid, key("a")))
                    .toList();
            var others = IntStream.range(0, 200)
                    .mapToObj(i -> i % 2 == 0 ? pool.submit(Gate::pid) : pool.submit(Gate::pid, key(i % 10)))
                    .toList();

            for (ConcurrentFuture<Long> each : others) {
                assertThat(each.result()).isNotEqualTo(pid);
            }
            assertThat(same).noneMatch(ConcurrentFuture::isDone);
            assertThat(pool.statistics().queued()).isEqualTo(5);
            Gate.open(folder, "busy");
            assertThat(blocking.result()).isEqualTo("busy");
            for (ConcurrentFuture<Long> each : same) {
                assertThat(each.result()).isEqualTo(pid);
            }
        }
    }

    @Test
    void callsOfADeadWorkersKeyGoToAnother() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(2)) {
            var dying = pool.submit(
                    () -> {
                        Gate.pass(in, "dying");
                        Runtime.getRuntime().halt(3);
                        return 0;
                    },
                    key("a"));
            long pid = Gate.await(folder, "dying");
            var waiting = IntStream.range(0, 5)
                    .mapToObj(_ -> pool.submit(Gate::pid, key("a")))
                    .toList();
            Gate.open(folder, "dying");

            assertThat(dying.exception()).containsInstanceOf(WorkerDiedException.class);
            long other = waiting.getFirst().result();
            assertThat(other).isNotEqualTo(pid);
            for (ConcurrentFuture<Long> each : waiting) {
                assertThat(each.result()).isEqualTo(other);
            }
        }
    }

    @Test
    void aCallThatIsRunAgainTakesItsKeyAlong() {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            long pid = pool.submit(Gate::pid, key("a")).result();
            long second = pool.submit(
                            () -> {
                                if (Gate.number(in) == 0) {
                                    Runtime.getRuntime().halt(1);
                                }
                                return Gate.pid();
                            },
                            key("a").withRetries(1))
                    .result();

            assertThat(second).isNotEqualTo(pid);
            assertThat(pool.submit(Gate::pid, key("a")).result()).isEqualTo(second);
        }
    }

    @Test
    void aWorkerThatHasRunAsManyCallsAsItMayLosesItsKeys() {
        try (var pool = TestPools.builder(1).maxTasksPerWorker(3).build()) {
            var futures = IntStream.range(0, 9)
                    .mapToObj(_ -> pool.submit(() -> next("a"), key("a")))
                    .toList();

            assertThat(futures.stream().map(ConcurrentFuture::result)).containsExactly(1, 2, 3, 1, 2, 3, 1, 2, 3);
        }
    }

    @Test
    void aCancelledCallLeavesItsKeyWhereItIs() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(2)) {
            var running = pool.submit(() -> Gate.stay(in, "stays"), key("a"));
            long pid = Gate.await(folder, "stays");
            var waiting = pool.submit(Gate::pid, key("a"));
            var later = pool.submit(Gate::pid, key("a"));
            assertThat(waiting.cancel(true)).isTrue();
            assertThat(running.cancel(true)).isTrue();

            assertThat(later.result()).isEqualTo(pid);
        }
    }

    @Test
    void aKeyGoesOnAfterATimeLimitHasKilledItsWorker() {
        String in = folder.toString();
        try (var pool = TestPools.builder(1).cancelGrace(Duration.ofMillis(50)).build()) {
            long pid = pool.submit(Gate::pid, key("a")).result();
            var late = pool.submit(() -> Gate.spin(in, "spins"), key("a").withTimeout(Duration.ofMillis(50)));
            var behind = pool.submit(Gate::pid, key("a"));

            assertThat(late.exception()).containsInstanceOf(TimeoutException.class);
            assertThat(behind.result()).isNotEqualTo(pid);
        }
    }

    @Test
    void priorityHoldsAmongTheCallsOfAKeyAndBetweenThemAndOthers() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var _ = pool.submit(() -> Gate.pass(in, "first"), key("a"));
            Gate.await(folder, "first");
            var order = new ArrayList<ConcurrentFuture<Integer>>();
            order.add(pool.submit(() -> next("order"), key("a")));
            order.add(pool.submit(() -> next("order")));
            order.add(pool.submit(() -> next("order"), key("a").withPriority(1)));
            order.add(pool.submit(() -> next("order"), CallOptions.DEFAULT.withPriority(2)));
            order.add(pool.submit(() -> next("order"), key("a").withPriority(-1)));
            Gate.open(folder, "first");

            assertThat(order.stream().map(ConcurrentFuture::result)).containsExactly(3, 4, 2, 1, 5);
        }
    }

    @Test
    void aStreamHasAKeyToo() {
        try (var pool = TestPools.of(2)) {
            long pid = pool.submit(Gate::pid, key("a")).result();
            try (var pids = pool.stream(() -> Stream.of(Gate.pid(), Gate.pid()), key("a"))) {
                assertThat(pids).containsOnly(pid);
            }
        }
    }

    /** It counts how often it is asked, and is no data. */
    private static final class Strange {
        private final @Nullable RuntimeException thrown;

        Strange(@Nullable RuntimeException thrown) {
            this.thrown = thrown;
        }

        @Override
        public int hashCode() {
            if (thrown != null) {
                throw thrown;
            }
            return 1;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Strange;
        }
    }

    @Test
    void submitThrowsWhatAKeyThrows() {
        try (var pool = TestPools.builder(1).queueLimit(0).build()) {
            var failure = new IllegalStateException("no hash code today");
            var strange = new Strange(failure);

            for (int i = 0; i < 3; i++) { // and its place in the queue is free again
                assertThatThrownBy(() -> pool.submit(Gate::pid, key(strange))).isSameAs(failure);
            }
            assertThat(pool.submit(Gate::pid, key(new Strange(null))).result()).isPositive();
            assertThat(pool.statistics().submitted()).isEqualTo(1);
        }
    }

    /** A key that is compared for long, on the thread that submits a call with it. */
    private record Slow(CountDownLatch comparing, CountDownLatch goOn) {
        @Override
        public int hashCode() {
            return 1;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            comparing.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return this == other;
        }
    }

    private static void slowlySubmit(ProcessPool pool, Slow key) {
        var _ = pool.submit(Gate::pid, key(key));
    }

    @Test
    void aKeyThatIsSlowToCompareHoldsUpNoOtherCall() throws Exception {
        try (var pool = TestPools.of(1)) {
            pool.submit(Gate::pid, key(new Strange(null))).result();
            var slow = new Slow(new CountDownLatch(1), new CountDownLatch(1));
            var submitter = Thread.ofPlatform().start(() -> slowlySubmit(pool, slow));
            slow.comparing.await();

            assertThat(pool.submit(Gate::pid, key("other")).result()).isPositive();
            assertThat(pool.submit(Gate::pid).result()).isPositive();
            slow.goOn.countDown();
            submitter.join();
        }
    }

    @Test
    void manyKeysAreForgotten() {
        try (var pool = TestPools.of(2)) {
            long first = pool.submit(Gate::pid, key("first")).result();
            var futures = IntStream.range(0, KeyTable.MOST_UNUSED + 2_000)
                    .mapToObj(i -> pool.submit(Gate::pid, key(i)))
                    .toList();
            futures.forEach(ConcurrentFuture::result);

            assertThat(first).isPositive();
            assertThat(pool.submit(Gate::pid, key("first")).result()).isPositive();
            assertThat(pool.keysKnown()).isLessThanOrEqualTo(KeyTable.MOST_UNUSED + 100);
        }
    }

    @Test
    void callsOfKeysThatWaitAreCancelledByShutdownNow() throws Exception {
        String in = folder.toString();
        List<ConcurrentFuture<Long>> waiting;
        try (var pool = TestPools.of(2)) {
            var _ = pool.submit(() -> Gate.stay(in, "stays"), key("a"));
            Gate.await(folder, "stays");
            waiting = IntStream.range(0, 5)
                    .mapToObj(_ -> pool.submit(Gate::pid, key("a")))
                    .toList();

            assertThat(pool.shutdownNow()).hasSize(5);
        }
        assertThat(waiting).allMatch(ConcurrentFuture::isCancelled);
    }

    @Test
    void callsOfKeysThatWaitAreRunAfterShutdown() throws Exception {
        String in = folder.toString();
        List<ConcurrentFuture<Long>> waiting;
        long pid;
        try (var pool = TestPools.of(2)) {
            var _ = pool.submit(() -> Gate.pass(in, "stays"), key("a"));
            pid = Gate.await(folder, "stays");
            waiting = IntStream.range(0, 5)
                    .mapToObj(_ -> pool.submit(Gate::pid, key("a")))
                    .toList();
            pool.shutdown();
            Gate.open(folder, "stays");
        }
        assertThat(waiting.stream().map(ConcurrentFuture::result)).containsOnly(pid);
    }

    @Test
    void aKeyIsKeptByTheOtherOptions() {
        assertThatThrownBy(() -> key(nothing())).isInstanceOf(NullPointerException.class);
        assertThat(key("a").withPriority(1).withRetries(2).withLabel("l").key()).contains("a");
        assertThat(key("a").withTimeout(Duration.ofSeconds(1))
                        .withListener((_, _) -> {})
                        .key())
                .contains("a");
        assertThat(key("a")).isEqualTo(key("a")).isNotEqualTo(key("b"));
    }

    @SuppressWarnings({"NullAway", "DataFlowIssue"})
    private static Object nothing() {
        return null;
    }
}
