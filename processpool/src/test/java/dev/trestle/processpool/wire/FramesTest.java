package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Frames one by one: what each may claim, what its reader refuses, and what a writer cuts. */
@Timeout(30)
class FramesTest {

    private static final long LIMIT = 1 << 20;

    /** Returns a frame as a peer may send it that keeps to the header, and to nothing else. */
    private static ByteBuffer frame(FrameType type, int bodyLength, int arrays, byte... body) {
        return ByteBuffer.allocate(20 + body.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) 0x5254)
                .put((byte) 1)
                .put((byte) type.number())
                .putInt(bodyLength)
                .putInt(arrays)
                .putLong(7)
                .put(body)
                .flip();
    }

    private static List<Frame> read(ByteBuffer bytes) throws IOException {
        return FrameChannel.framesIn(bytes, LIMIT);
    }

    private static List<Frame> read(FrameType type, byte... body) throws IOException {
        return read(frame(type, body.length, 0, body));
    }

    private static void refuses(FrameType type, String message, byte... body) {
        assertThatThrownBy(() -> read(type, body))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining(message);
    }

    private static List<Frame> sent(Frame... frames) throws IOException {
        var bytes = new FrameChannelTest.Bytes();
        new FrameChannel(bytes, LIMIT).write(frames);
        return read(ByteBuffer.wrap(bytes.all()));
    }

    @Test
    void framesInMemoryAreReadToTheLast() throws IOException {
        assertThat(read(ByteBuffer.allocate(0))).isEmpty();
        assertThat(sent(new Frame.TakeBack(1), new Frame.Unshare(4), new Frame.Cancelled(2), new Frame.Goodbye("end")))
                .containsExactly(
                        new Frame.TakeBack(1), new Frame.Unshare(4), new Frame.Cancelled(2), new Frame.Goodbye("end"));
    }

    @Test
    void anInitializersStreamsAndItemsArrive() throws IOException {
        var payload = new Payload(List.of(ByteBuffer.wrap(new byte[] {5})), List.of(new int[] {6}));

        List<Frame> arrived =
                sent(new Frame.StreamCall(3, payload), new Frame.Item(3, 9, payload), new Frame.Credit(3, 1L << 40));

        assertThat(((Frame.StreamCall) arrived.getFirst()).payload().wholeBody())
                .isEqualTo(payload.wholeBody());
        Frame.Item item = (Frame.Item) arrived.get(1);
        assertThat(item.number()).isEqualTo(9);
        assertThat(item.payload().size()).isEqualTo(5);
        assertThat(item.cost()).isEqualTo(5 + 1024);
        assertThat(arrived.get(2)).isEqualTo(new Frame.Credit(3, 1L << 40));
    }

    @Test
    void onlyTheLastFrameOfACallIsItsAnswer() {
        Failure failure = Failure.of(new IllegalStateException());
        for (Frame each : List.of(
                new Frame.Result(1, Payload.EMPTY, 0),
                new Frame.Failed(1, Frame.Phase.RUNNING, failure, 0),
                new Frame.Cancelled(1))) {
            assertThat(each.isAnswer()).isTrue();
        }
        for (Frame each : List.of(
                new Frame.Item(1, 0, Payload.EMPTY),
                new Frame.Progress(1, 0, ""),
                new Frame.Fatal(failure),
                new Frame.Goodbye(""))) {
            assertThat(each.isAnswer()).isFalse();
        }
    }

    @Test
    void eachTypeHasANumberOnTheWireAndOtherNumbersHaveNone() {
        for (FrameType each : FrameType.values()) {
            assertThat(FrameType.at(each.number())).isSameAs(each);
        }
        assertThat(FrameType.at(-1)).isNull();
        assertThat(FrameType.at(FrameType.values().length)).isNull();
    }

    @Test
    void eachPhaseHasANumberOnTheWireAndOtherNumbersAreRefused() throws ProtocolException {
        for (Frame.Phase each : Frame.Phase.values()) {
            assertThat(Frame.Phase.at(each.number())).isSameAs(each);
        }
        for (int each : new int[] {-1, Frame.Phase.values().length}) {
            assertThatThrownBy(() -> Frame.Phase.at(each))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessage("There is no phase " + each);
        }
    }

    @Test
    void aBodyThatIsShorterOrLongerThanItsFrameIsRefused() {
        refuses(FrameType.RESULT, "A RESULT frame has only 7 bytes", new byte[7]);
        refuses(FrameType.ITEM, "A ITEM frame has only 0 bytes");
        refuses(FrameType.CALL_IN_CONTEXT, "A call in a context has only 3 bytes", new byte[3]);
        refuses(FrameType.STREAM_CALL_IN_CONTEXT, "A call in a context has only 0 bytes");
        refuses(FrameType.CREDIT, "A frame is too short: 8 more bytes were expected, 7 are left", new byte[7]);
        refuses(FrameType.PROGRESS, "A frame has 1 bytes more than its content", new byte[13]);
        refuses(FrameType.FATAL, "A frame is too short");
        refuses(FrameType.HELLO, "A frame is too short", new byte[13]);
    }

    @Test
    void aResultMayBeNothingButItsTime() throws IOException {
        assertThat(read(FrameType.RESULT, (byte) 9, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte)
                        0))
                .singleElement()
                .satisfies(each -> {
                    Frame.Result result = (Frame.Result) each;
                    assertThat(result.id()).isEqualTo(7);
                    assertThat(result.runNanos()).isEqualTo(9);
                    assertThat(result.payload().size()).isZero();
                });
    }

    @ParameterizedTest
    @EnumSource
    void aClaimAboveTheLimitOfItsTypeIsRefused(FrameType type) {
        long most = switch (type) {
            case CALL_IN_CONTEXT, STREAM_CALL_IN_CONTEXT -> LIMIT + 4 + CallContext.MOST_BYTES;
            default -> type.hasPayload() ? LIMIT + 8 : type.maxBody();
        };
        for (int claimed : new int[] {(int) most + 1, -1, Integer.MIN_VALUE}) {
            assertThatThrownBy(() -> read(frame(type, claimed, 0)))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("A " + type + " frame claims " + claimed + " bytes and 0 arrays; allowed are "
                            + most + " bytes in all");
        }
        assertThat(String.valueOf(catchThrowable(() -> read(frame(type, (int) most, 0)))))
                .as("as many as are allowed")
                .doesNotContain("claims");
    }

    @Test
    void arraysAreBoundedByTheBodyThatNamesThem() {
        for (int arrays : new int[] {-1, 5, Integer.MAX_VALUE}) {
            assertThatThrownBy(() -> read(frame(FrameType.CALL, 4, arrays, new byte[4])))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("claims 4 bytes and " + arrays + " arrays");
        }
        assertThatThrownBy(() -> read(frame(FrameType.CANCEL, 1, 1, (byte) 1)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("claims 1 bytes and 1 arrays");
        int most = 1024 + (int) (LIMIT / 64);
        assertThatThrownBy(() -> read(frame(FrameType.CALL, most + 2, most + 1)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("and " + (most + 1) + " arrays");
        assertThatThrownBy(() -> read(frame(FrameType.CALL, most + 2, most)))
                .hasMessage("The connection ended within a frame");
    }

    @Test
    void anArrayOfNoKindOrOfAnImpossibleLengthIsRefused() {
        assertThatThrownBy(() -> read(frame(FrameType.CALL, 1, 1, new byte[] {0, 99, 1, 0, 0, 0, 0})))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("An array of kind null with 1 elements is impossible; the limit of a payload is 1048576"
                        + " bytes");
        byte kind = (byte) ArrayKind.INT.number();
        assertThatThrownBy(() -> read(frame(FrameType.CALL, 1, 1, new byte[] {0, kind, -1, -1, -1, -1})))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("of kind INT with -1 elements");
        assertThatThrownBy(() -> read(frame(FrameType.CALL, 1, 1, new byte[] {0, kind, 0, 0, 4, 0})))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("of kind INT with 262144 elements");
        assertThatThrownBy(() -> read(frame(FrameType.CALL, 1, 1, new byte[] {0, kind, -1, -1, 3, 0})))
                .as("all that the limit allows")
                .hasMessage("The connection ended within a frame");
    }

    @Test
    void aTextThatIsTooLongIsCut() throws IOException {
        String longest = "x".repeat(((64 << 10) - 16) / 3);

        String longer = "€" + longest;
        assertThat(sent(new Frame.Goodbye(longest), new Frame.Goodbye(longest + "y"), new Frame.Goodbye(longer)))
                .containsExactly(
                        new Frame.Goodbye(longest),
                        new Frame.Goodbye(longest),
                        new Frame.Goodbye("€" + longest.substring(1)));
    }

    @Test
    void unknownBytesAreShownInHexadecimalAndAsText() {
        byte[] noise = "0123456789 ~\u007f\n".repeat(6).getBytes(US_ASCII);

        assertThatThrownBy(() -> read(ByteBuffer.wrap(noise)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("3031323334353637383920" + "7e7f0a" + "3031")
                .hasMessageContaining(" \"0123456789 ~..0123456789 ~..0123456789 ~..012345\".");
    }

    @Test
    void aFailureHasUpTo1024Exceptions() throws IOException {
        List<Failure> of15Each = Collections.nCopies(63, failure(15)); // 63 * 16 exceptions
        Failure most = failure(of15Each, failure(14));
        Failure tooMany = failure(of15Each, failure(15));

        assertThat(sent(new Frame.Fatal(most))).hasSize(1);
        assertThatThrownBy(() -> sent(new Frame.Fatal(tooMany)))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("A failure has more than 1024 exceptions");
    }

    /** Returns a failure with so many suppressed ones. */
    private static Failure failure(int suppressed) {
        return failure(Collections.nCopies(suppressed, failure(List.of(), null)), null);
    }

    private static Failure failure(List<Failure> suppressed, @Nullable Failure cause) {
        return new Failure("X", null, List.of(), cause, suppressed, Failure.NO_STATE, false);
    }

    @Test
    void optionsOfAConnectionAreCheckedAtTheirLimits() {
        assertThatCode(() -> WireOptions.DEFAULT
                        .withMaxPayloadBytes(1024)
                        .withMaxPayloadBytes(1 << 30)
                        .withOutOfBandBytes(0))
                .doesNotThrowAnyException();
        for (long each : new long[] {1023, (1L << 30) + 1}) {
            assertThatThrownBy(() -> WireOptions.DEFAULT.withMaxPayloadBytes(each))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("maxPayloadBytes must be between 1 KiB and 1 GiB: " + each + " bytes");
        }
        assertThatThrownBy(() -> WireOptions.DEFAULT.withOutOfBandBytes(-1))
                .hasMessage("outOfBandBytes must not be negative: -1");
    }

    @Test
    void aTypeIsAllowedByItsNameOrItsPackage() {
        var options = new WireOptions(1024, Set.of("java.util.", "java.net.URI"));

        assertThat(options.allows(List.class)).isTrue();
        assertThat(options.allows(URI.class)).isTrue();
        assertThat(options.allows(URL.class)).isFalse();
        assertThat(options.withAllowedType("java.net.URL").allows(URL.class)).isTrue();
        assertThat(WireOptions.DEFAULT.allows(List.class)).isFalse();
    }

    @Test
    void aPayloadIsOneBufferWithItsPiecesInOrder() {
        ByteBuffer direct =
                ByteBuffer.allocateDirect(2).put((byte) 1).put((byte) 2).flip();
        ByteBuffer part = ByteBuffer.wrap(new byte[] {0, 3, 4}, 1, 2);
        var payload = new Payload(List.of(direct, part), List.of(new long[3]));

        assertThat(payload.bodySize()).isEqualTo(4);
        assertThat(payload.size()).isEqualTo(4 + 24);
        assertThat(payload.wholeBody()).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}));
        assertThat(payload.wholeBody()).as("a second time").isEqualTo(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}));
        assertThat(new Payload(List.of(direct), List.of()).wholeBody().hasArray())
                .isTrue();
        assertThat(new Payload(List.of(part), List.of()).wholeBody().array()).isSameAs(part.array());
        assertThat(payload).hasToString("Payload[size=28, arrays=1]");
    }
}
