package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The context that goes along with a call, in its frame. */
@Timeout(30)
class CallContextTest {

    private static final Map<String, Map<String, String>> TEXTS = Map.of(
            "a.Carrier", Map.of("traceparent", "00-1-2-01", "empty", ""), "b.Carrier", Map.of("k\u00fc", "\u2603"));

    private final Payload payload = new Payload(List.of(ByteBuffer.wrap(new byte[] {1, 2, 3})), List.of(new int[] {4}));

    /** Memory that is written, and then read. */
    private static final class Memory implements Connection {
        private final ByteBuffer bytes = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        private int read;

        @Override
        public int read(ByteBuffer target) {
            int count = Math.min(target.remaining(), bytes.position() - read);
            target.put(target.position(), bytes, read, count).position(target.position() + count);
            read += count;
            return count == 0 ? -1 : count;
        }

        @Override
        public int write(ByteBuffer source) {
            int count = source.remaining();
            bytes.put(source);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Test
    void aContextArrivesWithItsCall() throws IOException {
        var memory = new Memory();
        var channel = new FrameChannel(memory, 1024);
        channel.write(
                new Frame.Call(1, payload, CallContext.of(TEXTS)),
                new Frame.StreamCall(2, payload, CallContext.of(TEXTS)),
                new Frame.Call(3, payload));

        Frame.Call call = (Frame.Call) channel.read();
        Frame.StreamCall stream = (Frame.StreamCall) channel.read();
        Frame.Call without = (Frame.Call) channel.read();
        assertThat(call.context().texts()).isEqualTo(TEXTS);
        assertThat(stream.context().texts()).isEqualTo(TEXTS);
        assertThat(without.context().texts()).isEmpty();
        for (Payload each : List.of(call.payload(), stream.payload(), without.payload())) {
            assertThat(each.wholeBody()).isEqualTo(payload.wholeBody());
            assertThat((int[]) each.arrays().getFirst()).containsExactly(4);
        }
    }

    @Test
    void anEmptyContextTakesNoRoom() throws IOException {
        var with = new Memory();
        var without = new Memory();
        new FrameChannel(with, 1024).write(new Frame.Call(1, payload, CallContext.of(Map.of())));
        new FrameChannel(without, 1024).write(new Frame.Call(1, payload));

        assertThat(with.bytes.flip()).isEqualTo(without.bytes.flip());
        assertThat(with.bytes.limit()).isEqualTo(20 + 3 + 5 + 4); // header, body, header of the array, array
    }

    @Test
    void entriesWithNullAreLeftOut() throws IOException {
        Map<String, String> entries = new HashMap<>(Map.of("k", "v"));
        put(entries, "null", null);
        put(entries, null, "null");

        assertThat(CallContext.of(Map.of("c", entries)).texts()).isEqualTo(Map.of("c", Map.of("k", "v")));
    }

    @SuppressWarnings("NullAway")
    private static void put(Map<String, String> entries, @Nullable String key, @Nullable String value) {
        entries.put(key, value);
    }

    @Test
    void itsValuesAreNotShown() {
        assertThat(CallContext.of(Map.of("c", Map.of("token", "secret"))).toString())
                .matches("CallContext\\[\\d+ bytes]");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1_000, CallContext.MOST_BYTES + 1, Integer.MAX_VALUE})
    void impossibleLengthsAreRefused(int length) throws IOException {
        var memory = new Memory();
        var channel = new FrameChannel(memory, 1024);
        channel.write(new Frame.Call(1, payload, CallContext.of(TEXTS)));
        memory.bytes.putInt(20, length);

        assertThatThrownBy(channel::read)
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("A context of " + length + " bytes is impossible");
    }

    @Test
    void bytesThatAreNoContextAreRefused() {
        byte[] bytes = {1, 0, 0, 0, 9, 0, 0, 0, 'c'};

        assertThatThrownBy(() -> new CallContext(bytes).texts()).isInstanceOf(ProtocolException.class);
    }
}
