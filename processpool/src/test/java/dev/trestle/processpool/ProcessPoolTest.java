package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.RunnableCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A pool when nothing goes wrong. For the rules of every executor see {@link ProcessPoolContractTest}. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class ProcessPoolTest {

    private static final ProcessPool pool = new ProcessPool(2);

    @AfterAll
    static void close() {
        pool.close();
    }

    record Point(int x, int y) {
        Point mirrored() {
            return new Point(y, x);
        }
    }

    @Test
    void aCallRunsInAnotherProcess() {
        assertThat(pool.submit(Gate::pid).result()).isNotEqualTo(Gate.pid()).isIn(pool.workerPids());
    }

    @Test
    void capturedValuesTravelAndResultsComeBack() {
        var point = new Point(1, 2);

        assertThat(pool.submit(() -> point.mirrored()).result()).isEqualTo(new Point(2, 1));
        assertThat(pool.submit(point::mirrored).result()).isEqualTo(new Point(2, 1));
        assertThat(pool.submit(() -> List.of(point, point.mirrored())).result())
                .containsExactly(new Point(1, 2), new Point(2, 1));
    }

    @Test
    void oneCallerAtATimeNeedsOneWorker() {
        try (var fresh = TestPools.of(4)) {
            for (int i = 0; i < 20; i++) {
                fresh.submit(Gate::pid).result();
            }
            assertThat(fresh.statistics().workersStarted()).isEqualTo(1);
        }
    }

    @Test
    void aLargeCallAndALargeResultPass() {
        byte[] large = new byte[20 << 20];
        large[large.length - 1] = 7;

        byte[] back = pool.submit(() -> large).result();
        assertThat(back).hasSameSizeAs(large).endsWith(7);
    }

    @Test
    void mapKeepsTheOrderOfItsInputs() {
        List<Integer> inputs = IntStream.range(0, 1000).boxed().toList();
        try (Stream<Integer> squares = pool.map(x -> x * x, inputs)) {
            assertThat(squares).isEqualTo(inputs.stream().map(x -> x * x).toList());
        }
    }

    @Test
    void aCallThatCannotTravelIsRefusedInTheCaller() {
        var thread = Thread.currentThread();
        long before = pool.statistics().submitted();
        Callable<Integer> plain = () -> 1;

        assertThatThrownBy(() -> pool.submit(() -> thread.getName()))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("java.lang.Thread");
        assertThatThrownBy(() -> pool.submit(plain)).isInstanceOf(CallNotSerializableException.class);
        assertThat(pool.statistics().submitted()).isEqualTo(before);
    }

    @Test
    void aResultThatCannotTravelFailsItsCallAndTheWorkerLives() {
        List<Long> workers = List.of(pool.submit(Gate::pid).result());
        var future = pool.submit(() -> Thread.currentThread());

        assertThatThrownBy(future::result)
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("java.lang.Thread");
        assertThat(pool.submit(Gate::pid).result()).isIn(workers);
    }

    @Test
    void anExceptionShowsWhereItWasThrownInTheWorker() {
        var future = pool.submit(() -> Integer.parseInt("no number"));

        assertThatThrownBy(future::result)
                .isInstanceOf(NumberFormatException.class)
                .hasMessageContaining("no number")
                .hasStackTraceContaining("Integer.parseInt");
    }

    @Test
    void unknownExceptionArrivesAsRemoteException() {
        var future = pool.submit(() -> Odd.thrown(3));

        assertThatThrownBy(future::result).isInstanceOfSatisfying(RemoteException.class, e -> {
            assertThat(e.remoteClassName()).isEqualTo(Odd.class.getName());
            assertThat(e).hasMessageContaining("odd: 3").hasRootCauseMessage("the cause");
            assertThat(e.reason()).contains("Odd(java.lang.Thread, int)");
            assertThat(e).hasMessageEndingWith(" [not the original exception: " + e.reason() + "]");
            assertThat(e.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("thrown"));
        });
    }

    /** No constructor takes a message, and there is no way back from the message to the number. */
    static final class Odd extends RuntimeException {
        private static final long serialVersionUID = 1;

        private Odd(Thread number, int value) {
            super("odd: " + value + (number == null ? "?" : ""), new IllegalStateException("the cause"));
        }

        static int thrown(int number) {
            throw new Odd(Thread.currentThread(), number);
        }
    }

    @Test
    void anInterruptedSubmitterDoesNoHarm() {
        Thread.currentThread().interrupt();
        var future = pool.submit(Gate::pid);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(future.result()).isIn(pool.workerPids());
        assertThat(pool.statistics().workersDied()).isZero();
    }

    @Test
    void manyThreadsSubmitAtOnce() throws Exception {
        var futures = new ArrayList<Future<Integer>>();
        var submitters = new ArrayList<Thread>();
        for (int t = 0; t < 8; t++) {
            submitters.add(Thread.ofVirtual().start(() -> {
                for (int i = 0; i < 100; i++) {
                    int number = i;
                    var future = pool.submit(() -> number);
                    synchronized (futures) {
                        futures.add(future);
                    }
                }
            }));
        }
        for (Thread submitter : submitters) {
            submitter.join();
        }
        int sum = 0;
        for (Future<Integer> future : futures) {
            sum += future.get();
        }
        assertThat(sum).isEqualTo(8 * 99 * 100 / 2);
    }

    @Test
    void stdinIsEmptyForCalls() {
        assertThat(pool.submit(() -> System.in.read()).result()).isEqualTo(-1);
    }

    @Test
    void executeTakesALambda(@TempDir Path folder) {
        String in = folder.toString();
        pool.execute(() -> write(in, "lambda"));
        RunnableCall call = () -> write(in, "call");
        pool.execute(call);

        await().until(() -> Files.exists(folder.resolve("lambda")) && Files.exists(folder.resolve("call")));
    }

    private static void write(String folder, String name) {
        try {
            Files.createFile(Path.of(folder, name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aPoolDescribesItself() {
        pool.submit(() -> 1).result();

        assertThat(pool.toString())
                .matches("ProcessPool\\[trestle-processpool-\\d+, open, workers=\\d/2, busy=\\d, queued=0]");
        assertThat(pool.parallelism()).isEqualTo(2);
    }
}
