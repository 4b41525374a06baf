package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.DecodedCall;
import dev.trestle.processpool.values.EncodedCall;
import dev.trestle.processpool.values.Examples;
import dev.trestle.processpool.values.Journey;
import dev.trestle.processpool.values.NotDecodableException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import javax.management.JMException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Mutated frames, fed to both sides: nothing but the protocol's own exceptions, no control characters in their
 * messages, no memory taken for what is only claimed, and none kept. A few by default, a million
 * with {@code -Dstorm=full} or {@code -Dtrestle.fuzz.frames=1000000}.
 */
class FrameFuzzTest {

    private static final int COUNT =
            Integer.getInteger("trestle.fuzz.frames", "full".equals(System.getProperty("storm")) ? 1_000_000 : 3_000);
    private static final long LIMIT = 4 << 20;

    /** The number of documents at the beginning, which allocate for classes that are linked. */
    private static final int WARM = 1_000;

    /** A first megabyte for each payload that is claimed, of which there are six, and what Jackson takes. */
    private static final long MOST_ALLOCATED = 12 << 20;

    private final Journey journey = Journey.allowingNothing();

    @Test
    @Timeout(3600)
    void mutatedFramesCauseProtocolExceptionsAndNothingElse() throws Exception {
        int captured = 5;
        List<Object> data = List.of(1, "two", 3L, Map.of("k", new int[] {1, 2}), new Examples.Point(1, 2));
        Call<Object> call = () -> List.of(captured, data);
        EncodedCall encoded = journey.encode(call);
        DecodedCall decoded = journey.decode(encoded.payload());
        var failure = decoded.encodeFailure(new IllegalStateException("x", new IOException("y")));
        byte[] good = bytes(
                new Frame.Hello(1, 1, "25"),
                new Frame.Call(1, encoded.payload()),
                new Frame.Call(2, new Payload(List.of(ByteBuffer.allocate(10)), List.of(new long[100], new byte[9]))),
                new Frame.Progress(1, 0.5, "half"),
                new Frame.Result(1, decoded.encodeResult(data), 5),
                new Frame.StreamCall(3, encoded.payload()),
                new Frame.Call(7, encoded.payload(), CallContext.of(Map.of("carrier", Map.of("k", "v", "l", "")))),
                new Frame.StreamCall(8, encoded.payload(), CallContext.of(Map.of("carrier", Map.of()))),
                new Frame.Item(3, 0, decoded.encodeItem(data, 0)),
                new Frame.Credit(3, 1024),
                new Frame.Failed(1, Frame.Phase.RUNNING, failure, 5),
                new Frame.Fatal(failure),
                Frame.Cancel.interrupting(4),
                new Frame.TakeBack(5),
                new Frame.Unshare(6),
                new Frame.Cancelled(6),
                new Frame.ThreadDumpRequest(),
                new Frame.ThreadDump("dump"),
                new Frame.Goodbye("bye"));
        var random = new SplittableRandom(20261121);
        long memory = usedMemory();
        long most = 0;
        var outcomes = new int[4];

        for (int i = 0; i < COUNT; i++) {
            byte[] mutated = mutate(good, random);
            long before = allocated();
            outcomes[feed(mutated, encoded)]++;
            if (i >= WARM) {
                most = Math.max(most, allocated() - before);
            }
        }

        System.out.printf(
                "storm of frames: %d mutated; %d read all the same, %d ended early, %d refused, %d with a payload"
                        + " refused; at most %d bytes allocated for one of %d bytes%n",
                COUNT, outcomes[0], outcomes[1], outcomes[2], outcomes[3], most, good.length);
        assertThat(most).as("bytes allocated for one").isLessThan(MOST_ALLOCATED);
        assertThat(outcomes[2]).as("protocol exceptions").isGreaterThan(COUNT / 20);
        assertThat(outcomes[0] + outcomes[1] + outcomes[2] + outcomes[3]).isEqualTo(COUNT);
        assertThat(usedMemory() - memory).as("bytes kept").isLessThan(32 << 20);
    }

    /** Returns 0 if all could be read, 1 if it ended early, 2 if it is no frame, 3 if a payload is not decodable. */
    private int feed(byte[] bytes, EncodedCall encoded) throws IOException {
        var connection = new FrameChannelTest.Bytes();
        connection.flip(bytes);
        var channel = new FrameChannel(connection, LIMIT);
        int outcome = 0;
        try {
            while (true) {
                switch (channel.read()) {
                    case Frame.Call call -> outcome = decode(call.payload()) ? outcome : 3;
                    case Frame.StreamCall call -> outcome = decode(call.payload()) ? outcome : 3;
                    case Frame.Item item -> outcome = decode(encoded, item) ? outcome : 3;
                    case Frame.Result result -> outcome = decode(encoded, result.payload()) ? outcome : 3;
                    case Frame.Failed failed -> assertShown(failed.failure(), encoded);
                    case Frame.Fatal fatal -> assertShown(fatal.failure(), encoded);
                    default -> {}
                }
            }
        } catch (EOFException e) {
            return String.valueOf(e.getMessage()).equals("The connection was closed") ? outcome : 1;
        } catch (ProtocolException e) {
            assertThat(e.getMessage()).isNotEmpty().hasSizeLessThan(1000);
            String message = String.valueOf(e.getMessage());
            assertThat(ShownText.line(message)).isEqualTo(message);
            return 2;
        }
    }

    private static void assertShown(Failure failure, EncodedCall encoded) {
        assertThat(encoded.decodeFailure(failure, "w")).isNotNull();
        assertThat(ShownText.text(failure.stackTraceText())).isEqualTo(failure.stackTraceText());
    }

    private boolean decode(Payload payload) {
        try {
            journey.decode(payload);
            return true;
        } catch (NotDecodableException e) {
            return false;
        }
    }

    private static boolean decode(EncodedCall encoded, Payload payload) {
        try {
            encoded.decodeResult(payload);
            return true;
        } catch (NotDecodableException e) {
            return false;
        }
    }

    private static boolean decode(EncodedCall encoded, Frame.Item item) {
        try {
            encoded.decodeItem(item.payload(), item.number());
            return true;
        } catch (NotDecodableException e) {
            return false;
        }
    }

    private static byte[] mutate(byte[] good, SplittableRandom random) {
        byte[] bytes = good.clone();
        int flips = 1 + random.nextInt(4);
        for (int i = 0; i < flips; i++) {
            int at = random.nextInt(bytes.length);
            bytes[at] = switch (random.nextInt(4)) {
                case 0 -> (byte) 0xFF;
                case 1 -> (byte) 0;
                case 2 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
                default -> (byte) random.nextInt();
            };
        }
        return random.nextInt(10) == 0 ? java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private static byte[] bytes(Frame... frames) throws IOException {
        var connection = new FrameChannelTest.Bytes();
        new FrameChannel(connection, LIMIT).write(frames);
        return connection.all();
    }

    /** Returns how many bytes this thread has ever allocated. */
    private static long allocated() throws JMException {
        return (Long) ManagementFactory.getPlatformMBeanServer()
                .getAttribute(ManagementFactory.getThreadMXBean().getObjectName(), "CurrentThreadAllocatedBytes");
    }

    private static long usedMemory() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
