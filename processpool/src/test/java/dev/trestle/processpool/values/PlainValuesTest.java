package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.WireOptions;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The values that travel without Jackson, and the values that do not. {@link ValuesTest} checks that values arrive. */
@Timeout(30)
class PlainValuesTest {

    private static final int MARK = 1;
    private static final int INTEGER = 5;
    private static final int TEXT = 9;

    private final Journey journey = Journey.allowingNothing();
    private @Nullable Object last;

    private static int answer() {
        return 42;
    }

    private ByteBuffer resultOf(@Nullable Object value) throws Exception {
        Call<@Nullable Object> call = () -> "decides nothing";
        return journey.decode(journey.encode(call).payload())
                .encodeResult(value)
                .wholeBody();
    }

    private static boolean isPlain(ByteBuffer document) {
        return PlainValues.isPlain(document);
    }

    private @Nullable Object decode(Call<?> call, int... octets) throws Exception {
        ByteBuffer body = ByteBuffer.allocate(octets.length);
        for (int each : octets) {
            body.put((byte) each);
        }
        return journey.encode(call).decodeResult(new Payload(List.of(body.flip()), List.of()));
    }

    static Stream<Object> plain() {
        return Stream.of(
                true,
                false,
                Byte.MIN_VALUE,
                Short.MIN_VALUE,
                Character.MAX_VALUE,
                Integer.MIN_VALUE,
                Long.MIN_VALUE,
                -0.0f,
                Float.NaN,
                Double.MIN_VALUE,
                -0.0,
                Double.longBitsToDouble(0x7ff8_0000_0000_1234L),
                "",
                "Grüße, 世界",
                "x".repeat(100));
    }

    @ParameterizedTest
    @MethodSource("plain")
    void numbersAndShortTextsTravelWithoutJacksonAndArriveEqual(Object value) throws Throwable {
        assertThat(isPlain(resultOf(value))).isTrue();
        assertThat(journey.send(value)).isEqualTo(value).hasSameClassAs(value);
    }

    @Test
    void theBitsOfANumberThatIsNoneArriveToo() throws Throwable {
        double odd = Double.longBitsToDouble(0x7ff8_0000_0000_1234L);

        assertThat(journey.send(odd))
                .isInstanceOfSatisfying(
                        Double.class,
                        arrived -> assertThat(Double.doubleToRawLongBits(arrived))
                                .isEqualTo(Double.doubleToRawLongBits(odd)));
    }

    @Test
    void nothingTravelsWithoutJacksonToo() throws Throwable {
        assertThat(isPlain(resultOf(null))).isTrue();
        assertThat(journey.send(null)).isNull();
    }

    static Stream<Object> notPlain() {
        return Stream.of("x".repeat(101), "a character of two halves: \uD83D\uDE00", List.of(1), new byte[1], 'c' + "");
    }

    @ParameterizedTest
    @MethodSource("notPlain")
    void everythingElseArrivesAsWell(Object value) throws Throwable {
        assertThat(isPlain(resultOf(value))).isEqualTo(value.equals("c"));
        assertThat(journey.send(value)).isEqualTo(value);
    }

    @Test
    void severalCapturedValuesArriveInTheirOrder() throws Throwable {
        int number = 1;
        String text = "b";
        char letter = 'c';
        @Nullable Long none = null;
        double fraction = 0.5;
        Call<String> call = () -> number + text + letter + none + fraction;

        assertThat(journey.run(call)).isEqualTo("1bcnull0.5");
    }

    @Test
    void oneValueThatIsNotPlainMakesAllUseJackson() throws Throwable {
        int number = 1;
        List<String> list = List.of("b");
        Call<String> call = () -> number + list.getFirst();

        assertThat(journey.run(call)).isEqualTo("1b");
    }

    @Test
    void theLimitHoldsForPlainValuesToo() {
        var narrow = Journey.with(WireOptions.DEFAULT.withMaxPayloadBytes(1024));
        String a = "a".repeat(100);
        String b = "b".repeat(100);
        String c = "c".repeat(100);
        String d = "d".repeat(100);
        String e = "e".repeat(100);
        String f = "f".repeat(100);
        String g = "g".repeat(100);
        String h = "h".repeat(100);
        String i = "i".repeat(100);
        String j = "j".repeat(100);

        assertThatThrownBy(() -> narrow.encode((Call<String>) () -> a + b + c + d + e + f + g + h + i + j))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageContaining("larger than 1024 bytes, the limit of the pool");
    }

    /** Counted without the help of the compiler, which leaves out some; half of what buffers for any value take. */
    @Test
    void aSmallCallAndItsResultLeaveLittleGarbage() throws Exception {
        int number = 1000;
        Call<Integer> call = () -> number + 1;
        Payload result = journey.decode(journey.encode(call).payload()).encodeResult(1001);
        int calls = 100;
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            long before = ValueStormTest.allocatedBytes();
            for (int j = 0; j < calls; j++) {
                last = journey.encode(call).decodeResult(result);
            }
            least = Math.min(least, (ValueStormTest.allocatedBytes() - before) / calls);
        }

        assertThat(last).isEqualTo(1001);
        assertThat(least).isLessThan(600);
    }

    @Test
    void aPlainValueOfAnotherTypeThanDeclaredIsRefused() {
        assertThatThrownBy(() -> decode(PlainValuesTest::answer, MARK, TEXT, 1, 0, 0, 0, 'x'))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("a java.lang.String came where int is declared");
        assertThatThrownBy(() -> decode((Call<StringBuilder>) StringBuilder::new, MARK, INTEGER, 1, 0, 0, 0))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("is declared");
    }

    @Test
    void aValueThatIsNotPlainIsRefused() throws Exception {
        assertThat(decode(PlainValuesTest::answer, MARK, INTEGER, 7, 0, 0, 0)).isEqualTo(7);

        assertThatThrownBy(() -> decode(PlainValuesTest::answer)).isInstanceOf(NotDecodableException.class);
        assertThatThrownBy(() -> decode(PlainValuesTest::answer, MARK))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("too short");
        assertThatThrownBy(() -> decode(PlainValuesTest::answer, MARK, INTEGER, 7, 0, 0, 0, 0))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("1 bytes more");
        assertThatThrownBy(() -> decode(PlainValuesTest::answer, MARK, 100))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("no value of kind 100");
        assertThatThrownBy(() -> decode(PlainValuesTest::answer, MARK, -1)).isInstanceOf(NotDecodableException.class);
        assertThatThrownBy(() -> decode(() -> "text", MARK, TEXT, 0xff, 0xff, 0xff, 0x7f))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("impossible");
    }

    @Test
    void garbageIsRefusedWhateverItIs() {
        var random = new Random(20261121);
        for (int i = 0; i < 5_000; i++) {
            int[] octets = random.ints(1 + random.nextInt(12), 0, 12).toArray();
            octets[0] = MARK;
            assertThatCode(() -> {
                        try {
                            decode(() -> "text", octets);
                        } catch (NotDecodableException e) {
                            assertThat(e).hasMessageStartingWith("The result of the call");
                        }
                    })
                    .doesNotThrowAnyException();
        }
    }
}
