package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames arrive as they were sent, and what is no frame is recognized. */
@Timeout(30)
class FrameChannelTest {

    private static final long LIMIT = 8 << 20;

    static Stream<Frame> frames() {
        var failure = new Failure(
                "a.B",
                null,
                List.of(
                        new StackTraceElement(null, "m", null, "a.C", "d", "C.java", 3),
                        new StackTraceElement("a.C", "e", null, -2)),
                new Failure("c.D", "cause", List.of(), null, List.of(), Failure.NO_STATE, true),
                List.of(new Failure("e.F", "suppressed", List.of(), null, List.of(), Failure.NO_STATE, false)),
                Failure.NO_STATE,
                false);
        return Stream.of(
                new Frame.Cancelled(-1),
                new Frame.Failed(Long.MAX_VALUE, Frame.Phase.RUNNING, failure, 12),
                new Frame.Failed(1, Frame.Phase.DECODING, failure, 0),
                Frame.Cancel.interrupting(7),
                Frame.Cancel.withoutInterrupt(8),
                new Frame.TakeBack(7),
                new Frame.Unshare(8),
                new Frame.Credit(7, 1L << 40),
                new Frame.Cancelled(7),
                new Frame.Progress(7, 0.5, "half"),
                new Frame.ThreadDumpRequest(),
                new Frame.ThreadDump("\"main\" RUNNABLE\n\tat x"),
                new Frame.Goodbye("grüß"),
                new Frame.Introduction(
                        1, "reports", "a", "host", 4711, "25.0.1", 8, 127, "", Map.of("app.jar", "0af1")),
                new Frame.Places(8),
                new Frame.Lost(7, new DeathReport("w", 4711, null, Step.RUNNING, 1, null, "", "")),
                new Frame.Lost(
                        8,
                        new DeathReport(
                                "w",
                                4711,
                                new DeathReport.Exit(137, 0, "its sender is unknown", true),
                                Step.DECODING,
                                2,
                                "it was late",
                                "last words",
                                "# crash")),
                new Frame.Inquiry(7, true),
                new Frame.Status(7, true, Step.ENCODING, 12, "main RUNNABLE"),
                new Frame.Fatal(failure));
    }

    @Test
    void theReaderKnowsWhetherTheNextFrameIsHere() throws IOException {
        var bytes = new Bytes();
        var writing = new FrameChannel(bytes, LIMIT);
        writing.append(new Frame.Goodbye("one"));
        writing.append(new Frame.Goodbye("two"));
        assertThat(bytes.writes).isZero();
        writing.flush();
        assertThat(bytes.writes).isEqualTo(1);

        var whole = new FrameChannel(bytes, LIMIT);
        assertThat(whole.isNextHere()).as("before anything was read").isFalse();
        whole.read();
        assertThat(whole.isNextHere()).isTrue();
        whole.read();
        assertThat(whole.isNextHere()).as("after the last").isFalse();

        bytes.flip(bytes.all());
        bytes.piece = bytes.all().length - 1;
        var partial = new FrameChannel(bytes, LIMIT);
        partial.read();
        assertThat(partial.isNextHere()).as("while a byte is missing").isFalse();
        assertThat(partial.read()).isEqualTo(new Frame.Goodbye("two"));
    }

    @ParameterizedTest
    @MethodSource("frames")
    void aFrameArrivesAsItWasSent(Frame frame) throws IOException {
        var bytes = new Bytes();

        new FrameChannel(bytes, LIMIT).write(frame);

        assertThat(new FrameChannel(bytes, LIMIT).read())
                .usingRecursiveComparison()
                .isEqualTo(frame);
    }

    @Test
    void helloSaysWhichWorkerItIs() throws IOException {
        var bytes = new Bytes();
        var hello = new Frame.Hello(1, 4711, "25.0.1");

        new FrameChannel(bytes, LIMIT).write(hello);

        assertThat(new FrameChannel(bytes, LIMIT).read()).isEqualTo(hello);
    }

    @Test
    void aFailuresStateArrives() throws IOException {
        var bytes = new Bytes();
        var failure = new Failure("a.B", "m", List.of(), null, List.of(), new byte[] {9, 8}, false);

        new FrameChannel(bytes, LIMIT).write(new Frame.Fatal(failure));

        assertThat(new FrameChannel(bytes, LIMIT).read())
                .isInstanceOfSatisfying(
                        Frame.Fatal.class,
                        arrived -> assertThat(arrived.failure().state()).containsExactly(9, 8));
    }

