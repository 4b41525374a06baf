package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Timeout.ThreadMode.SEPARATE_THREAD;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.jvm.Nesting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Answers that take long to read in the program, or forever: their calls end, their worker goes on, and the pool ends.
 * The reading code waits at a gate of the test, in the program only, and ignores interrupts. Callbacks that take long
 * are of the same kind.
 */
@Timeout(value = 30, threadMode = SEPARATE_THREAD)
@ExtendWith(NothingLeft.class)
class SlowEndTest {

    private static final CallOptions LIMITED = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(50));

    private static final ProcessPool pool = TestPools.of(1);

    /** The gates of the test that runs, by their names. In a worker there are none, and everything passes. */
    private static final Map<String, Gateway> gates = new ConcurrentHashMap<>();

    private static final AtomicInteger numbers = new AtomicInteger();

    private static final class Gateway {
        final CountDownLatch open = new CountDownLatch(1);
        final CountDownLatch reached = new CountDownLatch(1);
        final CountDownLatch interrupted = new CountDownLatch(1);

        final AtomicInteger passing = new AtomicInteger();

        void pass() {
            passing.incrementAndGet();
            reached.countDown();
            while (open.getCount() > 0) {
                try {
                    open.await();
                } catch (InterruptedException e) {
                    interrupted.countDown();
                }
            }
        }
    }

    @TempDir
    Path folder = Path.of("");

    private final String gate = "gate" + numbers.incrementAndGet();
    private final Gateway gateway = new Gateway();

    private static int pass(String gate) {
        Gateway here = gates.get(gate);
        if (here != null) {
            here.pass();
        }
        return 1;
    }

    @BeforeEach
    void close() {
        gates.put(gate, gateway);
    }

    @AfterEach
    void open() {
        gateway.open.countDown();
        Gate.until(() -> readers(pool) <= 1);
        gates.remove(gate);
    }

    @AfterAll
    static void closePool() {
        pool.close();
    }

    /** Returns how many threads read what workers of a pool send, or did. */
    private static long readers(ProcessPool pool) {
        String name = pool.toString().replaceAll("ProcessPool\\[([^,]*),.*", "$1") + "-worker-";
        return Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().matches(name + "\\d+"))
                .count();
    }

    record Slow(String gate, int number) implements Comparable<Slow> {
        Slow {
            if (number == 0) {
                pass(gate);
            }
        }

        @Override
        public int compareTo(Slow other) {
            return number - other.number;
        }
    }

    record SlowToHash(String gate) {
        @Override
        public int hashCode() {
            return pass(gate);
        }
    }

    record SlowToCompare(String gate, int number) implements Comparable<SlowToCompare> {
        @Override
        public int compareTo(SlowToCompare other) {
            return pass(gate) * Integer.compare(number, other.number);
        }
    }

    static final class SlowException extends RuntimeException {
        private static final long serialVersionUID = 1;

        SlowException(String gate) {
            super(gate);
            pass(gate);
        }
    }

    /** Waits at the gate when it is made, until it is interrupted, as code of users may. */
    record Interruptible(String gate, int number) {
        Interruptible {
            Gateway here = gates.get(gate);
            if (here != null) {
                here.passing.incrementAndGet();
                here.reached.countDown();
                try {
                    here.open.await();
                } catch (InterruptedException e) {
                    here.interrupted.countDown();
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** The calls whose answers take long to read, each in its own way. */
    enum Way {
        CONSTRUCTOR {
            @Override
            Call<Object> call(String gate) {
                return () -> new Slow(gate, 0);
            }
        },
        HASH_CODE {
            @Override
            Call<Object> call(String gate) {
                return () -> new HashSet<>(Set.of(new SlowToHash(gate)));
            }
        },
        KEY {
            @Override
            Call<Object> call(String gate) {
                return () -> Map.of(new SlowToHash(gate), 1);
            }
        },
        COMPARISON {
            @Override
            Call<Object> call(String gate) {
                return () -> new TreeSet<>(Set.of(new SlowToCompare(gate, 1), new SlowToCompare(gate, 2)));
            }
        },
        EXCEPTION {
            @Override
            Call<Object> call(String gate) {
                return () -> {
                    throw new SlowException(gate);
                };
            }
        };

        abstract Call<Object> call(String gate);
    }

    /** Submits a call, and waits until its answer is being read. */
    private <T> ConcurrentFuture<T> submit(ProcessPool pool, Call<T> call) throws InterruptedException {
        var future = pool.submit(call);
        gateway.reached.await();
        return future;
    }

    @ParameterizedTest
    @EnumSource
    void cancelWhileTheAnswerIsReadFreesTheWorker(Way way) throws Exception {
        long worker = pool.submit(Gate::pid).result();
        var slow = submit(pool, way.call(gate));
        assertThat(slow.isDone()).isFalse();
        slow.cancel(true);

        assertThat(slow.isCancelled()).isTrue();
        gateway.interrupted.await();
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
        assertThat(readers(pool)).isEqualTo(2);
    }

    /** A hostile answer may have millions of elements that take long; only one more of them is made. */
    @Test
    void anAnswerThatIsNoLongerWantedIsNotReadFurther() throws Exception {
        String name = gate;
        var slow = submit(
                pool,
                () -> IntStream.range(0, 1_000)
                        .mapToObj(each -> new Interruptible(name, each))
                        .toList());
        slow.cancel(true);
        gateway.interrupted.await();

        await().until(() -> readers(pool) == 1);
        assertThat(gateway.passing.get()).isEqualTo(1);
    }

    /** The test takes a second, the least time that the reading of an answer has. */
    @Test
    void anAnswerThatIsNotReadWithinTheLimitOfItsCallIsDropped() {
        long worker = pool.submit(Gate::pid).result();
        var _ = pool.submit(Way.HASH_CODE.call("open")).result(); // loads the classes
        var late = pool.submit(Way.HASH_CODE.call(gate), LIMITED);

        assertThatThrownBy(late::result)
                .hasRootCauseInstanceOf(TimeoutException.class)
                .cause()
                .hasMessageContaining("was not read in this program in time: the call has a limit of PT0.05S")
                .hasMessageContaining("equal hash codes")
                .hasMessageContaining("SlowEndTest$Gateway.pass");
        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
    }

    /** The test takes a quarter of a second, or two, until another thread relieves the reader. */
    @Test
    void callsGoOnWhileAnotherAnswerIsRead() throws Exception {
        long worker = pool.submit(Gate::pid).result();
        var slow = submit(pool, Way.CONSTRUCTOR.call(gate));
        var others = IntStream.range(0, 20)
                .mapToObj(_ -> pool.submit(Gate::pid, LIMITED))
                .toList();
        assertThat(others).allMatch(each -> each.result() == worker);
        assertThat(slow.isDone()).isFalse();
        gateway.open.countDown();

        assertThat(slow.result()).isEqualTo(new Slow(gate, 0));
    }

    @Test
    void otherCallsOfTheWorkerGoOnWhileACallbackRuns() throws Exception {
        String in = folder.toString();
        long worker = pool.submit(Gate::pid).result();
        pool.submit(() -> Gate.pass(in, "call")).addDoneCallback(_ -> gateway.pass());
        Gate.open(folder, "call");
        gateway.reached.await();

        assertThat(pool.submit(Gate::pid).result()).isEqualTo(worker);
        assertThat(gateway.interrupted.getCount()).as("not interrupted").isEqualTo(1);
    }

    @Test
    void aCallThatIsLostWithItsWorkerEndsWhileAnAnswerIsRead() throws Exception {
        try (var own = TestPools.of(1)) {
            var slow = submit(own, Way.CONSTRUCTOR.call(gate));
            assertThatThrownBy(own.submit(() -> Runtime.getRuntime().exit(7))::result)
                    .isInstanceOf(WorkerDiedException.class)
                    .hasMessageContaining("exit code 7");
            assertThat(own.submit(() -> 1).result()).isEqualTo(1);
            gateway.open.countDown();

            assertThat(slow.result()).isEqualTo(new Slow(gate, 0));
        }
    }

    @Test
    void anExceptionOfAnInitializerThatIsNotMadeInTimeIsReplaced() throws Exception {
        String name = gate;
        try (var own = TestPools.builder(1)
                .closeGrace(Duration.ofMillis(50))
                .startRetryTime(Duration.ofMillis(1))
                .initializer(() -> {
                    throw new SlowException(name);
                })
                .build()) {
            assertThat(own.submit(() -> 1).exception())
                    .containsInstanceOf(BrokenExecutorException.class)
                    .hasValueSatisfying(e -> assertThat(e)
                            .hasMessageContaining("The initializer failed: ")
                            .hasMessageContaining("SlowException: " + name)
                            .hasRootCauseInstanceOf(RemoteException.class));
        }
        gateway.interrupted.await();
    }

    /** The ways to end a pool. */
    enum End {
        SHUTDOWN_NOW,
        TERMINATE_WORKERS,
        KILL_WORKERS,
        CLOSE;

        void begin(ProcessPool pool) {
            switch (this) {
                case SHUTDOWN_NOW -> pool.shutdownNow();
                case TERMINATE_WORKERS -> pool.terminateWorkers();
                case KILL_WORKERS -> pool.killWorkers();
                case CLOSE -> {} // follows anyway
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPoolEndsWhileAnAnswerIsRead(End end) throws Exception {
        var own = TestPools.builder(1).closeGrace(Duration.ofMillis(50)).build();
        var slow = submit(own, Way.CONSTRUCTOR.call(gate));
        end.begin(own);
        own.close();

        assertThat(own.isTerminated()).isTrue();
        assertThat(slow.isDone()).isTrue();
        if (end == End.CLOSE) {
            assertThat(slow.exceptionNow())
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("was shut down and could not end, and PT0.05")
                    .hasMessageContaining("SlowEndTest$Gateway.pass");
        } else {
            assertThat(slow.isCancelled()).isTrue();
        }
        gateway.interrupted.await();
    }

    /**
     * Of these one is read by a thread that was relieved, and keeps the next from being relieved; others are not read
     * yet.
     */
    @Test
    void aPoolClosesWhileSeveralAnswersAreRead() throws Exception {
        var own = TestPools.builder(1).closeGrace(Duration.ofMillis(50)).build();
        var slow = IntStream.range(0, 3)
                .mapToObj(_ -> own.submit(Way.CONSTRUCTOR.call(gate)))
                .toList();
        gateway.reached.await();
        own.close();

        assertThat(slow).allSatisfy(each -> assertThat(each.exceptionNow()).isInstanceOf(TimeoutException.class));
    }

    @Test
    void closeWaitsForAnAnswerThatIsRead() throws Exception {
        var own = TestPools.of(1);
        var slow = submit(own, Way.CONSTRUCTOR.call(gate));
        own.shutdown();
        Gate.until(() -> own.workerPids().isEmpty());
        assertThat(own.isTerminated()).isFalse();
        gateway.open.countDown();
        own.close();

        assertThat(slow.resultNow()).isEqualTo(new Slow(gate, 0));
    }

    /** Takes a while to read in the program, and longer the larger its number is. */
    record Delayed(int number) {
        Delayed {
            if (Nesting.depth() == 0) {
                for (int i = 0; i < number % 50 * 2_000; i++) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    private static void waitFor(ConcurrentFuture<?> future) {
        if (!future.isCancelled()) {
            future.exception();
        }
    }

    /** Readers are relieved at whatever moment a call is cancelled, and there is always exactly one. */
    @Test
    void noAnswerIsLostWhenCallsAreCancelledWhileAnswersAreRead() {
        long died = pool.statistics().workersDied();
        var random = new SplittableRandom(1);
        List<ConcurrentFuture<Delayed>> futures = IntStream.range(0, 600)
                .mapToObj(number -> pool.submit(() -> new Delayed(number)))
                .toList();
        for (int i = 1; i < 600; i++) {
            if (random.nextBoolean()) {
                waitFor(futures.get(i - 1)); // so that the answer of this one is about to be read, or is being read
                for (int turns = random.nextInt(50_000); turns > 0; turns--) {
                    Thread.onSpinWait();
                }
                futures.get(i).cancel(random.nextBoolean());
            }
        }
        for (int i = 0; i < 600; i++) {
            if (!futures.get(i).isCancelled()) {
                assertThat(futures.get(i).result()).isEqualTo(new Delayed(i));
            }
        }
        assertThat(pool.submit(Gate::pid).result()).isPositive();
        assertThat(pool.statistics().workersDied()).isEqualTo(died);
    }

    @Test
    void threadsThatDoNotComeBackAreBounded() throws Exception {
        long worker = pool.submit(Gate::pid).result();
        Call<Object> call = Way.CONSTRUCTOR.call(gate);
        for (int i = 0; i < 8; i++) {
            var slow = pool.submit(call);
            Gate.until(() -> gateway.passing.get() == readers(pool));
            slow.cancel(true);
            assertThat(pool.submit(Gate::pid).result())
                    .as("plain, so it is read")
                    .isEqualTo(worker);
        }
        assertThatThrownBy(pool.submit(call)::result)
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("too many threads of " + "trestle-processpool")
                .hasMessageContaining("A thread dump shows what they are doing");
        assertThat(readers(pool)).isEqualTo(9);
        gateway.open.countDown();
        Gate.until(() -> readers(pool) == 1);

        assertThat(pool.submit(call).result()).isEqualTo(new Slow(gate, 0));
    }
}
