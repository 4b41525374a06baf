package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Timeout.ThreadMode.SEPARATE_THREAD;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Workers that do not read what they are sent, since they are stopped. Nothing that the program does may wait for them;
 * if it did, a test would not get to the line that lets the worker go on. A writer that waits cannot be interrupted:
 * hence the separate thread.
 */
@Timeout(value = 30, threadMode = SEPARATE_THREAD)
@ExtendWith(NothingLeft.class)
class StoppedWorkerTest {

    private static final int MUCH = 20 << 20;

    private static final ProcessPool pool = TestPools.of(1);

    @TempDir
    Path folder = Path.of("");

    private long stopped;

    @AfterAll
    static void close() {
        pool.close();
    }

    private static ProcessPool hastyPool() {
        return TestPools.builder(1)
                .cancelGrace(Duration.ofMillis(1))
                .closeGrace(Duration.ofMillis(1))
                .build();
    }

    private void stopWorkerOf(ProcessPool pool) throws Exception {
        stopped = pool.submit(Gate::pid).result();
        TestProcess.stop(stopped);
    }

    private void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(stopped))
                .redirectError(ProcessBuilder.Redirect.DISCARD) // it may have been killed
                .start()
                .waitFor();
    }

    @AfterEach
    void letItGoOn() throws Exception {
        signal("CONT");
    }

    /** Calls with arguments that are larger than all buffers, each of which returns their length. */
    static Stream<Call<Integer>> largeCalls() {
        byte[] array = new byte[MUCH];
        byte[][] arrays =
                IntStream.range(0, 20).mapToObj(_ -> new byte[MUCH / 20]).toArray(byte[][]::new);
        String text = "x".repeat(MUCH);
        List<String> texts = IntStream.range(0, 20_000)
                .mapToObj(i -> "x".repeat(999) + i % 10)
                .toList();
        return Stream.of(
                () -> array.length,
                () -> Stream.of(arrays).mapToInt(each -> each.length).sum(),
                text::length,
                () -> texts.stream().mapToInt(String::length).sum());
    }

    @ParameterizedTest
    @MethodSource("largeCalls")
    void aLargeCallIsTakenWithoutWaiting(Call<Integer> call) throws Exception {
        stopWorkerOf(pool);
        var large = pool.submit(call);
        var behind = pool.submit(Gate::pid);
        assertThat(large.isDone()).isFalse();
        signal("CONT");

        assertThat(large.result()).isGreaterThanOrEqualTo(MUCH * 9 / 10);
        assertThat(behind.result()).isEqualTo(stopped);
    }

    @Test
    void callsAreReadInTheOrderInWhichTheyWereSubmitted() throws Exception {
        String in = folder.toString();
        byte[] array = new byte[MUCH];
        stopWorkerOf(pool);
        List<ConcurrentFuture<Integer>> calls = IntStream.range(0, 8)
                .mapToObj(
                        i -> pool.submit(i % 2 == 0 ? () -> Gate.number(in) : () -> 0 * array.length + Gate.number(in)))
                .toList();
        signal("CONT");

        assertThat(calls).extracting(ConcurrentFuture::result).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    }

    @Test
    void cancellingCallsDoesNotWaitEither() throws Exception {
        stopWorkerOf(pool);
        List<ConcurrentFuture<Integer>> calls =
                Stream.generate(() -> pool.submit(() -> 1)).limit(100).toList();
        calls.forEach(each -> each.cancel(true));
        signal("CONT");

        assertThat(calls).allMatch(ConcurrentFuture::isCancelled);
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }

    @Test
    void aCallCancelledWhileItIsWrittenEndsAtOnce() throws Exception {
        byte[] array = new byte[MUCH];
        try (var hasty = hastyPool()) {
            stopWorkerOf(hasty);
            var large = hasty.submit(() -> array.length);
            large.cancel(true);

            assertThat(large.isCancelled()).isTrue();
            assertThat(hasty.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    @Test
    void closeIsBoundedWhileACallIsWritten() throws Exception {
        byte[] array = new byte[MUCH];
        try (var hasty = hastyPool()) {
            stopWorkerOf(hasty);
            var large = hasty.submit(() -> array.length);
            hasty.shutdownNow();
            hasty.close();

            assertThat(large.isCancelled()).isTrue();
            assertThat(hasty.isTerminated()).isTrue();
        }
    }

    @Test
    void closeIsBoundedWhenAnIdleWorkerDoesNotReadItsGoodbye() throws Exception {
        var hasty = hastyPool();
        stopWorkerOf(hasty);
        hasty.close();

        assertThat(hasty.isTerminated()).isTrue();
    }

    @Test
    void otherWorkersGetTheirCallsMeanwhile() throws Exception {
        byte[] array = new byte[MUCH];
        try (var two = TestPools.of(2)) {
            stopWorkerOf(two);
            var large = two.submit(() -> array.length);
            for (int i = 0; i < 3; i++) {
                assertThat(two.submit(Gate::pid).result()).isNotEqualTo(stopped);
            }
            assertThat(large.isDone()).isFalse();
            signal("CONT");

            assertThat(large.result()).isEqualTo(MUCH);
        }
    }
}