    static List<Object> arrays() {
        return List.of(
                new byte[] {1, -1},
                new boolean[] {true, false, true},
                new short[] {1, -1},
                new char[] {'a', '\uFFFF'},
                new int[] {1, Integer.MIN_VALUE},
                new long[] {1, Long.MIN_VALUE},
                new float[] {1, Float.NaN},
                new double[] {1, Double.NaN},
                new byte[0],
                new long[100_000],
                new byte[3_000_001],
                new char[200_001]);
    }

    @Test
    void payloadsArriveWithAllTheirArraysAndAllTheirPieces() throws IOException {
        var bytes = new Bytes();
        List<Object> arrays = arrays();
        long[] numbers = (long[]) arrays.get(9);
        Arrays.setAll(numbers, i -> i * 31L);
        var payload = new Payload(
                List.of(ByteBuffer.wrap(new byte[70_000]), ByteBuffer.wrap(new byte[] {1, 2, 3}, 1, 2)), arrays);
        var channel = new FrameChannel(bytes, LIMIT);

        channel.write(new Frame.Call(1, payload), new Frame.Result(2, payload, 99));

        var reading = new FrameChannel(bytes, LIMIT);
        Frame.Call call = (Frame.Call) reading.read();
        Frame.Result result = (Frame.Result) reading.read();
        for (Payload each : List.of(call.payload(), result.payload())) {
            assertThat(each.size()).isEqualTo(payload.size());
            assertThat(each.wholeBody()).isEqualTo(payload.wholeBody());
            assertThat(Arrays.deepEquals(each.arrays().toArray(), arrays.toArray()))
                    .isTrue();
        }
        assertThat(result.runNanos()).isEqualTo(99);
        assertThat(channel).hasToString("FrameChannel[%s, framesRead=0, framesWritten=2]", bytes);
        assertThat(reading).hasToString("FrameChannel[%s, framesRead=2, framesWritten=0]", bytes);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 19, 20, 21, 4096})
    void framesArriveHoweverTheConnectionCutsThem(int piece) throws IOException {
        var bytes = new Bytes();
        var payload =
                new Payload(List.of(ByteBuffer.wrap("body".getBytes(UTF_8))), List.of(new int[300], new byte[10]));

        new FrameChannel(bytes, LIMIT)
                .write(new Frame.Call(1, payload), new Frame.Cancelled(2), new Frame.Goodbye("x"));
        bytes.piece = piece;

        var reading = new FrameChannel(bytes, LIMIT);
        assertThat(((Frame.Call) reading.read()).payload().size()).isEqualTo(payload.size());
        assertThat(reading.read()).isEqualTo(new Frame.Cancelled(2));
        assertThat(reading.read()).isEqualTo(new Frame.Goodbye("x"));
        assertThatThrownBy(reading::read).isInstanceOf(EOFException.class).hasMessage("The connection was closed");
    }

    @Test
    void manySmallFramesAreOneWrite() throws IOException {
        var bytes = new Bytes();
        var frames = new Frame[500];
        Arrays.setAll(frames, Frame.Cancelled::new);

        new FrameChannel(bytes, LIMIT).write(frames);

        assertThat(bytes.writes).isEqualTo(1);
    }

    @Test
    void aPayloadAboveTheLimitIsRefusedBeforeAnythingIsWritten() throws IOException {
        var bytes = new Bytes();
        var channel = new FrameChannel(bytes, 1000);
        var payload = new Payload(List.of(), List.of(new byte[1001]));

        assertThatThrownBy(() -> channel.write(new Frame.Cancelled(1), new Frame.Call(2, payload)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1001 bytes is larger than the limit of 1000 bytes");
        channel.write(new Frame.Cancelled(3));

        assertThat(new FrameChannel(bytes, 1000).read()).isEqualTo(new Frame.Cancelled(3));
    }

    @Test
    void aPayloadAboveTheReadersLimitIsAProtocolError() throws IOException {
        var inBody = new Bytes();
        var inArray = new Bytes();
        new FrameChannel(inBody, LIMIT)
                .write(new Frame.Call(1, new Payload(List.of(ByteBuffer.allocate(2000)), List.of())));
        new FrameChannel(inArray, LIMIT)
                .write(new Frame.Call(1, new Payload(List.of(ByteBuffer.allocate(9)), List.of(new long[200]))));

        assertThatThrownBy(() -> new FrameChannel(inBody, 1000).read())
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("CALL frame claims 2000 bytes");
        assertThatThrownBy(() -> new FrameChannel(inArray, 1000).read())
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("kind LONG with 200 elements");
    }

    @Test
    void unknownBytesAreShown() {
        var bytes = new Bytes();
        bytes.put("Hello from a printf that went to the wrong file descriptor".getBytes(UTF_8));

        assertThatThrownBy(() -> new FrameChannel(bytes, LIMIT).read())
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("Hello from a printf")
                .hasMessageContaining("48656c6c6f")
                .hasMessageContaining("Something else wrote to the connection");
    }

    @Test
    void anUnprovenPeerCannotMakeTheReaderAllocate() {
        for (int type = 0; type < 16; type++) {
            var bytes = new Bytes();
            ByteBuffer header = ByteBuffer.allocate(20).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            header.putShort((short) 0x5254)
                    .put((byte) 1)
                    .put((byte) type)
                    .putInt(Integer.MAX_VALUE)
                    .putInt(0)
                    .putLong(0);
            bytes.put(header.array());

            assertThatThrownBy(() -> new FrameChannel(bytes, LIMIT).read()).isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void anAnnouncedGigabyteThatNeverComesIsNotAllocated() {
        long limit = 1L << 30;
        for (int i = 0; i < 200; i++) {
            var bytes = new Bytes();
            ByteBuffer header = ByteBuffer.allocate(20).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            header.putShort((short) 0x5254)
                    .put((byte) 1)
                    .put((byte) FrameType.CALL.number())
                    .putInt(1 << 30)
                    .putInt(0)
                    .putLong(0);
            bytes.put(header.array());

            assertThatThrownBy(() -> new FrameChannel(bytes, limit).read())
                    .isInstanceOf(EOFException.class)
                    .hasMessage("The connection ended within a frame");
        }
    }

    @Test
    void framesOfManyWritersDoNotMix() throws Exception {
        var bytes = new Bytes();
        var channel = new FrameChannel(bytes, LIMIT);
        var start = new CountDownLatch(1);
        var writers = new ArrayList<Thread>();
        for (int w = 0; w < 4; w++) {
            long id = w;
            writers.add(Thread.ofPlatform().start(() -> {
                try {
                    start.await();
                    for (int i = 0; i < 200; i++) {
                        byte[] big = new byte[100_000];
                        Arrays.fill(big, (byte) id);
                        channel.write(new Frame.Call(id, new Payload(List.of(ByteBuffer.wrap(big)), List.of())));
                    }
                } catch (IOException | InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
        }
        start.countDown();
        for (Thread each : writers) {
            each.join();
        }

        var reading = new FrameChannel(bytes, LIMIT);
        for (int i = 0; i < 800; i++) {
            Frame.Call call = (Frame.Call) reading.read();
            byte[] body = call.payload().wholeBody().array();
            assertThat(body[0]).isEqualTo((byte) call.id());
            assertThat(body[99_999]).isEqualTo((byte) call.id());
        }
    }

    @Test
    void aFailedWriteLeavesNothingBehindForTheNext() {
        var bytes = new Bytes();
        var channel = new FrameChannel(bytes, LIMIT);
        bytes.broken = true;

        assertThatThrownBy(() -> channel.write(new Frame.Cancelled(1))).isInstanceOf(IOException.class);

        assertThat(channel.toString()).contains("framesWritten=0");
    }

    /**
     * Frames of all sizes around that of the buffer, to a peer that reads whenever it likes: what arrives is what
     * arrives from a writer that waits.
     */
    @ParameterizedTest
    @MethodSource("seeds")
    void framesWithoutRoomAreSentLaterInOrder(long seed) throws IOException {
        var random = new SplittableRandom(seed);
        var expected = new Bytes();
        var waiting = new FrameChannel(expected, LIMIT);
        var narrow = new Narrow();
        var channel = new FrameChannel(narrow, LIMIT);
        boolean sent = true;
        for (int i = 0; i < 12; i++) {
            Frame[] frames = new Frame[random.nextInt(3)];
            Arrays.setAll(frames, _ -> frame(random));
            waiting.write(frames);
            sent = channel.tryWrite(frames);
            narrow.room = random.nextInt(5) == 0 ? 0 : random.nextInt(600_000);
            assertThat(narrow.overdrawn).isFalse();
        }
        while (!sent) {
            narrow.room = 1 + random.nextInt(300_000);
            sent = channel.sendWithin(Duration.ZERO);
        }

        assertThat(narrow.taken.all()).isEqualTo(expected.all());
        assertThat(channel.tryWrite()).isTrue();
    }

    static LongStream seeds() {
        return LongStream.range(0, 50);
    }

    private static Frame frame(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> Frame.Cancel.interrupting(random.nextLong(1_000));
            case 1 -> new Frame.ThreadDump("x".repeat(random.nextInt(400_000)));
            case 2 -> {
                byte[] body = new byte[1 + random.nextInt(300_000)];
                Arrays.fill(body, (byte) random.nextInt());
                yield new Frame.Call(
                        random.nextLong(1_000),
                        new Payload(
                                List.of(ByteBuffer.wrap(body, 0, body.length / 2), ByteBuffer.wrap(body)), List.of()));
            }
            default ->
                new Frame.Item(
                        random.nextLong(1_000),
                        7,
                        new Payload(
                                List.of(ByteBuffer.allocate(random.nextInt(262_144))),
                                List.of(
                                        new byte[random.nextInt(40)],
                                        random.ints(random.nextInt(200_000)).toArray(),
                                        new char[random.nextInt(3)])));
        };
    }

    @Test
    void aWriterThatDoesNotWaitLeavesALargeFrameToOneThatDoes() throws IOException {
        var narrow = new Narrow();
        narrow.room = Integer.MAX_VALUE;
        var channel = new FrameChannel(narrow, LIMIT);
        var large = new Frame.Call(1, new Payload(List.of(ByteBuffer.allocate(1)), List.of(new byte[6 << 20])));

        assertThat(channel.tryWrite(large)).as("though there is room").isFalse();
        assertThat(narrow.taken.all()).hasSizeBetween(1 << 20, 2 << 20);
        assertThat(channel.sendWithin(Duration.ofDays(1))).isTrue();
        assertThat(new FrameChannel(narrow.taken, LIMIT).read()).isInstanceOf(Frame.Call.class);
    }

    @Test
    void nothingIsWrittenBehindHalfAFrame() throws IOException {
        var narrow = new Narrow();
        narrow.room = 10;
        var channel = new FrameChannel(narrow, LIMIT);
        assertThat(channel.tryWrite(new Frame.Goodbye("half of it"), new Frame.Goodbye("nothing")))
                .isFalse();
        narrow.broken = true;
        assertThatThrownBy(() -> channel.sendWithin(Duration.ZERO)).hasMessage("Broken pipe");
        narrow.broken = false;
        narrow.room = 1_000;

        assertThatThrownBy(() -> channel.tryWrite(new Frame.Goodbye("again")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("out of step");
        assertThat(narrow.taken.all()).hasSize(10);
    }

    @Test
    void closingClosesTheConnection() throws IOException {
        var bytes = new Bytes();

        new FrameChannel(bytes, LIMIT).close();

        assertThat(bytes.isOpen()).isFalse();
    }

    /** A connection whose peer has room for some bytes. */
    private static final class Narrow implements Connection {

        final Bytes taken = new Bytes();
        int room;
        boolean broken;
        boolean overdrawn;

        @Override
        public int tryWrite(ByteBuffer from) throws IOException {
            if (broken) {
                throw new IOException("Broken pipe");
            }
            byte[] bytes = new byte[Math.min(room, from.remaining())];
            from.get(bytes);
            taken.put(bytes);
            room -= bytes.length;
            return bytes.length;
        }

        @Override
        public boolean awaitRoom(Duration limit) {
            return room > 0;
        }

        @Override
        public int write(ByteBuffer from) {
            overdrawn = true;
            return from.remaining();
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
        public void close() {}
    }

    /** A connection to itself. */
    static final class Bytes implements Connection {

        int piece = Integer.MAX_VALUE;
        int writes;
        boolean broken;
        private boolean closed;
        private byte[] content = new byte[256];
        private int written;
        private int read;

        void put(byte[] bytes) {
            if (content.length < written + bytes.length) {
                content = Arrays.copyOf(content, (written + bytes.length) * 2);
            }
            System.arraycopy(bytes, 0, content, written, bytes.length);
            written += bytes.length;
        }

        void flip(byte[] bytes) {
            content = bytes;
            written = bytes.length;
            read = 0;
        }

        byte[] all() {
            return Arrays.copyOf(content, written);
        }

        @Override
        public int read(ByteBuffer to) {
            int count = Math.min(Math.min(piece, to.remaining()), written - read);
            if (count == 0) {
                return -1;
            }
            to.put(content, read, count);
            read += count;
            return count;
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            if (broken) {
                throw new IOException("Broken pipe");
            }
            writes++;
            byte[] bytes = new byte[from.remaining()];
            from.get(bytes);
            put(bytes);
            return bytes.length;
        }

        @Override
        public boolean isOpen() {
            return !closed;
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
