package dev.trestle.processpool.values;

import static dev.trestle.processpool.values.Documents.typed;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.Setup;
import dev.trestle.processpool.wire.WireOptions;
import java.nio.ByteBuffer;
import java.util.AbstractMap.SimpleEntry;
import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Differences between containers that are equal: the order of access, null, capacities, the class of an entry. */
@Timeout(30)
class ContainerKindsTest {

    private final Journey journey = Journey.allowingNothing();

    @SuppressWarnings("unchecked")
    private <T> T sent(T value) throws Throwable {
        return (T) requireNonNull(journey.send(value));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void aMapOrderedByAccessStaysSo(int size) throws Throwable {
        for (boolean byAccess : new boolean[] {false, true}) {
            Map<String, Integer> map = new LinkedHashMap<>(16, 0.75f, byAccess);
            for (int i = 0; i < size; i++) {
                map.put("k" + i, i);
            }
            List<String> keys = new ArrayList<>(map.keySet());

            Map<String, Integer> arrived = sent(map);

            assertThat(map.keySet()).as("what is sent stays as it is").containsExactlyElementsOf(keys);
            assertThat(arrived.keySet()).containsExactlyElementsOf(keys);
            arrived.put("x", 7);
            arrived.put("y", 8);
            var _ = arrived.get("x"); // an access
            assertThat(List.copyOf(arrived.keySet()).getLast()).isEqualTo(byAccess ? "x" : "y");
        }
    }

    static Stream<Map.Entry<String, @Nullable Integer>> entries() {
        return Stream.of(
                new SimpleEntry<>("k", 1),
                new SimpleEntry<>("k", null),
                new SimpleImmutableEntry<>("k", 1),
                new SimpleImmutableEntry<>("k", null),
                Map.entry("k", 1));
    }

    @ParameterizedTest
    @MethodSource("entries")
    void anEntryArrivesAsOneOfItsClass(Map.Entry<String, @Nullable Integer> entry) throws Throwable {
        assertThat(sent(entry)).isEqualTo(entry).hasSameClassAs(entry);
    }

    @Test
    void anEntryOfAMapArrivesAsOneThatCanBeChanged() throws Throwable {
        Map<String, Integer> map = new HashMap<>(Map.of("k", 1));

        Map.Entry<String, Integer> arrived = sent(map.entrySet().iterator().next());

        assertThat(arrived).isInstanceOf(SimpleEntry.class).isEqualTo(Map.entry("k", 1));
        arrived.setValue(2);
        assertThat(arrived.getValue()).isEqualTo(2);
    }

    @Test
    void listsThatTakeNullAndListsThatDoNotAreToldApart() throws Throwable {
        List<Integer> ofStream = IntStream.range(0, 3).boxed().toList();
        List<Integer> of = List.of(0, 1, 2);

        assertThat(sent(ofStream)).isEqualTo(of).hasSameClassAs(ofStream);
        assertThat(sent(ofStream).contains(null)).isFalse();
        List<Integer> arrived = sent(of);
        assertThatThrownBy(() -> arrived.contains(null)).isInstanceOf(NullPointerException.class);
        assertThat(sent(Stream.of(1, null).toList())).containsExactly(1, null);
    }

    @Test
    void aQueueKeepsItsCapacity() throws Throwable {
        BlockingQueue<Integer> bounded = new LinkedBlockingQueue<>(3);
        bounded.add(1);

        assertThat(sent(bounded).remainingCapacity()).isEqualTo(2);
        assertThat(sent(new LinkedBlockingQueue<>(List.of(1))).remainingCapacity())
                .isEqualTo(Integer.MAX_VALUE - 1);
    }

    /** Refused where it is: a reader that went on would take what comes after it for its elements. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ArrayList",
                "HashSet",
                "List.of",
                "unmodifiableList",
                "HashMap",
                "TreeMap",
                "Map.of",
                "Map.entry",
                "SimpleEntry",
                "Optional"
            })
    void aTextInThePlaceOfAContainerIsRefused(String name) throws Exception {
        Call<Object> call = () -> "expected";

        assertThatThrownBy(() -> journey.encode(call).decodeResult(typed(name, to -> to.writeString("text"))))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("VALUE_STRING");
    }

    @Test
    void anOptionalHasOneValueOrNone() throws Throwable {
        Call<Object> call = () -> "expected";
        assertThat(sent(Optional.of(List.of(1)))).contains(List.of(1));
        assertThat(sent(Optional.empty())).isEmpty();

        assertThatThrownBy(() -> journey.encode(call).decodeResult(typed("Optional", to -> {
                    to.writeStartArray();
                    to.writeNull();
                    to.writeNull();
                    to.writeEndArray();
                })))
                .isInstanceOf(NotDecodableException.class);
    }

    // Refusals, with the place of the value

    record Holder(Object held) {}

    static Stream<Arguments> holders() {
        Object thread = Thread.currentThread();
        return Stream.of(
                Arguments.of(new ArrayList<>(List.of(1, thread)), "[1]"),
                Arguments.of(new HashMap<>(Map.of("the key", thread)), "the key"),
                Arguments.of(new HashMap<>(Map.of(thread, 1)), "(key)"),
                Arguments.of(Optional.of(thread), "java.lang.Thread"),
                Arguments.of(new Object[] {1, 2, thread}, "[2]"),
                Arguments.of(new Holder(Map.of("the key", List.of(1, thread))), "held"));
    }

    @ParameterizedTest
    @MethodSource("holders")
    void aRefusalSaysWhereInAContainerTheValueIs(Object container, String place) {
        assertThatThrownBy(() -> journey.send(container))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageContaining(place)
                .hasMessageContaining("java.lang.Thread");
    }

    // Sizes at which another way is taken

    @Test
    void anArrayTravelsOutOfBandFromTheThresholdOn() throws Exception {
        int threshold = WireOptions.DEFAULT.outOfBandBytes();
        int[] small = new int[threshold / Integer.BYTES - 1];
        int[] large = new int[threshold / Integer.BYTES];
        Call<Object> call = () -> "expected";
        DecodedCall decoded = journey.decode(journey.encode(call).payload());

        assertThat(decoded.encodeResult(small).arrays()).isEmpty();
        assertThat(decoded.encodeResult(large).arrays()).containsExactly(large);
    }

    @Test
    void anArrayOfEachSizeArrivesEqual() throws Throwable {
        for (int length : new int[] {0, 1, 4095, 4096, 4097}) {
            int[] array = IntStream.range(0, length).toArray();
            boolean[] flags = new boolean[length];
            for (int i = 0; i < length; i += 3) {
                flags[i] = true;
            }

            assertThat(sent(array)).containsExactly(array);
            assertThat(sent(flags)).containsExactly(flags);
        }
    }

    @Test
    void upTo16ValuesTravelWithoutJackson() {
        Object[] plain = new Object[17];
        Arrays.fill(plain, "text");

        assertThat(PlainValues.write(Arrays.copyOf(plain, 16), Encoding.ofState(null, Setup.IGNORED)))
                .isTrue();
        assertThat(PlainValues.write(plain, Encoding.ofState(null, Setup.IGNORED)))
                .isFalse();
        assertThat(PlainValues.write(new Object[] {List.of()}, Encoding.ofState(null, Setup.IGNORED)))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 127, 128, 255})
    void aPlainValueOfNoKindIsRefused(int kind) throws Exception {
        Call<Object> call = () -> "expected";
        var document = new Payload(List.of(ByteBuffer.wrap(new byte[] {1, (byte) kind})), List.of());

        assertThatThrownBy(() -> journey.encode(call).decodeResult(document))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("There is no value of kind " + (byte) kind);
    }
}
