package dev.trestle.processpool.values;

import static dev.trestle.processpool.values.Documents.array;
import static dev.trestle.processpool.values.Documents.smile;
import static dev.trestle.processpool.values.Documents.typed;
import static dev.trestle.processpool.values.Documents.value;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.WireOptions;
import java.io.File;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonGenerator;

/** Values that are small on the wire, or look harmless there, and would cost the program much to make. */
@Timeout(30)
class DecodingBoundsTest {

    private static final AtomicLong comparisons = new AtomicLong();

    private final Journey journey = Journey.allowingNothing();

    /** Each equals is counted; all have the same hash code. */
    record Alike(int number) {
        @Override
        public int hashCode() {
            return 7;
        }

        @Override
        public boolean equals(Object other) {
            comparisons.incrementAndGet();
            return other instanceof Alike(int its) && its == number;
        }
    }

    /** A key whose hash code its sender chooses, comparable or not. */
    record Chosen(int hash, int number) {
        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(Object other) {
            comparisons.incrementAndGet();
            return other instanceof Chosen(int itsHash, int its) && itsHash == hash && its == number;
        }
    }

    private static Object objectCall() {
        return (Call<Object>) () -> "expected";
    }

    private static int number() {
        return 1;
    }

    private static long longNumber() {
        return 1;
    }

    private Object decode(Object call, Payload result) throws Exception {
        return String.valueOf(journey.encode(call).decodeResult(result));
    }

    private NotDecodableException refusal(Object call, Payload result) {
        NotDecodableException refusal = catchThrowableOfType(NotDecodableException.class, () -> decode(call, result));
        assertThat(refusal).as("refusal of %s", result).isNotNull();
        assertThat(refusal.getMessage()).hasSizeLessThan(3_000);
        for (Throwable each = refusal; each != null; each = each.getCause()) {
            assertThat(String.valueOf(each)).hasSizeLessThan(5_000);
        }
        return refusal;
    }

    /** A fraction where an integer is declared may be cut off or refused; neither may cost anything. */
    private void decodeOrRefuse(Object call, Payload result) {
        Throwable thrown =
                catchThrowable(() -> assertThat(decode(call, result)).asString().hasSizeLessThan(30));
        if (thrown != null) {
            assertThat(thrown).isInstanceOf(NotDecodableException.class);
            assertThat(thrown.getMessage()).hasSizeLessThan(3_000);
        }
    }

    // Numbers

