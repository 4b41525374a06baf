package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The bytes of arrays, which come and go in parts. */
@Timeout(30)
class ArrayKindTest {

    static Stream<Arguments> arrays() {
        return Stream.of(
                Arguments.of(new byte[] {1, -2, 3}, "01fe03"),
                Arguments.of(new boolean[] {true, false, true}, "010001"),
                Arguments.of(new short[] {1, -2, 3}, "0100feff0300"),
                Arguments.of(new char[] {'a', '\uFFFE', 3}, "6100feff0300"),
                Arguments.of(new int[] {1, -2, 3}, "01000000feffffff03000000"),
                Arguments.of(new long[] {1, -2, 3}, "0100000000000000feffffffffffffff0300000000000000"),
                Arguments.of(new float[] {1, -2, 3}, "0000803f000000c000004040"),
                Arguments.of(new double[] {1, -2, 3}, "000000000000f03f00000000000000c00000000000000840"));
    }

    @ParameterizedTest
    @MethodSource("arrays")
    void partsOfAnArrayAreWrittenOneBehindTheOtherAndReadBack(Object array, String hex) {
        ArrayKind kind = ArrayKind.of(array);
        ByteBuffer bytes = ByteBuffer.allocate((int) kind.bytes(array)).order(ByteOrder.LITTLE_ENDIAN);
        kind.put(array, 0, 2, bytes);
        kind.put(array, 2, 1, bytes);

        assertThat(bytes.hasRemaining()).isFalse();
        assertThat(HexFormat.of().formatHex(bytes.array())).isEqualTo(hex);

        bytes.flip();
        Object read = kind.allocate(3);
        kind.get(bytes, read, 0, 1);
        assertThat(bytes.position()).isEqualTo(kind.width());
        kind.get(bytes, read, 1, 2);
        assertThat(bytes.hasRemaining()).isFalse();
        assertThat(read).isEqualTo(array).hasSameClassAs(array);
    }

    @Test
    void eachKindHasANumberOnTheWireAndOtherNumbersHaveNone() {
        for (ArrayKind each : ArrayKind.values()) {
            assertThat(ArrayKind.at(each.number())).isSameAs(each);
            assertThat(ArrayKind.ofArrayClass(each.arrayClass())).isSameAs(each);
        }
        assertThat(ArrayKind.at(-1)).isNull();
        assertThat(ArrayKind.at(ArrayKind.values().length)).isNull();
    }

    @Test
    void otherClassesAreNoKindsOfArrays() {
        assertThatThrownBy(() -> ArrayKind.ofArrayClass(String[].class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("not a primitive array: java.lang.String[]");
    }
}
