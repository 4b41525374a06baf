package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies of frames: what is written is read, and no length or count of a body is believed. */
@Timeout(30)
class BodyTest {

    private final BodyWriter writer = new BodyWriter();

    private BodyReader reader() {
        return new BodyReader(writer.written());
    }

    private static void refuses(ThrowingCallable reading, String message) {
        assertThatThrownBy(reading).isInstanceOf(ProtocolException.class).hasMessage(message);
    }

    @Test
    void eachValueIsReadAsItWasWritten() throws Exception {
        writer.octet((byte) -7);
        writer.flag(true);
        writer.flag(false);
        writer.number(Integer.MIN_VALUE + 1);
        writer.longNumber(Long.MIN_VALUE + 1);
        writer.longNumbers(new long[] {3, -4});
        writer.fraction(-0.25);
        writer.string("grüß");
        writer.bytes(new byte[] {8, 9});
        writer.nullableString(null);
        writer.nullableString("there");
        writer.nullableBytes(null);
        writer.nullableBytes(new byte[] {1});
        writer.bytes("slice".getBytes(UTF_8));

        BodyReader from = reader();
        assertThat(from.octet()).isEqualTo((byte) -7);
        assertThat(from.flag()).isTrue();
        assertThat(from.flag()).isFalse();
        assertThat(from.number()).isEqualTo(Integer.MIN_VALUE + 1);
        assertThat(from.longNumber()).isEqualTo(Long.MIN_VALUE + 1);
        assertThat(from.longNumbers()).containsExactly(3, -4);
        assertThat(from.fraction()).isEqualTo(-0.25);
        assertThat(from.string()).isEqualTo("grüß");
        assertThat(from.bytes()).containsExactly(8, 9);
        assertThat(from.nullableString()).isNull();
        assertThat(from.nullableString()).isEqualTo("there");
        assertThat(from.nullableBytes()).isNull();
        assertThat(from.nullableBytes()).containsExactly(1);
        assertThat(UTF_8.decode(from.slice()).toString()).isEqualTo("slice");
        from.end();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 251, 252, 253, 300, 10_000})
    void aBodyGrowsAndKeepsWhatItHolds(int length) throws Exception {
        byte[] large = new byte[length];
        Arrays.fill(large, (byte) 5);
        writer.bytes(large);
        for (int i = 0; i < 300; i++) {
            writer.octet((byte) i);
        }

        BodyReader from = reader();
        assertThat(from.bytes()).isEqualTo(large);
        for (int i = 0; i < 300; i++) {
            assertThat(from.octet()).isEqualTo((byte) i);
        }
        from.end();
        assertThat(writer.toArray()).hasSize(4 + length + 300);
    }

    @Test
    void aCountIsRefusedForWhichTheBodyIsTooShort() {
        writer.number(2);
        writer.longNumber(1);

        refuses(() -> reader().longNumbers(), "A length of 2 is impossible: 8 bytes of the frame are left");
    }

    @ParameterizedTest
    @ValueSource(ints = {-2, 4, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void aLengthThatCannotBeIsRefused(int length) {
        writer.number(length);
        writer.octet((byte) 1);
        writer.flag(false);
        writer.flag(false);

        String message = "A length of " + length + " is impossible: 3 bytes of the frame are left";
        refuses(() -> reader().nullableBytes(), message);
        refuses(() -> reader().slice(), message);
        refuses(() -> reader().string(), message);
    }

    @Test
    void missingBytesAreRefused() {
        writer.number(-1);
        refuses(() -> reader().bytes(), "A value is missing that must be there");
        refuses(() -> reader().string(), "A value is missing that must be there");
        refuses(() -> reader().longNumber(), "A frame is too short: 8 more bytes were expected, 4 are left");
        refuses(
                () -> new BodyReader(ByteBuffer.allocate(0)).octet(),
                "A frame is too short: 1 more bytes were expected, 0 are left");
    }

    @Test
    void aFlagIsZeroOrOne() {
        writer.octet((byte) 2);
        refuses(() -> reader().flag(), "A flag is 2, not 0 or 1");
    }

    @Test
    void aBodyEndsWhereItsContentDoes() {
        writer.octet((byte) 2);
        refuses(() -> reader().end(), "A frame has 1 bytes more than its content");
    }

    @Test
    void aSliceLeavesTheRestOfTheBody() throws Exception {
        writer.bytes(new byte[] {1, 2});
        writer.number(3);

        BodyReader from = reader();
        ByteBuffer slice = from.slice();
        assertThat(slice.remaining()).isEqualTo(2);
        assertThat(from.number()).isEqualTo(3);
        from.end();
    }
}