    @Test
    void hugeIntegersAreNeitherParsedNorPrinted() throws Exception {
        var huge = BigInteger.ONE.shiftLeft(16_000_000);
        for (Object call : List.of(
                (Call<Integer>) DecodingBoundsTest::number,
                (Call<Long>) DecodingBoundsTest::longNumber,
                objectCall())) {
            refusal(call, smile(to -> to.writeNumber(huge)));
            refusal(call, smile(to -> to.writeNumber(new BigDecimal(huge, 5))));
        }
        refusal((Call<Integer>) DecodingBoundsTest::number, smile(to -> to.writeString("9".repeat(2_000_000))));
        for (String name : List.of(
                "Integer",
                "Long",
                "Short",
                "Byte",
                "Double",
                "Float",
                "Character",
                "Year",
                "Date",
                "BigInteger",
                "BigDecimal",
                "OptionalInt",
                "OptionalLong",
                "OptionalDouble",
                "Duration",
                "Instant",
                "YearMonth",
                "Pattern",
                "int[]")) {
            decodeOrRefuse(objectCall(), typed(name, to -> to.writeNumber(huge)));
            refusal(
                    objectCall(),
                    typed(
                            name,
                            to -> array(to, parts -> {
                                parts.writeNumber(huge);
                                parts.writeNumber(huge);
                            })));
            refusal(objectCall(), typed(name, to -> to.writeString("9".repeat(2_000_000))));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e999999999", "-1e-999999999", "1e1073741824"}) // the largest that Jackson 3.3 writes
    void anExponentIsNotWrittenOut(String text) {
        var decimal = new BigDecimal(text);
        Payload bare = smile(to -> to.writeNumber(decimal));

        for (Object call :
                List.of((Call<Integer>) DecodingBoundsTest::number, (Call<Long>) DecodingBoundsTest::longNumber)) {
            decodeOrRefuse(call, bare);
        }
        for (String name : List.of("Integer", "Long", "BigInteger", "Year", "Date", "Character")) {
            decodeOrRefuse(objectCall(), typed(name, to -> to.writeNumber(decimal)));
        }
    }

    @Test
    void largeNumbersThatAreDeclaredTravelAsBytes() throws Throwable {
        var integer = BigInteger.TEN.pow(20_000).negate();
        List<Object> numbers = List.of(
                integer, BigInteger.ZERO, new BigDecimal(integer, Integer.MAX_VALUE), new BigDecimal("1e999999999"));

        assertThat(journey.send(numbers)).isEqualTo(numbers);
    }

    // Texts

    @Test
    void textOfAScalarIsLimitedOnBothSides() throws Exception {
        String endless = "a".repeat(70_000);
        for (String name : List.of(
                "URI",
                "URL",
                "File",
                "Path",
                "Locale",
                "Currency",
                "Charset",
                "LocalDate",
                "LocalTime",
                "LocalDateTime",
                "OffsetDateTime",
                "OffsetTime",
                "ZonedDateTime",
                "MonthDay",
                "Period",
                "ZoneId",
                "ZoneOffset",
                "Comparator",
                "Class")) {
            refusal(objectCall(), typed(name, to -> to.writeString(endless)));
        }
        for (Object value : List.of(
                URI.create(endless), new File(endless), Locale.forLanguageTag("en-x-" + "abc-".repeat(70) + "d"))) {
            assertThatThrownBy(() -> journey.send(value))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining("characters, and may have")
                    .hasMessageContaining("Pass it as a text.");
        }
    }

    @Test
    void aCharsetThatIsNotThereIsNotLookedForInTheClassPath() throws Throwable {
        var refusal = refusal(objectCall(), typed("Charset", to -> to.writeString("x-no-such-charset")));

        assertThat(refusal).hasMessageContaining("x-no-such-charset");
        for (String each : List.of("UTF-8", "UTF-32LE", "windows-1252", "x-MacRoman")) {
            assertThat(journey.send(Charset.forName(each))).isEqualTo(Charset.forName(each));
        }
    }

    private static Payload pattern(int flags, String text) {
        return typed(
                "Pattern",
                to -> array(to, parts -> {
                    parts.writeNumber(flags);
                    parts.writeString(text);
                }));
    }

    @Test
    void patternsThatAreDearToCompileAreRefusedOnBothSides() throws Exception {
        Map<Pattern, String> dear = Map.of(
                Pattern.compile("a\u0301\u0302\u0303", Pattern.CANON_EQ), "CANON_EQ",
                Pattern.compile(".".repeat(4097)), "4097 characters",
                Pattern.compile("(".repeat(101) + ")".repeat(101)), "deeper than 100 levels",
                Pattern.compile("[a&&".repeat(101) + "b" + "]".repeat(101)), "deeper than 100 levels");

        dear.forEach((pattern, why) -> {
            assertThat(refusal(objectCall(), pattern(pattern.flags(), pattern.pattern())))
                    .hasMessageContaining(why);
            assertThatThrownBy(() -> journey.send(pattern))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining(why)
                    .hasMessageContaining("Pass the expression as a text, and compile it where it is used.");
        });
        refusal(objectCall(), pattern(1 << 20, "a"));
        refusal(objectCall(), pattern(-1, "a"));
        refusal(objectCall(), pattern(0, "(".repeat(2_000_000)));
        refusal(objectCall(), pattern(Pattern.CANON_EQ, "a" + "\u0301\u0327\u0302\u0303".repeat(5)));
    }

    @Test
    void patternsOfOneTextAreLimitedByDocumentSize() {
        Payload many = typed(
                "ArrayList",
                to -> array(to, elements -> {
                    for (int i = 0; i < 100_000; i++) {
                        value(
                                elements,
                                "Pattern",
                                pattern -> array(pattern, parts -> {
                                    parts.writeNumber(0);
                                    parts.writeString("[a][b][c][d][e][f][g][h][i][j][k][l][m][n][o][p]");
                                }));
                    }
                }));

        assertThat(refusal(objectCall(), many))
                .hasMessageContaining("would take")
                .hasMessageContaining("on the wire");
    }

    @Test
    void usualPatternsTravel() throws Throwable {
        for (Pattern each : List.of(
                Pattern.compile("(?i)a|b", Pattern.MULTILINE),
                Pattern.compile("\\(".repeat(200)),
                Pattern.compile("x".repeat(4096), Pattern.LITERAL))) {
            Pattern arrived = (Pattern) requireNonNull(journey.send(each));

            assertThat(arrived).hasToString(each.toString());
            assertThat(arrived.flags()).isEqualTo(each.flags());
        }
        List<Pattern> many = IntStream.range(0, 1_000)
                .mapToObj(i -> Pattern.compile("[a-z]+" + i))
                .toList();
        assertThat((List<?>) journey.send(many)).hasSize(1_000);
    }

    // Collections

    private static Payload collection(String name, int count, Consumer<JsonGenerator> element) {
        return typed(
                name, to -> array(to, elements -> IntStream.range(0, count).forEach(_ -> element.accept(elements))));
    }

    /** Writes other text each time, with the same hash code. */
    private static final class Colliding implements Consumer<JsonGenerator> {
        private final int length;
        private int next;

        Colliding(int length) {
            this.length = length;
        }

        String text(int number) {
            var text = new StringBuilder();
            for (int bit = 0; bit < length; bit++) {
                text.append((number >> bit & 1) == 0 ? "Aa" : "BB");
            }
            return text.toString();
        }

        @Override
        public void accept(JsonGenerator to) {
            value(to, "String", text -> text.writeString(text(next++)));
        }
    }

    @Test
    void aCopyOnWriteSetIsLimitedInResults() throws Throwable {
        Consumer<JsonGenerator> text = to -> value(to, "String", each -> each.writeString("x"));
        var strings = new Colliding(20);
        assertThat(refusal(objectCall(), collection("CopyOnWriteArraySet", 20_000, strings)))
                .hasMessageContaining("has 20000 elements, and compares each with all others")
                .hasMessageContaining("199990000 comparisons would be made")
                .hasMessageContaining("Pass a LinkedHashSet.");
        assertThat(decode(objectCall(), collection("CopyOnWriteArraySet", 100_000, text)))
                .isEqualTo("[x]");

        var usual = new CopyOnWriteArraySet<>(IntStream.range(0, 5_000).boxed().toList());
        assertThat(journey.send(usual)).isEqualTo(usual).isInstanceOf(CopyOnWriteArraySet.class);
    }

    /** A worker trusts its pool, so containers in the arguments of a call are not limited. */
    @Test
    void comparisonsOfADocumentAreAddedUpUnlessThePoolSentIt() {
        var names = new TypeNames(getClass().getClassLoader());
        var untrusting = new Decoding(
                List.of(),
                TypePolicy.forResult(names, WireOptions.DEFAULT, List.of()),
                new Slot[0],
                0,
                false,
                SharedArrays.NONE);
        var trusting = new Decoding(
                List.of(), TypePolicy.trusting(names, WireOptions.DEFAULT), new Slot[0], 0, false, SharedArrays.NONE);
        for (int i = 0; i < 5; i++) {
            assertThat(untrusting.isTooMuch(10_500_000, 1_000)).isFalse();
        }
        assertThat(untrusting.isTooMuch(500_000_000, 1_000_000)).isFalse();

        assertThat(untrusting.isTooMuch(500_001, 1_000)).isTrue();
        assertThat(trusting.isTooMuch(Long.MAX_VALUE / 2, 1)).isFalse();
        assertThat(trusting.isFew(Integer.MAX_VALUE)).isTrue();
    }

    @Test
    void incomparableElementsWithOneHashCodeAreLimited() {
        for (String name : List.of("HashSet", "LinkedHashSet", "Set.of", "HashMap.keySet", "CopyOnWriteArraySet")) {
            comparisons.set(0);
            var numbers = new AtomicLong();

            assertThat(refusal(
                            objectCall(),
                            collection(
                                    name,
                                    20_000,
                                    to -> value(to, Alike.class.getName(), alike -> {
                                        alike.writeStartObject();
                                        alike.writeNumberProperty("number", numbers.getAndIncrement());
                                        alike.writeEndObject();
                                    }))))
                    .hasMessageContaining("has 20000 elements or keys with the hash code 7: 199990000 comparisons")
                    .hasMessageContaining("Give their class a hashCode that tells them apart");
            assertThat(comparisons.get()).as(name).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HashMap", "LinkedHashMap", "ConcurrentHashMap", "Hashtable", "Properties", "Map.of"})
    void incomparableKeysWithOneHashCodeAreLimited(String name) {
        comparisons.set(0);
        Payload map = typed(
                name,
                to -> array(to, entries -> {
                    if (name.equals("LinkedHashMap") || name.equals("Properties")) {
                        entries.writeNull();
                    }
                    for (int i = 0; i < 20_000; i++) {
                        int number = i;
                        value(entries, Alike.class.getName(), alike -> {
                            alike.writeStartObject();
                            alike.writeNumberProperty("number", number);
                            alike.writeEndObject();
                        });
                        value(entries, "Integer", each -> each.writeNumber(number));
                    }
                }));

        assertThat(refusal(objectCall(), map)).hasMessageContaining("the hash code 7");
        assertThat(comparisons.get()).isZero();
    }

    /** A key that is comparable, but by a number that many have. */
    record Ranked(int rank, String name) implements Comparable<Ranked> {
        @Override
        public int hashCode() {
            return 7;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Ranked(int its, String itsName) && its == rank && itsName.equals(name);
        }

        @Override
        public int compareTo(Ranked other) {
            return Integer.compare(rank, other.rank);
        }
    }

    /** Hash maps find a key by its order only if its class is Comparable to itself and so are the others. */
    @Test
    void keysThatAreComparableOnlyByNameAreLimited() {
        var texts = new Colliding(20);
        int hash = texts.text(0).hashCode();
        var number = new AtomicLong();
        Consumer<JsonGenerator> path = to -> value(to, "Path", each -> each.writeString(texts.text(texts.next++)));
        Consumer<JsonGenerator> ranked = to -> value(to, Ranked.class.getName(), each -> {
            each.writeStartObject();
            each.writeNumberProperty("rank", 1);
            each.writeStringProperty("name", texts.text(texts.next++));
            each.writeEndObject();
        });
        Consumer<JsonGenerator> textOrLong = to -> {
            texts.accept(to);
            long high = number.incrementAndGet();
            value(to, "Long", each -> each.writeNumber((high << 32) | ((high ^ hash) & 0xFFFFFFFFL)));
        };

        for (Consumer<JsonGenerator> each : List.of(path, ranked, textOrLong)) {
            assertThat(refusal(objectCall(), collection("HashSet", 20_000, each)))
                    .hasMessageContaining("elements or keys with the hash code");
        }
    }

    /** A class of the program that has the behaviour of one of the JDK. */
    @SuppressWarnings("JdkObsolete") // a user may extend one
    static class OwnTable extends Hashtable<Object, Object> {
        private static final long serialVersionUID = 1;
    }

    static class OwnSet extends CopyOnWriteArraySet<Object> {
        private static final long serialVersionUID = 1;
    }

    private static Payload own(Class<?> type, Consumer<JsonGenerator> element) {
        return collection(type.getName(), 20_000, new Consumer<>() {
            private boolean hasFields;

            @Override
            public void accept(JsonGenerator to) {
                if (!hasFields) {
                    hasFields = true;
                    array(to, _ -> {});
                }
                element.accept(to);
            }
        });
    }

    @Test
    void ownContainersAreLimitedLikeTheirSuperclasses() {
        var texts = new Colliding(20);
        Payload table = own(OwnTable.class, to -> {
            texts.accept(to);
            value(to, "Integer", each -> each.writeNumber(1));
        });
        Payload set = own(OwnSet.class, texts);

        assertThat(refusal((Call<OwnTable>) OwnTable::new, table)).hasMessageContaining("hash codes are so alike");
        assertThat(refusal((Call<OwnSet>) OwnSet::new, set)).hasMessageContaining("compares each with all others");
    }

    @Test
    void textsWithTheSameHashCodeAreLimitedWhereTheJdkHasNoTrees() throws Exception {
        assertThat(refusal(objectCall(), collection("Set.of", 20_000, new Colliding(20))))
                .hasMessageContaining("hash codes are so alike");
        for (String name : List.of("Map.of", "Hashtable")) {
            var texts = new Colliding(20);
            assertThat(refusal(objectCall(), collection(name, 20_000, to -> {
                        texts.accept(to);
                        value(to, "Integer", each -> each.writeNumber(1));
                    })))
                    .hasMessageContaining("hash codes are so alike");
        }
        assertThat(decode(objectCall(), collection("HashSet", 20_000, new Colliding(20))))
                .asString()
                .hasSizeGreaterThan(1000);
    }

    /** The hash codes are different, but all of them lead to a few places of the table. */
    @Test
    void hashCodesThatLeadToTheSamePlaceAreLimited() {
        for (String name : List.of("Set.of", "Map.of", "Hashtable")) {
            comparisons.set(0);
            boolean isSet = name.equals("Set.of");
            boolean isTable = name.equals("Hashtable");
            int size = isTable ? 36_000 : 20_000;
            int places = isTable ? 49_151 : 2 * size;
            Payload bad = typed(
                    name,
                    to -> array(to, elements -> {
                        for (int i = 0; i < size; i++) {
                            int number = i;
                            value(elements, Chosen.class.getName(), each -> {
                                each.writeStartObject();
                                each.writeNumberProperty("hash", number * places);
                                each.writeNumberProperty("number", number);
                                each.writeEndObject();
                            });
                            if (!isSet) {
                                value(elements, "Integer", each -> each.writeNumber(1));
                            }
                        }
                    }));

            assertThat(refusal(objectCall(), bad)).hasMessageContaining("hash codes are so alike");
            assertThat(comparisons.get()).as(name).isLessThan(5_000_000);
        }
    }

    /** Keys as programs have them, whose hash codes are alike, and the number of them that travels. */
    enum Usual {
        NUMBERS(30_000, i -> i),
        MULTIPLES(30_000, i -> i << 16),
        MULTIPLES_THAT_LEAD_TO_ONE_PLACE(4_096, i -> i << 16),
        DOUBLES(30_000, i -> i / 4.0),
        NAMES(30_000, i -> "user-" + i),
        TEXTS_WITH_EQUAL_HASH_CODES(5_000, i -> new Colliding(4).text(i) + i / 16),
        PACKED_COORDINATES(4_096, i -> (long) (i / 64) << 32 | i % 64),
        TIMES(10_000, i -> LocalDateTime.of(2026, 1, 1, 0, 0).plusMinutes(i)),
        PATHS(10_000, i -> Path.of("data", "part-" + i)),
        POINTS(4_096, i -> new Examples.Point(i / 64, i % 64)),
        PAIRS_OF_THE_SAME(1_200, i -> Map.entry(i, i)),
        SMALL_SETS(1_500, i -> new HashSet<>(List.of(i % 50, 100 + i / 50))),
        RECORDS_WITH_ONE_HASH_CODE(1_200, Alike::new);

        private final int count;

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final IntFunction<Object> maker;

        Usual(int count, IntFunction<Object> maker) {
            this.count = count;
            this.maker = maker;
        }

        Set<Object> keys() {
            return IntStream.range(0, count).mapToObj(maker).collect(Collectors.toCollection(LinkedHashSet::new));
        }
    }

    @ParameterizedTest
    @EnumSource
    @SuppressWarnings("JdkObsolete") // a user may have one
    void largeContainersOfUsualKeysTravel(Usual usual) throws Throwable {
        Set<Object> keys = usual.keys();
        assertThat(keys).hasSize(usual.count);
        var map = new HashMap<Object, Integer>();
        keys.forEach(each -> map.put(each, 1));

        for (Collection<?> each : List.of(new HashSet<>(keys), Set.copyOf(keys), map.keySet(), map.entrySet())) {
            Object arrived = requireNonNull(journey.send(each));
            assertThat(arrived.getClass()).isEqualTo(each.getClass());
            assertThat((Collection<?>) arrived).hasSameSizeAs(each);
        }
        for (Map<?, ?> each : List.of(map, Map.copyOf(map), new ConcurrentHashMap<>(map), new Hashtable<>(map))) {
            Object arrived = requireNonNull(journey.send(each));
            assertThat(arrived.getClass()).isEqualTo(each.getClass());
            assertThat((Map<?, ?>) arrived).hasSameSizeAs(each);
        }
    }

    @Test
    void aSizeThatIsOnlyClaimedAllocatesNothing() throws Exception {
        Payload queue = typed(
                "LinkedBlockingQueue",
                to -> array(to, parts -> value(parts, "Integer", each -> each.writeNumber(Integer.MAX_VALUE))));

        assertThat(decode(objectCall(), queue)).isEqualTo("[]");
        for (int claim : new int[] {-1, Integer.MIN_VALUE, 0}) {
            refusal(
                    objectCall(),
                    typed(
                            "LinkedBlockingDeque",
                            to -> array(to, parts -> value(parts, "Integer", each -> each.writeNumber(claim)))));
        }
    }

    @Test
    void mapsOfAnEnumAreLimitedByItsConstants() throws Throwable {
        Payload many = typed(
                "ArrayList",
                to -> array(to, maps -> {
                    for (int i = 0; i < 200_000; i++) {
                        value(
                                maps,
                                "EnumMap",
                                map -> array(
                                        map,
                                        parts -> value(
                                                parts,
                                                "Class",
                                                each -> each.writeString("java.lang.Character$UnicodeScript"))));
                    }
                }));

        assertThat(refusal(objectCall(), many)).hasMessageContaining("java.util.EnumMap and others like it");
        var usual = new ArrayList<Map<Thread.State, Integer>>();
        for (int i = 0; i < 10_000; i++) {
            usual.add(new EnumMap<>(Map.of(Thread.State.NEW, i)));
        }
        assertThat(journey.send(usual)).isEqualTo(usual);
    }

    @Test
    void aMessageDoesNotQuoteAllOfAValue() {
        refusal(objectCall(), typed("x".repeat(1_000_000), to -> to.writeNumber(1)));
        refusal(objectCall(), typed("Class", to -> to.writeString("x".repeat(1_000_000))));
        refusal(objectCall(), typed("Comparator", to -> to.writeString("x".repeat(200))));
        refusal(objectCall(), typed("java.lang.Thread$State", to -> to.writeString("x".repeat(1_000_000))));
        refusal(objectCall(), typed(Examples.Point.class.getName(), to -> {
            to.writeStartObject();
            to.writeNumberProperty("x".repeat(60_000), 1);
            to.writeEndObject();
        }));
        refusal(objectCall(), typed(Examples.Point.class.getName(), to -> to.writeString("x".repeat(1_000_000))));
        refusal(
                objectCall(),
                typed(
                        "EnumSet",
                        to -> array(
                                to,
                                parts -> value(
                                        parts,
                                        "ArrayList",
                                        list -> array(list, elements -> {
                                            for (int i = 0; i < 100_000; i++) {
                                                value(elements, "String", each -> each.writeString("much"));
                                            }
                                        })))));
    }

    @Test
    void aMessageShowsControlCharactersOfAValue() {
        Payload constant = typed("java.lang.Thread$State", to -> to.writeString("odd \u001b[2J\rend"));

        assertThat(refusal(objectCall(), constant).getMessage())
                .contains("odd \\u001b[2J\\u000dend")
                .doesNotContain("\u001b", "\r");
    }

    @Test
    void decodingEndsWhenItsThreadIsInterrupted() throws Exception {
        var encoded = journey.encode(objectCall());
        Payload list = journey.decode(encoded.payload()).encodeResult(List.of(1, 2, 3));
        try {
            Thread.currentThread().interrupt();

            assertThatThrownBy(() -> encoded.decodeResult(list))
                    .isInstanceOf(NotDecodableException.class)
                    .hasMessageContaining("no longer wanted: its call has ended");
            assertThat(catchThrowable(() -> encoded.decodeItem(list, 0))).isNull(); // on the thread of its consumer
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
