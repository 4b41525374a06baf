package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Reports of running calls, and their listeners. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class WorkerContextTest {

    private static final ProcessPool pool =
            TestPools.builder(1).cancelGrace(Duration.ofSeconds(20)).build();

    @TempDir
    Path folder = Path.of("");

    @AfterAll
    static void close() {
        pool.close();
    }

    /** Writes down what it hears. */
    private static final class Ear implements CallListener {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

        @Override
        public void progress(double fraction, String text) {
            heard.add(fraction + " " + text);
        }

        @Override
        public void message(String text) {
            heard.add(text);
        }

        CallOptions options() {
            return CallOptions.DEFAULT.withListener(this);
        }

        /** Returns what was heard up to the given report. */
        List<String> until(String last) throws InterruptedException {
            var all = new ArrayList<String>();
            do {
                all.add(heard.take());
            } while (!all.getLast().equals(last));
            return all;
        }
    }

    @Test
    void reportsArriveWhileTheCallRuns() throws Exception {
        var ear = new Ear();
        String in = folder.toString();
        var future = pool.submit(
                () -> {
                    WorkerContext.current().message("hello");
                    Gate.pass(in, "first");
                    WorkerContext.current().progress(0.5, "half");
                    return Gate.pass(in, "second");
                },
                ear.options());

        assertThat(ear.until("hello")).containsExactly("hello");
        Gate.open(folder, "first");
        assertThat(ear.until("0.5 half")).containsExactly("0.5 half");
        assertThat(future.isDone()).isFalse();
        Gate.open(folder, "second");
        assertThat(future.result()).isEqualTo("second");
    }

    @Test
    void ofAFloodOfProgressTheLatestIsHeardAndNotMuchElse() throws Exception {
        var ear = new Ear();
        int steps = 1_000_000;
        pool.submit(
                        () -> {
                            var context = WorkerContext.current();
                            for (int i = 0; i <= steps; i++) {
                                context.progress(i / (double) steps);
                            }
                        },
                        ear.options())
                .result();

        assertThat(ear.until("1.0 "))
                .hasSizeLessThan(1_000)
                .isSortedAccordingTo((a, b) -> Double.compare(Double.parseDouble(a), Double.parseDouble(b)));
    }

    @Test
    void ofAFloodOfMessagesTheLatestAreHeardInOrder() throws Exception {
        var ear = new Ear();
        pool.submit(
                        () -> {
                            for (int i = 0; i < 100_000; i++) {
                                WorkerContext.current().message("message " + (100_000 + i));
                            }
                        },
                        ear.options())
                .result();

        List<String> heard = ear.until("message 199999");
        assertThat(heard).hasSizeLessThan(20_000).anyMatch(text -> text.endsWith("messages were too many)"));
        assertThat(heard.stream().filter(text -> text.startsWith("message"))).isSorted();
    }

    @Test
    void aListenerThatIsSlowOrThrowsDelaysNoCall() throws Exception {
        var slow = new CountDownLatch(1);
        var heard = new LinkedBlockingQueue<String>();
        CallListener listener = new CallListener() {
            @Override
            public void progress(double fraction, String text) {
                heard.add(text);
            }

            @Override
            public void message(String text) {
                try {
                    slow.await();
                } catch (InterruptedException e) {
                    heard.add("interrupted");
                }
                throw new IllegalStateException("the listener of a test throws");
            }
        };
        pool.submit(() -> WorkerContext.current().message("wait"), CallOptions.DEFAULT.withListener(listener))
                .result();
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);

        pool.submit(() -> WorkerContext.current().progress(1, "other"), CallOptions.DEFAULT.withListener(listener))
                .result();
        assertThat(heard.take()).isEqualTo("other");
        slow.countDown();
    }

    @Test
    void aCallAsksWhetherItWasCancelledWithoutBeingInterrupted() throws Exception {
        String in = folder.toString();
        var future = pool.submit(() -> untilCancelled(in));
        Gate.await(folder, "runs");

        assertThat(future.cancel(false)).isTrue();
        Gate.await(folder, "politely");
        assertThat(pool.submit(() -> WorkerContext.current().isCancelled()).result())
                .isFalse();
    }

    @Test
    void aCallThatIsLateIsCancelled() {
        String in = folder.toString();
        var future = pool.submit(() -> untilCancelled(in), CallOptions.DEFAULT.withTimeout(Duration.ofMillis(50)));

        assertThat(future.exception()).isPresent();
        Gate.await(folder, "interrupted");
    }

    private static String untilCancelled(String folder) throws IOException {
        Gate.mark(folder, "runs");
        var context = WorkerContext.current();
        while (!context.isCancelled()) {
            LockSupport.parkNanos(1_000_000);
        }
        return Gate.mark(folder, Thread.currentThread().isInterrupted() ? "interrupted" : "politely");
    }

    @Test
    void aContextThatOutlivesItsCallIsHarmless() throws Exception {
        var ear = new Ear();
        String in = folder.toString();
        pool.submit(
                        () -> {
                            var context = WorkerContext.current();
                            Thread.ofPlatform().daemon().start(() -> reportAfter(in, context));
                        },
                        ear.options())
                .result();
        Gate.open(folder, "end");
        Gate.await(folder, "reported");
        pool.submit(() -> WorkerContext.current().message("last"), ear.options())
                .result();

        assertThat(ear.until("last")).containsExactly("last");
    }

    private static void reportAfter(String folder, WorkerContext context) {
        try {
            Gate.pass(folder, "end");
            context.message("late");
            context.progress(1);
            Gate.mark(folder, "reported");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void reportsOfAnInitializerAreDropped() {
        try (var own = TestPools.builder(1)
                .initializer(() -> WorkerContext.current().progress(0.5))
                .build()) {
            assertThat(own.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    @Test
    void reportsOutsideOfAWorkerAreDropped() {
        var context = WorkerContext.current();
        context.progress(0.5);
        context.message("dropped");
        assertThat(context.isCancelled()).isFalse();
        assertThat(context).hasToString("WorkerContext[no call]");

        Thread.currentThread().interrupt();
        assertThat(context.isCancelled()).isTrue();
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void progressIsANumber() {
        assertThatThrownBy(() -> WorkerContext.current().progress(0.0 / 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not NaN");
    }

    @Test
    void reportsOfManyCallsAreHeardByTheirOwnListeners() {
        var ears = new ArrayList<Ear>();
        var futures = new ArrayList<ConcurrentFuture<?>>();
        for (int i = 0; i < 200; i++) {
            var ear = new Ear();
            String text = "call " + i;
            futures.add(pool.submit(() -> WorkerContext.current().message(text), ear.options()));
            ears.add(ear);
        }
        for (int i = 0; i < 200; i++) {
            var heard = ears.get(i).heard;
            Gate.until(() -> !heard.isEmpty());
            assertThat(heard).containsExactly("call " + i);
            futures.get(i).result();
        }
    }
}
