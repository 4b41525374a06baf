package dev.trestle.processpool.child;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.values.CallDecoder;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.TestChannels;
import dev.trestle.processpool.wire.WireOptions;
import dev.trestle.processpool.wire.WorkerJournal;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A worker's record of calls that it has dropped. */
@Timeout(30)
class CallRunnerTest {

    private static final int LIMIT = 1 << 20;

    @TempDir
    Path folder = Path.of("");

    /** Takes bytes when the test lets it. */
    private static final class Slow implements ByteChannel {
        private final CountDownLatch isWriting = new CountDownLatch(1);
        private final CountDownLatch goesOn = new CountDownLatch(1);

        @Override
        public int write(ByteBuffer from) {
            isWriting.countDown();
            boolean interrupted = false;
            while (true) {
                try {
                    goesOn.await();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            int count = from.remaining();
            from.position(from.limit());
            return count;
        }

        @Override
        public int read(ByteBuffer to) {
            return -1;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            // there is nothing to close
        }
    }

    /**
     * A call is dropped while the connection is busy. When the next call begins, whose code may end the JVM at once,
     * the record must have that the one before was dropped: its number is smaller, so it would count as begun.
     */
    @Test
    void aDroppedCallIsInTheRecordBeforeTheNextBegins() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            WorkerJournal record = WorkerJournal.open(file, 1);
            var slow = new Slow();
            var channel = TestChannels.ofWorker(slow, LIMIT, record);
            var decoder =
                    new CallDecoder(new WireOptions(LIMIT, Set.of()), getClass().getClassLoader());
            var runner = CallRunner.create(channel, decoder, record, new Reports(channel, 1), 1);
            assertThat(runner.begin(5)).isTrue();

            var answers = started(() -> channel.write(new Frame.Cancelled(5)));
            slow.isWriting.await();
            Thread dropping = started(() -> runner.takeBack(6));
            while (dropping.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            var seen = new FutureTask<List<Frame>>(() -> {
                assertThat(runner.begin(6)).as("the call was dropped").isFalse();
                assertThat(runner.begin(7)).isTrue();
                return FrameChannel.framesIn(reader.held(), LIMIT);
            });
            Thread calls = Thread.ofPlatform().start(seen);
            while (calls.isAlive() && calls.getState() != Thread.State.BLOCKED) {
                Thread.onSpinWait();
            }
            slow.goesOn.countDown();

            assertThat(seen.get()).contains(new Frame.Cancelled(6));
            assertThat(answers.join(Duration.ofSeconds(10))).isTrue();
            assertThat(dropping.join(Duration.ofSeconds(10))).isTrue();
        }
    }

    @Test
    void aWorkerIsIdleOnlyIfNoPlaceHasACall() throws Exception {
        Path file = folder.resolve("places");
        try (var _ = WorkerJournal.create(file, 2)) {
            WorkerJournal record = WorkerJournal.open(file, 2);
            var channel = TestChannels.ofWorker(new Slow(), LIMIT, record);
            var decoder =
                    new CallDecoder(new WireOptions(LIMIT, Set.of()), getClass().getClassLoader());
            var runner = CallRunner.create(channel, decoder, record, new Reports(channel, 2), 2);
            assertThat(runner.idleAfter()).isZero();

            runner.take(new Frame.Call(1, Payload.EMPTY));
            assertThat(runner.idleAfter()).as("handed to a place").isEqualTo(IdleHeap.BUSY);
        }
    }

    private interface Action {
        void run() throws Exception;
    }

    private static Thread started(Action action) {
        return Thread.ofPlatform().start(() -> {
            try {
                action.run();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }
}
