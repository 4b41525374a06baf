package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Large arrays that go through memory, beside a connection that carries all the rest. */
@Timeout(60)
class ArrayRingTest {

    private static final long LIMIT = 64 << 20;

    @TempDir
    Path folder = Path.of("");

    private Pipe pipe = pipeLater();
    private FrameChannel pool = channelLater();
    private FrameChannel worker = channelLater();
    private ArrayRing poolRing = ringLater();

    @SuppressWarnings("NullAway") // set before each test
    private static Pipe pipeLater() {
        return null;
    }

    @SuppressWarnings("NullAway")
    private static FrameChannel channelLater() {
        return null;
    }

    @SuppressWarnings("NullAway")
    private static ArrayRing ringLater() {
        return null;
    }

    /** Connects a pool's channel, which writes, and a worker's, which reads. */
    @BeforeEach
    void connect() throws IOException {
        Path file = folder.resolve("w1.ring");
        poolRing = ArrayRing.create(file);
        pipe = Pipe.open();
        pool = new FrameChannel(new PipeConnection(pipe), LIMIT);
        pool.use(poolRing);
        worker = new FrameChannel(new PipeConnection(pipe), LIMIT);
        worker.use(ArrayRing.open(file));
        assertThat(file).doesNotExist();
    }

    @AfterEach
    void disconnect() throws IOException {
        pipe.sink().close();
        pipe.source().close();
    }

    private static Payload payload(List<Object> arrays) {
        return new Payload(List.of(ByteBuffer.wrap(new byte[100])), arrays);
    }

    private static Object random(ArrayKind kind, int length) {
        var bytes = new byte[length * kind.width()];
        new Random(length).nextBytes(bytes);
        Object array = kind.allocate(length);
        kind.get(ByteBuffer.wrap(bytes), array, 0, length);
        return array;
    }

    private List<Object> sent(List<Object> arrays) throws Exception {
        var reading = new FutureTask<>(() -> worker.read());
        Thread.ofPlatform().daemon().start(reading);
        pool.write(new Frame.Call(1, payload(arrays)), new Frame.TakeBack(7));
        var call = (Frame.Call) reading.get();
        assertThat(worker.read()).isEqualTo(new Frame.TakeBack(7));
        return call.payload().arrays();
    }

    @ParameterizedTest
    @EnumSource
    void arraysOfEachKindAndOfOddSizesArriveWhole(ArrayKind kind) throws Exception {
        var arrays = new ArrayList<Object>();
        for (int bytes : new int[] {
            8,
            ArrayRing.LEAST - 8,
            ArrayRing.LEAST,
            ArrayRing.SLOT - 8,
            ArrayRing.SLOT,
            ArrayRing.SLOT + 8,
            2 * ArrayRing.SLOT,
            5 * ArrayRing.SLOT + 24,
            0
        }) {
            arrays.add(random(kind, bytes / kind.width()));
        }
        for (int i = 0; i < 3; i++) {
            assertThat(Arrays.deepEquals(sent(arrays).toArray(), arrays.toArray()))
                    .isTrue();
        }
    }

    @Test
    void elementsDoNotGoThroughTheConnection() throws Exception {
        var bytes = new FrameChannelTest.Bytes();
        var alone = new FrameChannel(bytes, LIMIT);
        alone.use(poolRing);
        alone.write(new Frame.Call(1, payload(List.of(new byte[2 * ArrayRing.SLOT]))));
        assertThat(bytes.all()).hasSizeLessThan(200);
    }

    /** Sends as a submitting thread does, which must not wait, and then as a thread of the timer. */
    @Test
    void aWriterThatMayNotWaitLeavesTheRestToOneThatMay() throws Exception {
        Object array = random(ArrayKind.LONG, 1_000_000);
        assertThat(pool.tryWrite(new Frame.Call(1, payload(List.of(array))))).isFalse();
        assertThat(pool.tryWrite(new Frame.TakeBack(7))).isFalse();
        assertThat(pool.sendWithin(Duration.ofMillis(20)))
                .as("while nothing is read")
                .isFalse();
        var reading = new FutureTask<>(() -> worker.read());
        Thread.ofPlatform().daemon().start(reading);
        while (!pool.sendWithin(Duration.ofMillis(100))) {
            Thread.onSpinWait();
        }
        Object[] arrived = ((Frame.Call) reading.get()).payload().arrays().toArray();
        assertThat(Arrays.deepEquals(arrived, new Object[] {array})).isTrue();
        assertThat(worker.read()).isEqualTo(new Frame.TakeBack(7));
    }

    @Test
    void aWriterThatWaitsForTheRingNoticesTheEndOfTheConnection() throws Exception {
        var writing = new FutureTask<>(() -> {
            pool.write(new Frame.Call(1, payload(List.of(new long[1_000_000]))));
            return true;
        });
        Thread writer = Thread.ofPlatform().daemon().start(writing);
        while (poolRing.hasRoom()) {
            Thread.onSpinWait();
        }
        pool.close();
        assertThatThrownBy(writing::get).hasRootCauseInstanceOf(IOException.class);
        assertThat(writer.join(Duration.ofSeconds(10))).isTrue();
    }

    @Test
    void aWriterThatIsInterruptedWaitsOnAndKeepsItsInterrupt() throws Exception {
        var writing = new FutureTask<>(() -> {
            Thread.currentThread().interrupt();
            pool.write(new Frame.Call(1, payload(List.of(new long[1_000_000]))));
            return Thread.interrupted();
        });
        var uninterrupted = new FrameChannel(
                new Connection() {
                    @Override
                    public int read(ByteBuffer target) {
                        return -1;
                    }

                    @Override
                    public int write(ByteBuffer source) {
                        int count = source.remaining();
                        source.position(source.limit());
                        return count;
                    }

                    @Override
                    public boolean isOpen() {
                        return true;
                    }

                    @Override
                    public void close() {}
                },
                LIMIT);
        uninterrupted.use(poolRing);
        pool = uninterrupted;
        Thread writer = Thread.ofPlatform().daemon().start(writing);
        while (poolRing.hasRoom()) {
            Thread.onSpinWait();
        }
        assertThat(writer.join(Duration.ofMillis(50))).isFalse();
        ArrayRing other = poolRing.otherSide();
        while (!writing.isDone()) {
            other.taken();
            Thread.onSpinWait();
        }
        assertThat(writing.get()).isTrue();
    }

    /** A worker may claim to have taken more than it was sent, or nothing at all. */
    @ParameterizedTest
    @ValueSource(longs = {-1, 5, Long.MAX_VALUE, Long.MIN_VALUE})
    void aWrongCountOnlySpoilsWhatItsSenderGets(long count) {
        ArrayRing other = poolRing.otherSide();
        other.claim(count);
        poolRing.slot().put(0, (byte) 1);
        boolean before = poolRing.hasRoom();
        assertThat(before).isIn(true, false);
        assertThat(poolRing.awaitRoom(Duration.ofMillis(1))).isEqualTo(before);
    }

    @Test
    void aRingIsMadeOnceAndOpenedWhereItIs() {
        Path file = folder.resolve("again.ring");
        assertThatThrownBy(() -> ArrayRing.open(file)).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> {
                    var _ = ArrayRing.create(file);
                    var _ = ArrayRing.create(file);
                })
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(Files.exists(file)).isTrue();
    }
}
